/** @file The page never blocks: no task of its own thread works longer than 100 ms, in whatever one does. */
import { expect, test, type Page } from "@playwright/test";
import { openLab, runToEnd, smallSpec, writeSpec } from "./support.ts";
import { longestTask, slowness } from "./uiThread.ts";

const LIMIT_MS = 100;

// With the animations that most people see.
test.use({ contextOptions: { reducedMotion: "no-preference" } });

/** Copies the only stored run, with 5000 steps. */
async function storeLongRun(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB")));
      });
    const db = await done(indexedDB.open("basin /"));
    interface Stored {
      runId: string;
      endedAt: number;
      steps: { step: number; ce: number }[];
      modules?: { columns: { step: number }[] };
    }
    const [one] = (await done(db.transaction("runs").objectStore("runs").getAll())) as Stored[];
    if (one === undefined) throw new Error("no run is stored");
    const stretch = <T extends { step: number }>(list: readonly T[], change: (item: T, i: number) => T): T[] =>
      Array.from({ length: 5000 }, (_, i) => change({ ...(list[i % list.length] as T), step: i + 1 }, i));
    const steps = stretch(one.steps, (step, i) => ({ ...step, ce: 3 * Math.exp(-i / 900) + 0.2 * Math.sin(i) }));
    const modules =
      one.modules === undefined
        ? {}
        : { modules: { ...one.modules, columns: stretch(one.modules.columns, (column) => column) } };
    await done(
      db
        .transaction("runs", "readwrite")
        .objectStore("runs")
        .put({ ...one, ...modules, runId: "long", endedAt: one.endedAt + 1000, steps }),
    );
    db.close();
  });
}

test("no task of the page's thread works longer than 100 ms", async ({ page }) => {
  const ready = page.getByTestId("device-chip").filter({ hasNotText: "Opening" });
  const seen: Record<string, { readonly workMs: number; readonly clockMs: number }> = {};
  const during = async (name: string, work: () => Promise<void>): Promise<void> => {
    seen[name] = await longestTask(page, work);
  };
  await page.goto("about:blank");
  await during("load", async () => {
    await openLab(page);
    await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
  });
  const slow = await slowness(page);
  await during("the experiment as JSON, typed", async () => {
    await writeSpec(
      page,
      smallSpec(
        { name: "asft" },
        {
          data: { train: { source: "apothecary", task: "topic", n: 80, harmful_ratio: 0.1 } },
          eval: { harmful: { n: 2 }, task: { n: 2 }, benign: null, max_new_tokens: 12 },
        },
      ),
    );
    const editor = page.getByLabel("The spec as JSON");
    await editor.press("ControlOrMeta+End");
    for (let i = 0; i < 10; i += 1) await editor.press(i % 2 === 0 ? "Space" : "Backspace");
  });
  await during("a run with its evaluations", () => runToEnd(page));
  await storeLongRun(page);
  await during("reload with a run of 5000 steps", async () => {
    await page.reload();
    await expect(ready).toBeVisible();
    await page.getByRole("tab", { name: /^Runs/ }).click();
    await expect(page.getByTestId("run-row")).toHaveCount(2);
  });
  await during("open the run of 5000 steps", async () => {
    await page
      .getByRole("button", { name: /^Open run/ })
      .first()
      .click();
    await expect(page.getByRole("img", { name: /^Cross-entropy.*5000 points/ })).toBeVisible();
    await page.mouse.wheel(0, 2000);
  });
  await during("the other areas", async () => {
    for (const area of ["Data", "Chat", "Table", "Learn", "Start"])
      await page.getByRole("tab", { name: area, exact: true }).click();
  });
  const told = Object.entries(seen).map(
    ([name, { workMs, clockMs }]) => `${name}: ${workMs.toFixed(0)} ms of work, ${clockMs.toFixed(0)} ms on the clock`,
  );
  test
    .info()
    .annotations.push({ type: "longest tasks", description: `${told.join("; ")}; this machine: ${slow.toFixed(2)}` });
  expect(
    Object.entries(seen).filter(([, { workMs }]) => workMs > LIMIT_MS * slow),
    told.join("; "),
  ).toEqual([]);
});
