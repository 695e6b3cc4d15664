/** @file A saved run that the browser cannot read: it stays listed, each place says so, and trying again helps. */
import { expect, test } from "@playwright/test";
import { asft, writeRuns } from "./storedRuns.ts";
import { openLab } from "./support.ts";

test("a run that cannot be read is named where it was to be shown, and shown once it can", async ({ page }) => {
  await openLab(page);
  await writeRuns(page, [{ runId: "anchored", spec: asft(1), harmful: 2, task: 49 }]);
  const tab = page.getByRole("tab", { name: /^Runs/ });
  await expect(tab).toContainText("1");
  await page.evaluate(() => {
    const get = IDBObjectStore.prototype.get;
    IDBObjectStore.prototype.get = function (this: IDBObjectStore, key) {
      if (this.name !== "runs" || sessionStorage.getItem("healed") !== null) return get.call(this, key);
      throw new DOMException("Failed to read large IndexedDB value", "UnknownError");
    };
  });
  await tab.click();
  await expect(page.getByTestId("run-row")).toHaveCount(1);
  // The curves of the selected runs.
  const overlay = page.getByTestId("reading-runs");
  await expect(overlay).toContainText("AsFT, λ 1, published projector, seed 0 cannot be shown");
  await page.getByRole("button", { name: "Share this run" }).click();
  const dialog = page.getByTestId("share");
  await expect(dialog.getByRole("alert")).toContainText("could not read or write its storage");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Open run/ }).click();
  const opening = page.getByRole("alert").filter({ hasText: "cannot be shown" });
  await expect(opening).toHaveCount(2);
  await page.evaluate(() => sessionStorage.setItem("healed", "yes"));
  await overlay.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("img", { name: /^Cross-entropy/ })).toBeVisible();
  await expect(opening).toHaveCount(1);
  await opening.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished");
  await tab.click();
  await expect(opening).toHaveCount(0);
});
