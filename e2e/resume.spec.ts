/**
 * @file No run is lost: killed tabs, two tabs, a lost GPU, pauses, discarding, files that must be chosen again, a full
 * storage.
 */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type BrowserContext, type Page } from "@playwright/test";
import { newestRun } from "./newestRun.ts";
import { openLab, writeSpec } from "./support.ts";

const NOTHING = { harmful: null, task: null, benign: null };
const STEPS = 24;

function spec(
  changes: Readonly<Record<string, unknown>> = {},
  train: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    name: "resume",
    data: { train: { source: "apothecary", task: "topic", n: 24, harmful_ratio: 0.25 } },
    method: { name: "asft" },
    lora: { r: 4 },
    train: { learning_rate: 1e-3, max_steps: STEPS, per_device_train_batch_size: 2, save_steps: 5, ...train },
    eval: { harmful: { n: 2 }, task: null, benign: null, max_new_tokens: 6, every_steps: 12 },
    ...changes,
  };
}

/** Runs with a checkpoint in this browser's private storage. */
async function checkpoints(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("basin-snapshots %2F", { create: true });
    let count = 0;
    for await (const _ of folder.keys()) count += 1;
    return count;
  });
}

async function start(page: Page): Promise<void> {
  const button = page.getByRole("button", { name: "Start the run" });
  await expect(button).toBeEnabled({ timeout: 60_000 });
  await button.click();
}

async function reach(page: Page, step: RegExp): Promise<void> {
  await expect(page.getByTestId("run-line")).toContainText(step, { timeout: 120_000 });
}

async function finished(page: Page): Promise<void> {
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", /finished|failed/, { timeout: 180_000 });
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished");
  // Nothing of its checkpoint is left.
  await expect.poll(() => checkpoints(page)).toBe(0);
}

/** The renderer dies as it does when memory runs out. */
async function kill(context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  void session.send("Page.crash").catch(() => undefined);
  await crashed;
}

/** Between two checkpoints, more likely than not. */
const LATER = new RegExp(`step ([7-9]|1\\d) of ${STEPS}`);
const FROM = /^Resume from step (5|10|15|20)$/;

test("a run resumes after a killed tab and a lost GPU, to the numbers of an uninterrupted one, bit for bit", async ({
  page,
  context,
  browser,
}) => {
  test.setTimeout(600_000);
  await openLab(page);
  await writeSpec(page, spec());
  await start(page);
  await finished(page);
  const alone = await newestRun(page);
  expect(alone.resumedAt).toEqual([]);

  await test.step("a second tab sees the run, and offers it only when the first is dead", async () => {
    const second = await context.newPage();
    await openLab(second);
    const unfinished = second.getByTestId("unfinished-run");
    await expect(unfinished).toHaveCount(0);
    await page.bringToFront();
    await start(page);
    await reach(page, LATER);
    await expect(unfinished).toHaveAttribute("data-where", "elsewhere");
    await expect(unfinished.getByRole("button")).toHaveCount(0);
    await kill(context, page);
    await expect(unfinished).toHaveAttribute("data-where", "interrupted");
    await second.getByTestId("unfinished").getByRole("button", { name: FROM }).click();
    await finished(second);
    const resumed = await newestRun(second);
    expect(resumed.outcome).toEqual(alone.outcome);
    expect([[5], [10], [15], [20]]).toContainEqual(resumed.resumedAt);
    await expect(second.getByText("Resumed from")).toBeVisible();
    await second.close();
  });

  await test.step("the GPU is lost on the way", async () => {
    const third = await context.newPage();
    await openLab(third);
    await writeSpec(third, spec());
    await start(third);
    await reach(third, LATER);
    const session = await browser.newBrowserCDPSession();
    await session.send("Browser.crashGpuProcess");
    await expect(third.getByTestId("device-loss")).toContainText(/resumes automatically from step (5|10|15|20)/, {
      timeout: 60_000,
    });
    await finished(third);
    const returned = await newestRun(third);
    expect(returned.outcome).toEqual(alone.outcome);
    expect(returned.resumedAt).toHaveLength(1);
  });
});

test("a pause needs no warning and goes on after a reload; discarding leaves nothing", async ({ page, context }) => {
  test.setTimeout(300_000);
  await openLab(page);
  await writeSpec(page, spec({ eval: NOTHING, method: { name: "sft" } }, { max_steps: 120, save_steps: 50 }));
  await start(page);
  const line = page.getByTestId("run-line");
  await reach(page, /step [1-9]\d* of 120/);

  // Closing it while it trains is asked about, once.
  const asked = page.waitForEvent("dialog");
  void page.close({ runBeforeUnload: true });
  await (await asked).dismiss();
  await line.getByRole("button", { name: "Pause" }).click();
  await expect(line).toHaveAttribute("data-state", "paused");
  const step = Number(/Paused after step (\d+)/.exec(await line.innerText())?.[1]);
  await expect(page.getByText(`step ${step},`)).toBeVisible();
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;

  const again = await context.newPage();
  await openLab(again);
  await again.getByRole("tab", { name: "Data" }).click();
  const offer = again.getByTestId("unfinished-line");
  await expect(offer).toContainText(`interrupted after step ${step} of 120`);
  await offer.getByRole("button", { name: `Resume from step ${step}` }).click();
  await reach(again, /step [1-9]\d* of 120/);
  expect(Number(/step (\d+) of/.exec(await again.getByTestId("run-line").innerText())?.[1])).toBeGreaterThanOrEqual(
    step,
  );

  // Discarded on the way: it asks once, and the keyboard lands on the answer that changes nothing.
  await again.getByTestId("run-line").getByRole("button", { name: "Stop and discard" }).click();
  await expect(again.getByRole("button", { name: "Keep running" })).toBeFocused();
  await again.getByRole("button", { name: "Discard run" }).click();
  await expect(again.getByTestId("run-line")).toHaveCount(0, { timeout: 60_000 });
  await expect.poll(() => checkpoints(again)).toBe(0);
  await expect(again.getByTestId("unfinished-run")).toHaveCount(0);
  await again.reload();
  await again.getByRole("tab", { name: "Runs", exact: true }).click();
  await expect(again.getByTestId("run-row")).toHaveCount(0);
});

