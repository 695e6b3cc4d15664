/**
 * @file A table in the lab: the lambda dial, pause, reload, going on, the matrix, the plot, a run behind a cell,
 * downloads.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { openLab, writeSpec } from "./support.ts";

test("a sweep runs cell by cell, outlives a reload, and leaves figures that can be traced", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, {
    data: { train: { source: "apothecary", task: "topic", n: 16, harmful_ratio: 0.25 } },
    method: { name: "asft", lambda: 1, projector: "none" },
    train: { learning_rate: 5e-4, max_steps: 2, per_device_train_batch_size: 2 },
    eval: { harmful: { n: 2 }, task: { n: 2 }, benign: null, max_new_tokens: 8 },
  });
  await page.getByRole("tab", { name: "Table" }).click();
  const queue = page.getByTestId("table-queue");

  // One click starts the dial; λ 0 to 30 on three seeds.
  await page.getByRole("button", { name: "Start sweep" }).click();
  await expect(queue).toHaveAttribute("data-state", "running");
  await expect(queue).toContainText("of 21 runs");
  await page.getByRole("button", { name: "Pause after this run" }).click();
  await expect(queue).toHaveAttribute("data-state", "idle", { timeout: 120_000 });
  await expect(queue).toContainText("1 of 21 runs finished");

  // A shorter table keeps the cell that is done.
  await page.getByText("What to vary").click();
  await page.getByRole("textbox", { name: "λ" }).fill("0, 1, 10");
  await page.getByRole("textbox", { name: "Seeds" }).fill("0");
  await page.getByRole("textbox", { name: "Seeds" }).press("Enter");
  await expect(queue).toContainText("1 of 3 runs finished");

  await page.reload();
  await page.getByRole("tab", { name: "Table" }).click();
  await expect(queue).toContainText("1 of 3 runs finished");
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(queue).toHaveAttribute("data-state", "done", { timeout: 200_000 });
  await expect(queue).toContainText("3 of 3 runs finished");
  await expect(
    page.getByRole("img", { name: /^Scores against λ, in percent\. harmful score: \d+ at 0, \d+ at 1, \d+ at 10/ }),
  ).toBeVisible();
  await expect(page.getByText("Mean ± standard deviation (n − 1) over one seed")).toBeVisible();

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "CSV", exact: true }).click(),
  ]);
  const lines = readFileSync(await download.path(), "utf8")
    .trim()
    .split("\n");
  expect(lines).toHaveLength(1 + 3 * 2); // three values of lambda, harmful score and task accuracy

  // The run behind a cell is the one that the row names.
  await page.getByRole("button", { name: /^lambda 10, seed 0: / }).click();
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished");
  await expect(page.getByTestId("run-area")).toContainText("λ 10");
  await page.getByRole("tab", { name: "Runs" }).click();
  await expect(page.getByTestId("run-row")).toHaveCount(3);
});
