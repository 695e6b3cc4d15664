/**
 * @file A run and a table's queue finish in a tab that is hidden the moment they start. A headless browser hides no
 * tab, so the page is given what a hidden one has: no frame comes any more, not even one that was requested before.
 */
import { expect, test, type Locator, type Page } from "@playwright/test";
import { openLab, writeSpec } from "./support.ts";

declare global {
  var hideTab: (() => void) | undefined;
  var framesSinceHidden: number;
}

async function giveHideTab(page: Page): Promise<void> {
  await page.addInitScript(() => {
    let isHidden = false;
    globalThis.framesSinceHidden = 0;
    const request = globalThis.requestAnimationFrame.bind(globalThis);
    globalThis.requestAnimationFrame = (work) =>
      request((time) => {
        if (isHidden) return;
        work(time);
      });
    globalThis.hideTab = () => {
      isHidden = true;
      Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
      Object.defineProperty(document, "hidden", { get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
      requestAnimationFrame(() => (globalThis.framesSinceHidden += 1));
    };
  });
}

/** Presses the button and hides the tab before the next frame. */
async function pressAndHide(button: Locator): Promise<void> {
  await expect(button).toBeEnabled({ timeout: 60_000 });
  await button.evaluate((element: HTMLElement) => {
    element.click();
    // One frame is pending, as one mostly is.
    requestAnimationFrame(() => undefined);
    globalThis.hideTab?.();
  });
}

const spec = {
  data: { train: { source: "apothecary", task: "topic", n: 16, harmful_ratio: 0.25 } },
  method: { name: "asft", lambda: 1, projector: "none" },
  train: { learning_rate: 5e-4, max_steps: 2, per_device_train_batch_size: 2 },
  eval: { harmful: { n: 1 }, task: null, benign: null, max_new_tokens: 4 },
};

test("a run finishes in a tab that is hidden as it starts", async ({ page }) => {
  await giveHideTab(page);
  await openLab(page);
  await writeSpec(page, spec);
  await pressAndHide(page.getByRole("button", { name: "Start the run" }));
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 120_000 });
  expect(await page.evaluate(() => [document.visibilityState, framesSinceHidden])).toEqual(["hidden", 0]);
});

test("cells of a table follow each other in a tab that is hidden as the first starts", async ({ page }) => {
  await giveHideTab(page);
  await openLab(page);
  await writeSpec(page, spec);
  await page.getByRole("tab", { name: "Table" }).click();
  await pressAndHide(page.getByRole("button", { name: "Start sweep" }));
  // Three cells of the dial; what comes later is no other.
  await expect(page.getByTestId("table-queue")).toContainText(/\b([3-9]|1\d|2[01]) of 21 runs finished/, {
    timeout: 200_000,
  });
  expect(await page.evaluate(() => [document.visibilityState, framesSinceHidden])).toEqual(["hidden", 0]);
});
