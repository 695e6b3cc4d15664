/**
 * @file Many short runs in one page: neither the heaps of the page and its workers nor the device's memory grow with
 * them. RUNS says how many instead of 200; the figures are printed. Needs `npx vite build`.
 *
 * V8 compiles what has become hot to machine code for hundreds of runs, which its heap counts: its compilers are off
 * here, so that what grows is data.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "@playwright/test";
import { preview } from "vite";
import { expect, it } from "vitest";
import { packJson } from "../../src/experiment/share/packedJson.ts";
import { HeapWatch, sum } from "./heapWatch.ts";

const RUNS = Number(process.env.RUNS ?? 200);
/** The runs before the first measurement: by then all code has run, and what is kept once is kept. */
const FIRST = 10;
const root = fileURLToPath(new URL("../..", import.meta.url));
const PATIENCE_MS = 60_000;

const SPEC = {
  method: { name: "asft" },
  data: { train: { source: "apothecary", task: "topic", n: 8, harmful_ratio: 0 } },
  train: { max_steps: 2, per_device_train_batch_size: 2 },
  eval: { harmful: { n: 1 }, task: null, benign: null, max_new_tokens: 4 },
};

async function runOnce(page: Page, nth: number): Promise<void> {
  const start = page.getByRole("button", { name: "Start the run" });
  await start.click();
  await page
    .getByRole("tab", { name: new RegExp(`^Runs ?${nth}$`) })
    .waitFor()
    .catch(async (cause: unknown) => {
      throw new Error(`run ${nth} did not end; the page says: ${await page.innerText("main")}`, { cause });
    });
  await page.locator("[data-testid=run-area][data-state=finished]").waitFor();
}

/** Bytes as the lab says them: "123.4 MiB". */
async function deviceMemory(page: Page): Promise<string> {
  await page.getByTestId("device-chip").click();
  const figure = page.getByText("Memory in use", { exact: true }).locator("xpath=following-sibling::*");
  await figure.waitFor();
  const [now = ""] = ((await figure.textContent()) ?? "").split(/[,;(]/);
  await page.keyboard.press("Escape");
  return now.trim();
}

it(`${RUNS} runs leave no more behind than ${FIRST}`, { timeout: 4 * 3_600_000 }, async () => {
  const outDir = process.env.BASIN_WEB ?? join(root, "dist/web");
  if (!existsSync(join(outDir, "index.html"))) throw new Error("the lab is not built: npx vite build");
  const server = await preview({ root, logLevel: "error", build: { outDir }, preview: { port: 0 } });
  const browser = await chromium.launch({
    executablePath: process.env.CHROME_PATH ?? "/usr/bin/chromium",
    args: [
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--js-flags=--no-opt --no-maglev --no-sparkplug",
    ],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const heap = await HeapWatch.attach(await page.context().newCDPSession(page));
    await page.goto(`${server.resolvedUrls?.local[0] ?? ""}#x=1.${packJson(SPEC)}`);
    const began = performance.now();
    const seen: { readonly runs: number; readonly heap: readonly number[] }[] = [];
    for (let nth = 1; nth <= RUNS; nth += 1) {
      await runOnce(page, nth);
      if (nth !== FIRST && nth !== RUNS && nth % 25 !== 0) continue;
      // A run is over for the page before its worker has let go of everything.
      await expect.poll(() => deviceMemory(page), { timeout: PATIENCE_MS, message: `after ${nth} runs` }).toBe("0 B");
      seen.push({ runs: nth, heap: await heap.collected() });
      const { runs, heap: bytes } = seen.at(-1) ?? { runs: 0, heap: [] };
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const parts = bytes.map((one) => (one / 1e6).toFixed(2)).join(" + ");
      process.stdout.write(
        `${runs} runs, ${seconds} s: heap ${(sum(bytes) / 1e6).toFixed(2)} MB (page and workers: ${parts}), ` +
          "nothing on the device\n",
      );
    }
    const first = seen.find(({ runs }) => runs === FIRST);
    const last = seen.at(-1);
    expect(last?.runs).toBe(RUNS);
    expect(sum(last?.heap ?? [])).toBeLessThanOrEqual(1.1 * sum(first?.heap ?? []));
  } finally {
    await browser.close();
    await server.close();
  }
});
