/** @file For everybody: nothing serious for axe, no sideways scrolling on a phone, the tabs by keyboard. */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { openLab } from "./support.ts";

async function serious(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary ?? ""})`).join("; ")}`);
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await openLab(page);
    for (const area of ["Data", "Run", "Chat", "Runs", "Table"]) {
      await page.getByRole("tab", { name: area, exact: true }).click();
      if (area === "Data") await expect(page.getByTestId("data-area")).toBeVisible({ timeout: 60_000 });
      expect(await serious(page), area).toEqual([]);
    }
    await page.getByText("JSON", { exact: true }).click();
    expect(await serious(page), "JSON view").toEqual([]);
  });
}

for (const width of [360, 768]) {
  test(`every area fits into ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 780 });
    await openLab(page);
    for (const area of ["Setup", "Data", "Run", "Chat", "Runs", "Table"]) {
      await page.getByRole("tab", { name: area, exact: true }).click();
      if (area === "Data") await expect(page.getByTestId("data-area")).toBeVisible({ timeout: 60_000 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth), area).toBeLessThanOrEqual(width);
      expect(await serious(page), area).toEqual([]);
    }
  });
}

test("the areas can be reached by keyboard", async ({ page }) => {
  await openLab(page);
  await page.getByRole("tab", { name: "Run", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Chat" })).toBeFocused();
  await expect(page.getByTestId("chat-area")).toBeVisible();
});
