/** @file For everybody: nothing serious for axe, no sideways scrolling on a phone, the tabs by keyboard. */
import { expect, test, type Page } from "@playwright/test";
import { LEARN_PAGES } from "../src/lab/learn/pages.ts";
import { serious } from "./axe.ts";
import { openLab } from "./support.ts";

/** Goes through the pages of Learn. */
async function eachPage(page: Page, check: (name: string) => Promise<void>): Promise<void> {
  await page.getByRole("tab", { name: "Learn", exact: true }).click();
  for (const name of LEARN_PAGES) {
    await page.getByRole("navigation", { name: "Pages" }).locator(`a[href="#learn/${name}"]`).click();
    await expect(page).toHaveURL(new RegExp(`#learn/${name}`));
    await check(name);
  }
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await openLab(page);
    for (const area of ["Start", "Data", "Run", "Chat", "Runs", "Table", "Basin"]) {
      await page.getByRole("tab", { name: area, exact: true }).click();
      if (area === "Data") await expect(page.getByTestId("data-area")).toBeVisible({ timeout: 60_000 });
      expect(await serious(page), area).toEqual([]);
    }
    await eachPage(page, async (name) => expect(await serious(page), `Learn: ${name}`).toEqual([]));
    await page.getByText("JSON", { exact: true }).click();
    expect(await serious(page), "JSON view").toEqual([]);
  });
}

for (const width of [360, 768]) {
  test(`every area fits into ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 780 });
    await openLab(page);
    for (const area of ["Start", "Setup", "Data", "Run", "Chat", "Runs", "Table", "Basin"]) {
      await page.getByRole("tab", { name: area, exact: true }).click();
      if (area === "Data") await expect(page.getByTestId("data-area")).toBeVisible({ timeout: 60_000 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth), area).toBeLessThanOrEqual(width);
      expect(await serious(page), area).toEqual([]);
    }
    await eachPage(page, async (name) =>
      expect(await page.evaluate(() => document.documentElement.scrollWidth), `Learn: ${name}`).toBeLessThanOrEqual(
        width,
      ),
    );
  });
}

test("the areas can be reached by keyboard", async ({ page }) => {
  await openLab(page);
  await page.getByRole("tab", { name: "Run", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Chat" })).toBeFocused();
  await expect(page.getByTestId("chat-area")).toBeVisible();
});
