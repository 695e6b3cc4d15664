/**
 * @file Chaos in the built lab: a tab or Chromium's GPU process is killed at a random moment of a run, which must then
 * end as one that was never interrupted.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { expect } from "vitest";
import { Rng } from "../../src/base/rng.ts";
import { packJson } from "../../src/experiment/share/packedJson.ts";
import { newestRun } from "../../e2e/newestRun.ts";
import { CHAOS_SPEC, type ChaosAccount } from "../cli/chaos.ts";

export interface BrowserChaos {
  readonly kills: number;
  readonly seed: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PORT = 4397;
const PATIENCE_MS = 300_000;
/** Runs that are over before their kill, for each kill that is wanted. */
const MOST_LATE = 4;

export async function chaosInBrowser(victim: "tab" | "gpu", { kills, seed }: BrowserChaos): Promise<ChaosAccount> {
  const server = await serve();
  try {
    const rng = new Rng(`chaos/${seed}`);
    const { run: wanted, ms: wholeMs } = await inBrowser(wholeRun);
    const account = { kills: 0, runs: 0, late: 0 };
    while (account.kills < kills) {
      // On a machine that was slow during the first run and is fast now, nearly every moment would come too late.
      if (account.late > MOST_LATE * kills) throw new Error(`${account.late} of the runs were over before their kill`);
      const afterMs = (rng.below(1000) / 1000) * wholeMs;
      // A browser for each: after three crashes of its GPU process Chromium offers no GPU any more.
      const outcome = await inBrowser((context, browser) => killed(victim, context, browser, afterMs));
      expect(outcome.run, `${seed}, kill ${account.kills} after ${afterMs.toFixed(0)} ms`).toEqual(wanted);
      const seconds = (afterMs / 1000).toFixed(1);
      process.stdout.write(`${victim}, ${outcome.late ? "over before" : "killed after"} ${seconds} s: equal\n`);
      if (outcome.late) account.late += 1;
      else {
        account.kills += 1;
        account.runs += 1;
      }
    }
    return account;
  } finally {
    server.kill();
  }
}

async function inBrowser<T>(work: (context: BrowserContext, browser: Browser) => Promise<T>): Promise<T> {
  const browser = await chromium.launch({
    ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
    args: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  });
  try {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    return await work(context, browser);
  } finally {
    await browser.close();
  }
}

/** A run that is killed once and comes to its end; `late`: it had, before it was killed. */
async function killed(
  victim: "tab" | "gpu",
  context: BrowserContext,
  browser: Browser,
  afterMs: number,
): Promise<{ readonly run: unknown; readonly late: boolean }> {
  const page = await begin(context);
  await page.waitForTimeout(afterMs);
  if (await isOver(page)) return { run: (await newestRun(page)).outcome, late: true };
  if (victim === "gpu") {
    await killGpu(browser);
    await untilFinished(page);
    return { run: (await newestRun(page)).outcome, late: false };
  }
  await killTab(context, page);
  const { page: survivor, resumed } = await resume(context);
  if (resumed) await untilFinished(survivor);
  return { run: (await newestRun(survivor)).outcome, late: !resumed };
}

async function untilFinished(page: Page): Promise<void> {
  await page
    .locator("[data-testid=run-area][data-state=finished]")
    .waitFor()
    .catch(async (cause: unknown) => {
      throw new Error(`the run did not finish; the page says: ${await page.innerText("main")}`, { cause });
    });
}

async function serve(): Promise<ChildProcess> {
  const vite = `${ROOT}/node_modules/vite/bin/vite.js`;
  const server = spawn(process.execPath, [vite, "preview", "--port", String(PORT), "--strictPort"], { cwd: ROOT });
  await expect
    .poll(
      () =>
        fetch(`http://localhost:${PORT}/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 60_000 },
    )
    .toBe(true);
  return server;
}

/** A new tab with the run under way. */
async function begin(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://localhost:${PORT}/#x=1.${packJson(CHAOS_SPEC)}`);
  await page.getByRole("button", { name: "Start the run" }).click();
  await page.getByTestId("run-area").waitFor();
  return page;
}

/** @returns `ms` from when it has begun to its end: the moments of kills are taken from it */
async function wholeRun(context: BrowserContext): Promise<{ readonly run: unknown; readonly ms: number }> {
  const page = await begin(context);
  const began = performance.now();
  await untilFinished(page);
  const ms = performance.now() - began;
  const run = (await newestRun(page)).outcome;
  await page.close();
  return { run, ms };
}

async function isOver(page: Page): Promise<boolean> {
  return (await page.locator("[data-testid=run-area][data-state=finished]").count()) > 0;
}

/** The renderer dies as it does when memory runs out. */
async function killTab(context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  void session.send("Page.crash").catch(() => undefined);
  await crashed;
}

async function killGpu(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  await session.send("Browser.crashGpuProcess").catch(() => undefined);
  await session.detach().catch(() => undefined);
}

/**
 * Another tab, in which the interrupted run is resumed, or restarted where it had saved nothing. `resumed`: false where
 * it had come to its end, and was stored, just before the kill.
 */
async function resume(context: BrowserContext): Promise<{ readonly page: Page; readonly resumed: boolean }> {
  const page = await context.newPage();
  await page.goto(`http://localhost:${PORT}/`);
  await page.getByRole("tab", { name: "Run", exact: true }).click();
  const button = page.getByTestId("unfinished").getByRole("button", { name: /^(Resume|Restart)/ });
  const stored = page.getByRole("tab", { name: /^Runs ?1$/ });
  await button
    .or(stored)
    .waitFor()
    .catch(async (cause: unknown) => {
      throw new Error(`nothing to resume; the page says: ${await page.innerText("main")}`, { cause });
    });
  const resumed = (await stored.count()) === 0;
  if (resumed) await button.click();
  return { page, resumed };
}
