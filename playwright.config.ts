/**
 * @file End-to-end tests: the built lab in a real Chromium with WebGPU. `npm test` names the browser (CHROME_PATH) and
 * says whether this machine has a GPU; without one the software adapter computes, slowly, so times are generous.
 */
import { defineConfig } from "@playwright/test";

const PORT = Number(process.env.BASIN_E2E_PORT ?? 4319);
const software = process.env.BASIN_SOFTWARE_GPU !== "0";

export default defineConfig({
  testDir: "e2e",
  timeout: 300_000,
  expect: { timeout: 30_000 },
  // One page at a time: a software adapter uses every core.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  reporter: "list",
  use: {
    baseURL: `http://localhost:${PORT}/`,
    // What is waited for in vain is named, before the whole test's time is up.
    actionTimeout: 120_000,
    viewport: { width: 1440, height: 900 },
    // Each test is a first visit; those of the offline copy allow it.
    serviceWorkers: "block",
    // Snapshots of every action and a picture of every frame take a fifth of the computing: BASIN_TRACE=1 records them.
    trace: process.env.BASIN_TRACE === "1" ? "retain-on-failure" : "off",
    // Frames of animations cost a software renderer as much again; specs about motion ask for it.
    contextOptions: { reducedMotion: "reduce" },
    screenshot: "only-on-failure",
    launchOptions: {
      ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
      args: [
        "--enable-unsafe-webgpu",
        ...(software ? ["--use-webgpu-adapter=swiftshader"] : ["--enable-features=Vulkan", "--ignore-gpu-blocklist"]),
      ],
    },
  },
  projects: [{ name: "chromium" }],
  webServer: {
    command: `node node_modules/vite/bin/vite.js preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}/`,
    reuseExistingServer: !process.env.CI,
    timeout: 30_000,
  },
});
