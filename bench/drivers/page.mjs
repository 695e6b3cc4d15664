/** @file The benchmark in Chromium: builds its page, opens it and runs it there. */
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { build, preview } from "vite";
import { findBrowser } from "../../scripts/setup.mjs";
import { measureStart } from "./start.mjs";

const configFile = fileURLToPath(new URL("../vite.config.ts", import.meta.url));
/** Loading the lab takes seconds each time. */
const STARTS = 5;

/**
 * @param gpu whether Chromium takes the machine's GPU, not SwiftShader
 * @param start whether the lab's start is measured, too
 */
export async function runPage(options, { gpu, start, say, save, ask }) {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error("No Chromium or Chrome was found. Install one, or name it in CHROME_PATH.");
  await build({ configFile });
  const server = await preview({ configFile, preview: { port: 0, open: false } });
  const args = [
    "--enable-unsafe-webgpu",
    ...(gpu ? ["--enable-features=Vulkan", "--ignore-gpu-blocklist"] : ["--use-webgpu-adapter=swiftshader"]),
  ];
  const browser = await chromium.launch({ executablePath, args });
  const named = (report) => ({
    ...report,
    browser: browser.version(),
    markdown: report.markdown.replace(report.platform, () => `Chromium ${browser.version()}`),
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on("pageerror", (error) => say(error.stack ?? String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") say(message.text());
    });
    await page.exposeFunction("benchProgress", say);
    await page.exposeFunction("benchSave", (report) => save(named(report)));
    if (ask) await page.exposeFunction("benchPytorch", ask);
    await page.goto(server.resolvedUrls.local[0]);
    await page.waitForFunction("window.basinBench !== undefined");
    const report = named(await page.evaluate(`window.basinBench(${JSON.stringify(options)})`));
    if (!start) return report;
    const times = await measureStart(
      browser,
      await page.evaluate("window.basinDemoLink()"),
      Math.min(options.repetitions, STARTS),
      say,
    );
    const line = await page.evaluate(`window.basinStartLine(${JSON.stringify(times)})`);
    const whole = { ...report, start: times, markdown: `${report.markdown}\n## Start\n\n${line}` };
    save(whole);
    return whole;
  } finally {
    await browser.close();
    await new Promise((resolve) => server.httpServer.close(resolve));
  }
}
