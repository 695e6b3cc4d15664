/**
 * @file The lab itself: from opening the page (nothing cached by the browser) to the first optimiser step of the demo,
 * kernels and weights included. The run evaluates nothing, so that its first work is training.
 */
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";

const configFile = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));

/**
 * `fragment`: the demo's spec as a link. @returns ms of each repetition, from navigation to the first point of the loss
 */
export async function measureStart(browser, fragment, repetitions, say) {
  await build({ configFile, logLevel: "warn" });
  const server = await preview({ configFile, preview: { port: 0, open: false } });
  const times = [];
  try {
    for (let round = 0; round < repetitions; round += 1) {
      const context = await browser.newContext();
      const page = await context.newPage();
      page.setDefaultTimeout(300_000);
      const began = performance.now();
      await page.goto(`${server.resolvedUrls.local[0]}#${fragment}`);
      const start = page.getByRole("button", { name: "Start the run" });
      await start.click();
      await page.waitForFunction(
        () =>
          /: [1-9]\d* points?|\b[1-9]\d* points?\b/.test(
            globalThis.document
              .querySelector('[role="img"][aria-label^="Cross-entropy"]')
              ?.getAttribute("aria-label") ?? "",
          ),
        undefined,
        { polling: 50 },
      );
      times.push(performance.now() - began);
      say(`start ${round + 1} of ${repetitions}: ${(times[round] / 1000).toFixed(1)} s`);
      await context.close();
    }
  } finally {
    await new Promise((resolve) => server.httpServer.close(resolve));
  }
  return times;
}
