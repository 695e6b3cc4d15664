/** @file Two tabs of one browser: each shows what the other does to the saved runs; earlier records stay. */
import { expect, test, type Page } from "@playwright/test";
import { asft, SFT, writeRuns } from "./storedRuns.ts";
import { openLab } from "./support.ts";

const rows = (page: Page) => page.getByTestId("run-row");

async function openRuns(page: Page): Promise<void> {
  await openLab(page);
  await page.getByRole("tab", { name: /^Runs/ }).click();
}

test("a run that one tab deletes or annotates changes in the other, and does not come back", async ({
  page,
  context,
}) => {
  await openLab(page);
  await writeRuns(page, [
    { runId: "anchored", spec: asft(1), harmful: 2, task: 49 },
    { runId: "plain", spec: SFT, harmful: 48, task: 50 },
  ]);
  await openRuns(page);
  const other = await context.newPage();
  await openRuns(other);
  await expect(rows(other)).toHaveCount(2);

  const note = async (of: Page, text: string): Promise<void> => {
    await rows(of).filter({ hasText: "AsFT" }).getByRole("button", { name: "Edit tags and note" }).click();
    await of.getByRole("textbox", { name: "Note" }).fill(text);
    await of.getByRole("button", { name: "Save", exact: true }).click();
  };
  await note(other, "Seen in another tab.");
  await expect(rows(page).filter({ hasText: "AsFT" })).toContainText("Seen in another tab.");

  await page
    .getByRole("row", { name: /^Select SFT/ })
    .getByRole("button", { name: "Delete run" })
    .click();
  await expect(rows(other)).toHaveCount(1);
  await note(other, "Changed after that.");
  await other.reload();
  await other.getByRole("tab", { name: /^Runs/ }).click();
  await expect(rows(other)).toHaveCount(1);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(rows(other)).toHaveCount(2);
});

test("runs that an earlier version stored are there", async ({ page }) => {
  await openLab(page);
  await writeRuns(page, [{ runId: "anchored", spec: asft(1), harmful: 2, task: 49 }]);
  // As an earlier version had it: in a database whose name did not hold the path of the site.
  await page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
      });
    const now = await done(indexedDB.open("basin /"));
    const runs = await done(now.transaction("runs").objectStore("runs").getAll());
    now.close();
    const opening = indexedDB.open("basin", 1);
    opening.onupgradeneeded = () =>
      opening.result.createObjectStore("runs", { keyPath: "runId" }).createIndex("endedAt", "endedAt");
    const earlier = await done(opening);
    const writing = earlier.transaction("runs", "readwrite");
    for (const run of runs as object[]) writing.objectStore("runs").put(run);
    await new Promise((resolve) => (writing.oncomplete = resolve));
    earlier.close();
    // The page's own connection gives way.
    await done(indexedDB.deleteDatabase("basin /"));
  });
  await page.reload();
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("AsFT");
});
