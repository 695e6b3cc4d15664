/**
 * @file Defects: a part that fails leaves the rest of the lab as it is, and everything that fails can be copied and
 * reported.
 */
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

test("a defect in one area does not blank the page, and its details can be copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("./");
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  await page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = indexedDB.open("basin /");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error ?? new Error("no database"));
    });
    // A record that no Basin has written.
    await new Promise<void>((resolve, reject) => {
      const change = database.transaction("runs", "readwrite");
      change.objectStore("runs").put({
        runId: "broken",
        endedAt: 1,
        spec: {},
        steps: [],
        evaluations: [],
        adapter: null,
        ending: { kind: "finished" },
      });
      change.oncomplete = () => resolve();
      change.onerror = () => reject(change.error ?? new Error("not written"));
    });
    database.close();
  });
  await page.reload();
  await page.getByRole("tab", { name: /^Runs/ }).click();
  const panel = page.getByRole("tabpanel");
  await expect(panel).toContainText("Runs cannot be shown; the rest of the lab still works");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
  await panel.getByRole("button", { name: "Copy details" }).click();
  const details: unknown = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  expect(details).toMatchObject({
    failure: { where: expect.any(String) },
    spec: expect.any(Object),
    device: { name: expect.any(String) },
    basin: expect.stringMatching(/^\d/),
    browser: expect.stringContaining("Chrome"),
  });
  await page.getByRole("tab", { name: "Learn" }).click();
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
});

test("what nobody catches is told calmly, once, and put away", async ({ page }) => {
  await page.goto("./");
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  const banner = page.getByTestId("defect");
  await expect(banner).toHaveCount(0);
  await page.evaluate(() => {
    const fail = (): void => {
      throw new Error("planted");
    };
    setTimeout(fail);
    setTimeout(fail);
    void Promise.reject(new DOMException("", "AbortError"));
  });
  await expect(banner).toContainText("An unexpected error: planted");
  await expect(banner).toContainText("Happened 2 times");
  await expect(banner.getByRole("button", { name: "Copy details" })).toBeVisible();
  await banner.getByRole("button", { name: "Dismiss" }).click();
  await expect(banner).toHaveCount(0);
});