test("rows that were chosen by hand are asked for again, and others are refused", async ({ page, context }) => {
  test.setTimeout(300_000);
  const rows = (word: string): Buffer =>
    Buffer.from(
      Array.from(
        { length: 24 },
        (_, i) => `${JSON.stringify({ prompt: `Say ${word} ${i}`, completion: `${word} ${i}` })}\n`,
      ).join(""),
    );
  await openLab(page);
  await page.getByText("Your file").click();
  await page
    .getByTestId("file-drop")
    .first()
    .locator("input[type=file]")
    .setInputFiles({ name: "mine.jsonl", mimeType: "application/jsonl", buffer: rows("yes") });
  await writeSpec(
    page,
    spec(
      { data: { train: { source: "file", path: "mine.jsonl" } }, eval: NOTHING, method: { name: "sft" } },
      { max_steps: 120 },
    ),
  );
  await start(page);
  await reach(page, /step ([6-9]|\d\d+) of 120/);
  await page.close();

  const again = await context.newPage();
  await openLab(again);
  const card = again.getByTestId("unfinished-run");
  const need = card.getByTestId("need");
  const goOn = card.getByRole("button", { name: /^Resume from step/ });
  await expect(need).toContainText("mine.jsonl");
  await expect(goOn).toBeDisabled();
  const axe = await new AxeBuilder({ page: again }).analyze();
  expect(
    axe.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`),
  ).toEqual([]);
  const choose = (buffer: Buffer): Promise<void> =>
    need.locator("input[type=file]").setInputFiles({ name: "other name.jsonl", mimeType: "application/jsonl", buffer });
  await choose(rows("no"));
  await goOn.click();
  await expect(again.getByTestId("run-area").getByRole("alert")).toContainText("on other rows");
  // The run is as far as its snapshot, wherever the tab was closed.
  const step = /from step (\d+)/.exec((await goOn.textContent()) ?? "")?.[1];
  await expect(card).toContainText(`Failed after step ${step},`);
  await choose(rows("yes"));
  await goOn.click();
  await reach(again, /step ([6-9]|\d\d+) of 120/);
  await again.getByTestId("run-line").getByRole("button", { name: "Stop and save" }).click();
  await finished(again);
});

test("a full storage costs the checkpoint, not the run", async ({ page, context }) => {
  await openLab(page);
  // Room for records, not for checkpoints of this size.
  const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  const session = await context.newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(page.url()).origin,
    quotaSize: usage + 400_000,
  });
  await writeSpec(page, spec({ eval: NOTHING, method: { name: "sft" }, lora: { r: 64 } }, { max_steps: 9 }));
  await start(page);
  await expect(page.getByTestId("not-kept")).toContainText(
    "Snapshots cannot be saved: the browser’s storage for this site is full. Training continues; if this tab closes, " +
      "the run restarts from the beginning.",
    { timeout: 60_000 },
  );
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 120_000 });
});

test("a storage that is full at the end keeps the run: it is stored once there is room", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, spec({ eval: NOTHING }));
  // Chromium asks for the quota of IndexedDB only now and then, so that it cannot be lowered under a page.
  await page.evaluate(() => {
    const put = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, "put")?.value as IDBObjectStore["put"];
    IDBObjectStore.prototype.put = function (value) {
      if (this.name === "runs" && !("hasRoom" in window)) throw new DOMException("", "QuotaExceededError");
      return put.call(this, value);
    };
  });
  await start(page);
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 120_000 });
  const notice = page.getByTestId("unsaved-run");
  await expect(notice).toContainText("This run is not saved: The browser's storage for this page is full");
  expect((await new AxeBuilder({ page }).include("[data-testid='unsaved-run']").analyze()).violations).toEqual([]);
  if (process.env.BASIN_PICTURES !== undefined)
    await page.screenshot({ path: `${process.env.BASIN_PICTURES}/unsaved.png`, fullPage: true });
  expect(await checkpoints(page)).toBe(1);
  await page.evaluate(() => Object.assign(window, { hasRoom: true }));
  await notice.getByRole("button", { name: "Save now" }).click();
  await expect(notice).toBeHidden();
  await page.reload();
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(page.getByTestId("run-row")).toHaveCount(1);
  await expect(page.getByTestId("row-unsaved")).toHaveCount(0);
  await expect(page.getByTestId("unfinished-line")).toHaveCount(0);
});
