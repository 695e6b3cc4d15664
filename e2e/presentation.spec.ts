/** @file Presentation mode on a projector of 1280 × 720: by key, remembered, and nothing is cut in any area. */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { asft, SFT, writeRuns } from "./storedRuns.ts";
import { openLab } from "./support.ts";

/** Text that is cut at the side of what holds it, other than where an ellipsis or a scroll bar says so. */
function cut(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("header *, [role=tablist] *, [role=tabpanel] *")]
      .filter((element) => {
        const { overflowX, textOverflow, clip } = getComputedStyle(element);
        const shown = element.clientWidth > 1 && clip === "auto" && element.closest("[aria-hidden=true]") === null;
        return (
          shown &&
          overflowX === "hidden" &&
          textOverflow !== "ellipsis" &&
          element.scrollWidth > element.clientWidth + 1 &&
          element.innerText.trim() !== ""
        );
      })
      .map((element) => element.innerText.slice(0, 60)),
  );
}

test("everything is larger and nothing is cut; the key turns it on and off", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 720 });
  await openLab(page);
  await writeRuns(page, [
    { runId: "a", spec: asft(1), harmful: 2, task: 49 },
    { runId: "b", spec: SFT, harmful: 48, task: 50 },
  ]);
  const size = (): Promise<number> => page.evaluate(() => Number.parseFloat(getComputedStyle(document.body).fontSize));
  const before = await size();
  await page.keyboard.press("Alt+Shift+P");
  await expect(page.getByRole("button", { name: "Presentation mode" })).toHaveAttribute("aria-pressed", "true");
  expect(await size()).toBeGreaterThan(1.3 * before);
  await page.reload();
  await expect(page.getByRole("button", { name: "Presentation mode" })).toHaveAttribute("aria-pressed", "true");
  for (const area of ["start", "setup", "data", "run", "chat", "runs", "table", "basin", "learn"]) {
    await page.locator(`#tab-${area}`).click();
    if (area === "data") await expect(page.getByTestId("data-area")).toBeVisible({ timeout: 60_000 });
    await expect(page.locator(`#area-${area} *`).first()).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), area).toBeLessThanOrEqual(1280);
    expect(await cut(page), area).toEqual([]);
    if (area === "setup") await expect(page.getByRole("button", { name: "Start the run" })).toBeInViewport();
  }
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.keyboard.press("Alt+Shift+P");
  expect(await size()).toBe(before);
});
