/** @file The area Basin: a landscape is measured, paused, outlived by a run, finished, read as a table, and saved. */
import { expect, test } from "@playwright/test";
import { check, onPhone } from "./axe.ts";
import { openLab, smallSpec, writeSpec } from "./support.ts";

test("a line is measured, gives way to a run, and is finished; then the plane of that run", async ({ page }) => {
  await openLab(page);
  await writeSpec(
    page,
    smallSpec(
      { name: "asft" },
      {
        data: { train: { source: "apothecary", task: "topic", n: 48, harmful_ratio: 0.1 } },
        eval: { harmful: { n: 2 }, task: { n: 2 }, benign: null, max_new_tokens: 12 },
      },
    ),
  );
  const start = page.getByRole("button", { name: "Start the run" });
  await expect(start).toBeEnabled({ timeout: 60_000 });

  const area = page.getByTestId("basin-area");
  await page.getByRole("tab", { name: "Basin", exact: true }).click();
  await area.getByLabel("Picture").selectOption("line");
  await area.getByLabel("Points on each axis").fill("9");
  await area.getByLabel("Prompts at each point").fill("2");
  await area.getByRole("button", { name: "Measure" }).click();
  await expect(area).toHaveAttribute("data-state", "measuring", { timeout: 60_000 });
  await area.getByRole("button", { name: "Pause" }).click();
  await expect(area).toContainText("paused");
  await check(page, "paused");

  // A run has the device to itself.
  await start.click();
  const line = page.getByTestId("run-line");
  await expect(line).toContainText(/step \d of 6/, { timeout: 120_000 });
  await line.getByRole("button", { name: "Pause" }).click();
  await expect(line).toHaveAttribute("data-state", "paused");
  await page.getByRole("tab", { name: "Basin", exact: true }).click();
  await expect(area).toContainText("Continues when the run has ended");
  await page.getByRole("tab", { name: "Run", exact: true }).click();
  await line.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 240_000 });
  await page.getByRole("tab", { name: "Basin", exact: true }).click();
  await expect(area).toContainText("paused");
  await area.getByRole("button", { name: "Resume" }).click();
  await expect(area).toHaveAttribute("data-state", "done", { timeout: 240_000 });
  await expect(area).toContainText("9 points. At the end the weights were the originals");
  await expect(area.getByLabel("Picture")).toHaveValue("line");
  await area.getByText("All points as a table").click();
  await expect(area.getByRole("table").getByRole("row")).toHaveCount(10);
  const saved = page.waitForEvent("download");
  await area.getByRole("button", { name: "CSV" }).click();
  expect((await saved).suggestedFilename()).toBe("landscape.csv");

  await area.getByLabel("Picture").selectOption("plane");
  await area.getByLabel("Points on each axis").fill("3");
  await area.getByRole("button", { name: "Measure" }).click();
  await expect(area).toHaveAttribute("data-state", "done", { timeout: 240_000 });
  await page.screenshot({ path: "/tmp/basin-plane.png", fullPage: true });
  await check(page, "plane");
  await onPhone(page, "plane");
  // The tab of the area is in view, however many there are.
  await page.setViewportSize({ width: 360, height: 780 });
  await page.getByRole("tab", { name: "Start", exact: true }).click();
  await page.getByRole("button", { name: "Draw it" }).click();
  await expect(page.getByRole("tab", { name: "Basin", exact: true })).toBeInViewport({ ratio: 0.9 });
  await area.getByRole("button", { name: "Stop" }).click();
  await expect(area).toHaveAttribute("data-state", "stopped");
});
