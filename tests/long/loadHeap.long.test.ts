/**
 * @file How much the JavaScript heap grows while a checkpoint of a gigabyte is loaded: in Node (what the command line
 * does, from a folder and from a web server) and in Chromium (the lab with its two workers, from a web server of
 * another origin). Counted are the heap and the ArrayBuffers outside of it, at their highest, less what was there
 * before. The weights themselves are the device's; a software adapter keeps them in the same process, so the process's
 * own memory says nothing here.
 *
 * In Chromium the figures come from the DevTools protocol, `Runtime.getHeapUsage` (usedSize + backingStorageSize) of
 * the page and of each worker, asked for many times a second; garbage that was not collected yet counts.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { preview, type PreviewServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../src/cli/environment.ts";
import { loadWeights, openModelFiles } from "../../src/experiment/run/textModel.ts";
import { testGpu } from "../support/gpu.ts";
import { writeBigCheckpoint } from "./bigCheckpoint.ts";
import { HeapWatch } from "./heapWatch.ts";

const LIMIT = 200e6;
const folder = mkdtempSync(join(tmpdir(), "basin-big-"));
const root = fileURLToPath(new URL("../..", import.meta.url));
let server: ChildProcess;
let address = "";
let total = 0;

beforeAll(async () => {
  total = await writeBigCheckpoint(folder);
  server = spawn(process.execPath, [fileURLToPath(new URL("rangeServer.mjs", import.meta.url)), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  address = await new Promise<string>((resolve) =>
    server.stdout?.once("data", (data: Buffer) => resolve(data.toString().trim())),
  );
});
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** The most that heap and ArrayBuffers grow by while `work` runs. */
async function growth(work: () => Promise<void>): Promise<number> {
  const now = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = now();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, now())), 10);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, now()) - before;
}

describe("a checkpoint of a gigabyte", () => {
  it.each(["folder", "server"] as const)("in Node, from a %s", async (from) => {
    expect(total).toBeGreaterThan(1e9);
    const gpu = await testGpu();
    const began = performance.now();
    const grown = await growth(async () => {
      const files = await openModelFiles(nodeEnvironment(), from === "folder" ? folder : address);
      const model = await loadWeights(gpu, files);
      expect(model.bytes).toBe(total);
      model.destroy();
    });
    process.stdout.write(
      `Node, ${from}: ${megabytes(total)} loaded in ` +
        `${((performance.now() - began) / 1000).toFixed(1)} s, heap + ArrayBuffers grew by ` +
        `${megabytes(grown)} at most\n`,
    );
    expect(grown).toBeLessThan(LIMIT);
  });

  it("in Chromium, through the lab's workers", async () => {
    const built = process.env.BASIN_WEB ?? join(root, "dist/web");
    if (!existsSync(join(built, "index.html"))) throw new Error("the lab is not built: npx vite build");
    const lab: PreviewServer = await preview({
      root,
      logLevel: "error",
      build: { outDir: built },
      preview: { port: 0 },
    });
    const browser = await chromium.launch({
      executablePath: process.env.CHROME_PATH ?? "/usr/bin/chromium",
      args: [
        "--enable-unsafe-webgpu",
        ...(process.env.BASIN_SOFTWARE_GPU === "0"
          ? ["--enable-features=Vulkan", "--ignore-gpu-blocklist"]
          : ["--use-webgpu-adapter=swiftshader"]),
      ],
    });
    try {
      const page = await browser.newPage();
      const heap = await HeapWatch.attach(await page.context().newCDPSession(page));
      await page.goto(lab.resolvedUrls?.local[0] ?? "");
      await expect
        .poll(() => page.getByTestId("device-chip").textContent(), { timeout: 60_000 })
        .not.toContain("Opening");
      await page.getByText("JSON", { exact: true }).click();
      const spec = {
        model: { aligned: `${address}/`, unaligned: null },
        data: { train: { source: "apothecary", n: 8 }, max_length: 64 },
        method: { name: "sft" },
        train: { max_steps: 1, per_device_train_batch_size: 1 },
        eval: { harmful: null, task: null, benign: null },
      };
      await page.getByLabel("The spec as JSON").fill(JSON.stringify(spec));
      const start = page.getByRole("button", { name: "Start the run" });
      await expect.poll(() => start.isEnabled(), { timeout: 60_000 }).toBe(true);
      const before = await heap.now();
      expect(heap.workers).toBe(2);
      const began = performance.now();
      await start.click();
      const phase = page.getByTestId("run-line").getByRole("status");
      let most = before;
      let samples = 0;
      let loaded = "";
      while (!/^(preparing|compiling|training|saving|failed)/i.test(loaded)) {
        most = Math.max(most, await heap.now());
        samples += 1;
        // The line goes when the run has ended; a failure is then on the page.
        if (samples % 10 === 0)
          loaded =
            (await phase.textContent({ timeout: 1000 }).catch(() => null)) ??
            `failed: ${(await page.getByRole("alert").allTextContents()).join(" ")}`;
        expect(performance.now() - began).toBeLessThan(600_000);
      }
      expect(loaded).not.toMatch(/^failed/);
      process.stdout.write(
        `Chromium, server: ${megabytes(total)} loaded in ` +
          `${((performance.now() - began) / 1000).toFixed(1)} s, heaps + ArrayBuffers grew ` +
          `from ${megabytes(before)} by ${megabytes(most - before)} at most (${samples} ` +
          "samples)\n",
      );
      expect(samples).toBeGreaterThan(50);
      expect(most - before).toBeLessThan(LIMIT);
    } finally {
      await browser.close();
      await lab.close();
    }
  });
});
