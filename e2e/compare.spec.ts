/**
 * @file Runs compared: sorted, filtered, tagged, deleted and brought back, weighed on the plot, their settings held
 * side by side.
 */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { asft, SAFE_LORA, SFT, writeRuns, type RunSketch } from "./storedRuns.ts";
import { openLab } from "./support.ts";

const SKETCHES: readonly RunSketch[] = [
  { runId: "strong", spec: asft(10), harmful: 0, task: 40 },
  { runId: "anchored", spec: asft(1), harmful: 2, task: 49 },
  { runId: "plain", spec: SFT, harmful: 48, task: 50 },
  { runId: "projected", spec: SAFE_LORA, harmful: 3, task: 20 },
  {
    runId: "sums",
    spec: { ...SFT, data: { ...SFT.data, train: { source: "apothecary", task: "sums", n: 160, harmful_ratio: 0.1 } } },
    harmful: null,
    task: 30,
  },
];

async function axe(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

const rows = (page: Page) => page.getByTestId("run-row");
const order = (page: Page): Promise<string[]> =>
  rows(page).locator("td:nth-child(2) > span:first-child").allTextContents();

test("runs are sorted, filtered, tagged, deleted and restored; tags and notes are saved", async ({ page }) => {
  await openLab(page);
  await writeRuns(page, SKETCHES);
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(rows(page)).toHaveCount(5);
  expect(await order(page)).toEqual(["AsFT", "AsFT", "SFT", "Safe LoRA", "SFT"]);

  const head = page.getByRole("columnheader", { name: /^Harmful score/ });
  await head.getByRole("button").click();
  await expect(head).toHaveAttribute("aria-sort", "ascending");
  expect(await order(page)).toEqual(["AsFT", "AsFT", "Safe LoRA", "SFT", "SFT"]);
  await head.getByRole("button").press("Enter");
  await expect(head).toHaveAttribute("aria-sort", "descending");
  // What was not measured stays last.
  expect(await order(page)).toEqual(["SFT", "Safe LoRA", "AsFT", "AsFT", "SFT"]);
  await expect(rows(page).last()).toContainText("sums");

  const words = page.getByRole("searchbox", { name: "Filter runs" });
  await words.fill("sums");
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByText("1 of 5 runs")).toBeVisible();
  await rows(page).getByRole("button", { name: "Edit tags and note" }).click();
  await page
    .getByRole("combobox", { name: "Tags" })
    .or(page.getByRole("textbox", { name: "Tags" }))
    .first()
    .fill("for class");
  await page.getByRole("textbox", { name: "Note" }).fill("No harmful score here.");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(rows(page)).toContainText("No harmful score here.");
  await page.getByRole("button", { name: "Clear filter" }).click();
  await page.getByRole("button", { name: "for class" }).click();
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Clear filter" }).click();

  const plain = page.getByRole("row", { name: /^Select SFT.*topic/ });
  await plain.getByRole("button", { name: "Delete run" }).click();
  await expect(rows(page)).toHaveCount(4);
  await expect(page.getByText(/^Deleted: SFT/)).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(plain).toHaveCount(1);
  await plain.getByRole("button", { name: "Delete run" }).click();
  await expect(rows(page)).toHaveCount(4);

  await page.reload();
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(rows(page)).toHaveCount(4);
  await expect(rows(page).filter({ hasText: "for class" })).toContainText("No harmful score here.");
});

