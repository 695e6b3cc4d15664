/**
 * @file Where the time of a step goes: measured in the panel "Diagnostics", and each kernel's source one click away.
 */
import { expect, test } from "@playwright/test";
import { serious } from "./axe.ts";
import { openLab } from "./support.ts";

test("time per operator, and the source of each kernel, by mouse and keyboard, wide and narrow", async ({
  page,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openLab(page);
  await page.getByTestId("device-chip").click();
  const profile = page.getByTestId("profile");
  const measure = profile.getByRole("button", { name: "Profile a training step" });
  await expect(measure).toBeVisible();
  test.skip(await measure.isDisabled(), "this device gives no timestamps");
  await measure.click();
  const table = profile.getByRole("table");
  await expect(table).toBeVisible({ timeout: 120_000 });
  for (const name of ["Operator", "Shape", "Kernel", "Count", "ms", "Share", "GFLOP/s"])
    await expect(table.getByRole("columnheader", { name, exact: true })).toHaveCount(1);
  await expect(table.getByRole("row")).toHaveCount(12);
  await profile.getByRole("button", { name: "Show all" }).click();
  const rows = table.locator("tbody").getByRole("row");
  expect(await rows.count()).toBeGreaterThan(15);
  // All dispatches of the step, and their time, are in the rows.
  const cells = await rows.evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const told = /: (\d+) dispatches take ([\d.]+) ms/.exec((await profile.getByRole("status").textContent()) ?? "");
  expect(cells.reduce((sum, row) => sum + Number(row[3]), 0)).toBe(Number(told?.[1]));
  expect(Math.abs(cells.reduce((sum, row) => sum + Number(row[4]), 0) - Number(told?.[2]))).toBeLessThan(
    0.06 + 0.006 * cells.length,
  );
  const product = cells.findIndex(
    (row) => /^\d+ × \d+ × \d+$/.test(row[1] ?? "") && /^matmul/.test(row[2] ?? "") && Number(row[6]) > 0,
  );
  expect(product).toBeGreaterThanOrEqual(0);

  const opener = rows.nth(product).getByRole("button");
  const [, entry] = ((await opener.textContent()) ?? "").split(" · ");
  await opener.focus();
  await page.keyboard.press("Enter");
  const source = page.getByTestId("kernel-source");
  await expect(source).toContainText(`fn ${entry}(`);
  await expect(source.locator("mark")).toBeInViewport();
  await source.getByRole("button", { name: "Copy source" }).click();
  await expect(source).toContainText("Copied to the clipboard.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await source.locator("code").textContent());
  // The text can be scrolled by keyboard.
  await page.keyboard.press("Tab");
  const text = source.getByRole("region", { name: /^WGSL of matmul/ });
  await expect(text).toBeFocused();
  await page.keyboard.press("Home");
  await expect.poll(() => text.evaluate((element) => element.scrollTop)).toBe(0);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 780 });
      expect(
        await serious(page, { part: "[data-testid=kernel-source]" }),
        `source, ${width} px, ${colorScheme}`,
      ).toEqual([]);
      expect(await source.evaluate((element) => element.scrollWidth), `source, ${width} px`).toBeLessThanOrEqual(width);
    }
  }

  // Only the source closes, and the focus is where it was.
  await page.keyboard.press("Escape");
  await expect(source).toHaveCount(0);
  await expect(page.getByTestId("site-panel")).toBeVisible();
  await expect(opener).toBeFocused();
  expect(await page.getByTestId("site-panel").evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await serious(page, { part: "[data-testid=profile]" }), `profile, 360 px, ${colorScheme}`).toEqual([]);
  }
  await expect(table.getByRole("rowheader")).toHaveCount(cells.length);
});
