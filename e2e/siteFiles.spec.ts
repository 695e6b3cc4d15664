/** @file A page older than its host: the run goes on, and the page says what happened and when to reload. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { writeSpec } from "./support.ts";
import { BUILT, StaticSite } from "./staticSite.ts";

test("after an upload or without the site, a missing part is named, and the run goes on", async ({ page }) => {
  const site = await StaticSite.start();
  const empty = mkdtempSync(join(tmpdir(), "basin-none-"));
  const newer = mkdtempSync(join(tmpdir(), "basin-newer-"));
  const rebuilt = mkdtempSync(join(tmpdir(), "basin-rebuilt-"));
  // Another build: its page names another script, and the files of this one are gone.
  const page2 = readFileSync(join(BUILT, "index.html"), "utf8").replace(/index-[\w-]+\.js/g, "index-NewBuild.js");
  writeFileSync(join(rebuilt, "index.html"), page2);
  const version = /<meta name="basin-version" content="[^"]+"/;
  expect(page2).toMatch(version);
  writeFileSync(join(newer, "index.html"), page2.replace(version, '<meta name="basin-version" content="999.0.0"'));
  try {
    await page.goto(site.address);
    await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
    await writeSpec(page, {
      data: { train: { source: "apothecary", task: "topic", n: 24 } },
      method: { name: "sft" },
      train: { max_steps: 20_000, per_device_train_batch_size: 2 },
      eval: { harmful: null, task: null, benign: null },
    });
    const start = page.getByRole("button", { name: "Start the run" });
    await expect(start).toBeEnabled({ timeout: 60_000 });
    await start.click();
    const line = page.getByTestId("run-line");
    await expect(line).toHaveAttribute("data-state", "training", { timeout: 60_000 });

    site.folder = empty;
    await page.getByRole("tab", { name: "Learn" }).click();
    const banner = page.getByTestId("site-files");
    await expect(banner).toContainText("The site cannot be reached. ");
    await expect(banner).toContainText("The run continues");
    await expect(page.getByRole("tabpanel")).toContainText("A part of the lab could not be loaded");
    await expect(page.getByRole("tabpanel")).not.toContainText("bug");
    await expect(page.getByTestId("defect")).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Reload" })).toHaveCount(0);

    // Another version of Basin could not resume the run.
    site.folder = newer;
    await page.getByRole("tab", { name: "Table" }).click();
    await expect(banner).toContainText("A new version of Basin is on the server.");
    await expect(banner).toContainText("reload when it has finished, since another version cannot resume it");
    await expect(page.getByRole("button", { name: /reload/i })).toHaveCount(0);
    await expect(line).toHaveAttribute("data-state", "training");

    // It is back: what could not be shown is shown on request.
    site.folder = BUILT;
    await page.getByRole("tabpanel").getByRole("button", { name: "Try again" }).click();
    await expect(page.getByTestId("table-area")).toBeVisible();

    // Another build of the same version can: the run comes back by itself, and continues.
    site.folder = rebuilt;
    await page.getByRole("tab", { name: "Chat", exact: true }).click();
    await expect(banner).toContainText("It can be paused, saved and resumed after the reload");
    site.folder = BUILT;
    const step = async (): Promise<number> => Number(/step (\d+) of/.exec((await line.textContent()) ?? "")?.[1]);
    const before = await step();
    expect(before).toBeGreaterThan(1);
    await banner.getByRole("button", { name: "Pause, save, reload and resume" }).click();
    await expect(banner).toHaveCount(0);
    await expect(line).toHaveAttribute("data-state", "training", { timeout: 60_000 });
    // From where it was, not from the beginning.
    await expect.poll(step, { timeout: 10_000 }).toBeGreaterThanOrEqual(before);
    await expect(page.getByRole("tab", { name: "Run", exact: true, selected: true })).toBeVisible();
    site.folder = newer;
    await page.getByRole("tab", { name: "Table", exact: true }).click();
    await expect(banner).toContainText("A new version of Basin is on the server.");
    site.folder = BUILT;

    // Nothing is lost by reloading once the run is over.
    await line.getByRole("button", { name: "Stop and save" }).click();
    await expect(line).toHaveCount(0, { timeout: 60_000 });
    await banner.getByRole("button", { name: "Reload" }).click();
    await expect(banner).toHaveCount(0);
    await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
    await page.getByRole("tab", { name: /^Runs/ }).click();
    await expect(page.getByTestId("run-row")).toHaveCount(1);
  } finally {
    await site.stop();
    for (const folder of [empty, newer, rebuilt]) rmSync(folder, { recursive: true, force: true });
  }
});