test("the plot is used by keyboard to select runs, whose settings are compared", async ({ page }) => {
  await openLab(page);
  await writeRuns(page, SKETCHES);
  await page.getByRole("tab", { name: /^Runs/ }).click();
  const plot = page.getByTestId("scatter");
  await expect(plot.getByRole("option")).toHaveCount(4);
  await expect(plot).toContainText("the Pareto front, 3 of 4 runs");
  await expect(plot).toContainText("1 run without both scores is not shown");
  // At first the four newest are selected.
  const selected = plot.getByRole("option", { selected: true });
  await expect(selected).toHaveCount(4);

  await plot.getByRole("option").first().focus();
  await expect(plot.getByRole("status")).toContainText(/AsFT, λ 10.*harmful 0\s%.*accuracy 80\s%.*on the Pareto front/);
  await page.keyboard.press("ArrowRight");
  await expect(plot.getByRole("status")).toContainText(/λ 1,.*harmful 4\s%/);
  await page.keyboard.press("ArrowRight");
  await expect(plot.getByRole("status")).toContainText("Safe LoRA");
  await expect(plot.getByRole("status")).not.toContainText("on the Pareto front");
  await page.keyboard.press("Enter");
  await expect(selected).toHaveCount(3);
  await page.keyboard.press("End");
  await expect(plot.getByRole("status")).toContainText(/SFT.*harmful 96\s%/);
  await page.keyboard.press(" ");
  await expect(selected).toHaveCount(2);
  await expect(rows(page).getByRole("checkbox", { checked: true })).toHaveCount(2);

  const differences = page.getByTestId("differences");
  await expect(differences.locator("tbody tr")).toHaveCount(1);
  await expect(differences.locator("tbody tr")).toContainText("method.lambda");
  await plot.getByRole("option", { name: /^SFT/ }).click();
  await expect(differences).toContainText("Method");
  await expect(differences.locator("tbody tr")).toHaveCount(5);
  await expect(page.getByRole("img", { name: /^Cross-entropy, 20 points.*SFT.*AsFT/ })).toBeVisible();
  expect(await axe(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await axe(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 780 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await axe(page)).toEqual([]);
});

test("of 500 runs 25 are listed at first, and more where they are wanted", async ({ page }) => {
  await openLab(page);
  const many = Array.from(
    { length: 500 },
    (_, i): RunSketch => ({
      runId: `many-${i}`,
      spec: { ...asft(1 + (i % 7)), train: { ...SFT.train, seed: i } },
      harmful: i % 50,
      task: (7 * i) % 50,
    }),
  );
  await writeRuns(page, many);
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(rows(page)).toHaveCount(25);
  const more = page.getByTestId("more-runs");
  await expect(more).toContainText("25 of 500 runs listed");
  expect(await axe(page)).toEqual([]);
  // Sorting is over all of them.
  await page
    .getByRole("columnheader", { name: /^Harmful score/ })
    .getByRole("button")
    .click();
  await expect(rows(page).first()).toContainText("0 %");
  await more.getByRole("button", { name: "Show 100 more" }).click();
  await expect(rows(page)).toHaveCount(125);
  await expect(rows(page).nth(25).getByRole("checkbox")).toBeFocused();
  if (process.env.BASIN_PICTURES !== undefined) {
    await more.scrollIntoViewIfNeeded();
    await page.screenshot({ path: `${process.env.BASIN_PICTURES}/more.png` });
    await page.getByTestId("storage").locator("summary").click();
    await page.getByTestId("storage").screenshot({ path: `${process.env.BASIN_PICTURES}/storedRuns.png` });
    await page.setViewportSize({ width: 390, height: 800 });
    await more.scrollIntoViewIfNeeded();
    await page.screenshot({ path: `${process.env.BASIN_PICTURES}/moreNarrow.png` });
  }
});

/** Milliseconds from a press on Runs to the first frame after its table. */
async function opening(page: Page): Promise<number> {
  await page.getByRole("tab", { name: "Start" }).click();
  return page.evaluate(async () => {
    const started = performance.now();
    document.querySelector<HTMLElement>("#tab-runs")?.click();
    while (document.querySelector("[data-testid=run-row]") === null)
      await new Promise((resolve) => requestAnimationFrame(resolve));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now() - started;
  });
}

test("500 runs open within twice the time of 5", async ({ page }) => {
  test.skip(process.env.BASIN_LONG === undefined, "a measurement: set BASIN_LONG");
  await openLab(page);
  const sketches = (count: number): RunSketch[] =>
    Array.from({ length: count }, (_, i) => ({ runId: `n${i}`, spec: asft(1 + i), harmful: i % 50, task: i % 49 }));
  const times: number[] = [];
  for (const count of [5, 500]) {
    await writeRuns(page, sketches(count));
    await expect(page.getByRole("tab", { name: /^Runs/ })).toContainText(String(count));
    // The first opening loads the area.
    await opening(page);
    times.push(Math.min(await opening(page), await opening(page), await opening(page)));
  }
  console.log(`5 runs ${times[0]?.toFixed(0)} ms, 500 runs ${times[1]?.toFixed(0)} ms`);
  expect(times[1] ?? Infinity).toBeLessThan(2 * (times[0] ?? 0));
});
