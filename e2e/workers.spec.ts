/** @file Workers that the browser ends: the lab starts them again, and the run resumes from its last snapshot. */
import { expect, test, type Page } from "@playwright/test";
import { openLab, writeSpec } from "./support.ts";

const STEPS = 40;

/** Ends a worker without any event, as the browser does when memory runs out, and waits for the next one. */
async function end(page: Page, name: string): Promise<void> {
  const worker = page.workers().find((one) => one.url().includes(name));
  if (worker === undefined) throw new Error(`no ${name}`);
  const next = page.waitForEvent("worker", (one) => one.url().includes(name));
  // It may be gone before it has answered.
  void worker.evaluate(() => self.close()).catch(() => undefined);
  await next;
}

test("a run whose worker ends is interrupted, and resumes in the next worker", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, {
    data: { train: { source: "apothecary", task: "topic", n: 24, harmful_ratio: 0.25 } },
    method: { name: "sft" },
    lora: { r: 4 },
    train: { max_steps: STEPS, per_device_train_batch_size: 2, save_steps: 5 },
    eval: { harmful: null, task: null, benign: null },
  });
  const start = page.getByRole("button", { name: "Start the run" });
  await expect(start).toBeEnabled({ timeout: 60_000 });
  await start.click();
  await expect(page.getByTestId("run-line")).toContainText(new RegExp(`step ([6-9]|\\d\\d) of ${STEPS}`), {
    timeout: 60_000,
  });
  await end(page, "gpu.worker");
  const area = page.getByTestId("run-area");
  await expect(area.getByRole("alert")).toContainText("The GPU worker ended unexpectedly");
  await expect(page.getByTestId("defect")).toHaveCount(0);
  // The next worker opens the device, and the run is offered again.
  await page
    .getByTestId("unfinished")
    .getByRole("button", { name: /^Resume from step/ })
    .click();
  await expect(area).toHaveAttribute("data-state", "finished", { timeout: 120_000 });
  // Weights come through the next weights worker, too.
  await end(page, "weights.worker");
  await expect(start).toBeEnabled({ timeout: 60_000 });
  await start.click();
  await expect(area).toHaveAttribute("data-state", "training", { timeout: 60_000 });
  await page.getByTestId("run-line").getByRole("button", { name: "Stop and save" }).click();
  await expect(area).toHaveAttribute("data-state", "finished", { timeout: 60_000 });
});
