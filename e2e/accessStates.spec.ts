/**
 * @file The states that areas go through, for everybody: under way, finished, asked, shared, toured; light, dark and on
 * a phone; without motion.
 */
import { expect, test } from "@playwright/test";
import { check, onPhone } from "./axe.ts";
import { leaveStart, openLab, smallSpec, writeSpec } from "./support.ts";

const SPEC = smallSpec(
  { name: "asft" },
  {
    data: { train: { source: "apothecary", task: "topic", n: 48, harmful_ratio: 0.1 } },
    eval: { harmful: { n: 2 }, task: { n: 2 }, benign: null, max_new_tokens: 12 },
  },
);

test("axe finds nothing serious in any state of a run and around it", async ({ page }) => {
  test.setTimeout(400_000);
  await openLab(page);

  await test.step("a tour", async () => {
    await page.getByRole("tab", { name: "Start", exact: true }).click();
    await page.getByRole("button", { name: "Take the tour" }).last().click();
    await expect(page.getByTestId("tour")).toBeVisible();
    await check(page, "tour", "body");
    await page.keyboard.press("Escape");
    await leaveStart(page);
  });

  await test.step("settings with a mistake", async () => {
    await writeSpec(page, smallSpec({ name: "asft", lamda: 1 }));
    await expect(page.getByText(/lamda/).first()).toBeVisible();
    await check(page, "mistake", "body");
    // In the form, a mistake stands beside its field, with details to copy.
    await writeSpec(page, smallSpec({ name: "asft" }, { train: { learning_rate: "fast" } }));
    await page.getByText("Form", { exact: true }).click();
    const mistake = page.locator("[data-path='train.learning_rate']");
    await expect(mistake.getByRole("alert")).toBeVisible();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await mistake.getByRole("button", { name: "Copy details" }).click();
    const details = await page.evaluate(() => navigator.clipboard.readText());
    expect(JSON.parse(details)).toMatchObject({ failure: { where: "train.learning_rate" } });
    await check(page, "mistake in the form", "body");
    await page.getByText("JSON", { exact: true }).click();
  });

  const area = page.getByTestId("run-area");
  await test.step("a run under way", async () => {
    await writeSpec(page, SPEC);
    const start = page.getByRole("button", { name: "Start the run" });
    await expect(start).toBeEnabled({ timeout: 60_000 });
    await start.click();
    await expect(page.getByTestId("run-line")).toContainText(/step \d of 6/, { timeout: 120_000 });
    await page.getByTestId("run-line").getByRole("button", { name: "Pause" }).click();
    await expect(page.getByTestId("run-line")).toHaveAttribute("data-state", "paused");
    await check(page, "paused");
    // Nobody who asked for stillness sees anything move.
    expect(
      await page.evaluate(
        () =>
          document
            .getAnimations()
            .filter((one) => one.playState === "running" && Number(one.effect?.getComputedTiming().duration ?? 0) > 1)
            .length,
      ),
    ).toBe(0);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(
      await page.evaluate(() => document.getAnimations().filter((one) => one instanceof CSSTransition).length),
    ).toBe(0);
    await page.emulateMedia({ colorScheme: "light" });
    await page.getByTestId("run-line").getByRole("button", { name: "Resume" }).click();
    await expect(area).toHaveAttribute("data-state", "finished", { timeout: 240_000 });
  });

  await test.step("finished, and what can be done with it", async () => {
    await check(page, "finished");
    await onPhone(page, "finished");
    await page
      .getByRole("button", { name: /^Share/ })
      .first()
      .click();
    await expect(page.getByTestId("share")).toBeVisible();
    await check(page, "share", "[data-testid=share]");
    await page.keyboard.press("Escape");
  });

  await test.step("the panel of the page", async () => {
    await page.getByTestId("device-chip").click();
    const panel = page.getByTestId("site-panel");
    await expect(panel).toContainText("Memory in use");
    for (const summary of await panel.locator("summary").all()) await summary.click();
    await check(page, "panel", "[data-testid=site-panel]");
    await page.keyboard.press("Escape");
  });

  await test.step("an answered question, the history, its answers", async () => {
    await page.getByRole("tab", { name: "Chat", exact: true }).click();
    await page
      .getByTestId("chat-area")
      .getByRole("button", { name: /^(How|Can|Give|Teach|What|Tell|Show|I|Please|Explain)/ })
      .first()
      .click();
    await page.getByRole("button", { name: "Ask all three" }).click();
    await expect(page.getByTestId("exchange").first()).toHaveAttribute("aria-busy", "false", { timeout: 120_000 });
    await check(page, "chat");
    await page.getByRole("tab", { name: /^Runs/ }).click();
    await page.getByRole("button", { name: "Show answers" }).click();
    await check(page, "runs");
    await onPhone(page, "runs");
    await page.setViewportSize({ width: 360, height: 780 });
    const table = page.getByRole("region", { name: "Table of runs" }).getByRole("table");
    await expect(table.getByRole("columnheader", { name: /^Harmful/ })).toHaveCount(1);
    await expect(table.getByRole("row")).toHaveCount(2);
    await expect(table.getByRole("cell")).toHaveCount(9);
  });
});
