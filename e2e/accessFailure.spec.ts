/**
 * @file A run that failed, for everybody: what went wrong is announced, can be copied, and axe finds nothing serious.
 */
import { expect, test } from "@playwright/test";
import { serious } from "./axe.ts";
import { openLab, smallSpec, writeSpec } from "./support.ts";

test("axe finds nothing serious about a run that failed", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await openLab(page);
  await writeSpec(
    page,
    smallSpec(
      { name: "sft" },
      {
        train: { learning_rate: 1e38, per_device_train_batch_size: 8, num_train_epochs: 1, seed: 0 },
        eval: { harmful: null, task: null, benign: null, sample_steps: 0 },
      },
    ),
  );
  const start = page.getByRole("button", { name: "Start the run" });
  await expect(start).toBeEnabled({ timeout: 15_000 });
  await start.click();
  const area = page.getByTestId("run-area");
  await expect(area).toHaveAttribute("data-state", "failed", { timeout: 25_000 });
  await expect(area.getByRole("alert")).toContainText("became NaN");
  await expect(area.getByRole("button", { name: "Copy details" })).toBeVisible();
  expect(await serious(page), "light").toEqual([]);
  await page.setViewportSize({ width: 360, height: 780 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await serious(page), "360 px").toEqual([]);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(() => serious(page, { rules: ["color-contrast"] }), "dark").toEqual([]);
});
