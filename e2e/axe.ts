/** @file What axe finds that matters, in sentences; in both colour schemes and on a phone. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Violations that are serious or critical; of all rules and the whole page unless some, or a part of it, are named. */
export async function serious(
  page: Page,
  { rules, part }: { readonly rules?: string[]; readonly part?: string } = {},
): Promise<string[]> {
  const axe = part === undefined ? new AxeBuilder({ page }) : new AxeBuilder({ page }).include(part);
  const { violations } = await (rules === undefined ? axe : axe.withRules(rules)).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ` +
        `${nodes.map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary ?? ""})`).join("; ")}`,
    );
}

/**
 * Disabled buttons that do not say why in text: their aria-describedby names no element with text, or there is none.
 * Buttons that submit a field are explained by the field, those that wait by their spinner.
 */
export async function unexplained(page: Page, part = "body"): Promise<string[]> {
  return page.locator(part).evaluate((root) =>
    [...root.querySelectorAll("button:disabled, button[aria-disabled=true]")]
      .filter((button) => !button.matches("[type=submit], [data-loading], [data-loading] *, fieldset:disabled *"))
      .filter((button) => {
        const ids = (button.getAttribute("aria-describedby") ?? "").split(" ");
        return !ids.some((id) => (document.getElementById(id)?.textContent ?? "").trim() !== "");
      })
      .map((button) => button.getAttribute("aria-label") ?? button.textContent ?? ""),
  );
}

/** Everything in light colours; in dark ones only the colours are others. `part`: what the state has changed. */
export async function check(page: Page, state: string, part = "main"): Promise<void> {
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await serious(page, { rules: ["color-contrast"], part }), `${state}, dark`).toEqual([]);
  await page.emulateMedia({ colorScheme: "light" });
  expect(await serious(page, { part }), state).toEqual([]);
  expect(await unexplained(page, part), `${state}: disabled without a reason`).toEqual([]);
}

/** As on a phone; goes back to the wide window. */
export async function onPhone(page: Page, state: string, part = "main"): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 780 });
  // Charts take their new width a moment later.
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth), state).toBeLessThanOrEqual(360);
  expect(await serious(page, { part }), `${state}, 360 px`).toEqual([]);
  if (before === null) return;
  await page.setViewportSize(before);
  // The page has its wide layout after the frame in which it was told of the width.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** A whole page: wide, dark and on a phone. */
export async function checkPage(page: Page, state: string): Promise<void> {
  await check(page, state, "body");
  await onPhone(page, state, "body");
}
