/** @file What the end-to-end tests share: opening the lab, writing a spec, running it to its end. */
import { expect, type Page } from "@playwright/test";

/** A small experiment: 20 steps, a handful of prompts, so that a software adapter manages it in about a minute. */
export function smallSpec(
  method: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    data: { train: { source: "apothecary", task: "topic", n: 160, harmful_ratio: 0.1 } },
    method,
    train: { learning_rate: 5e-4, num_train_epochs: 1 },
    eval: { harmful: { n: 6 }, task: { n: 6 }, benign: { n: 3 }, max_new_tokens: 24 },
    ...changes,
  };
}

/** From Start to the settings: the Run area beside them, or, in a narrow window, Setup. */
export async function leaveStart(page: Page): Promise<void> {
  // One locator for both: the window may just have been widened, and then the tab for Setup goes while it is asked for.
  await page
    .getByRole("tab", { name: /^(Setup|Run)$/ })
    .first()
    .click();
}

/**
 * Opens the lab at its settings and waits until the GPU has been asked for. Fails the test on any error in the page.
 */
export async function openLab(page: Page, fragment = ""): Promise<void> {
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(`./${fragment === "" ? "" : `#${fragment}`}`);
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  if (fragment === "") await leaveStart(page);
}

/** Writes a spec through the JSON view; from Start, too. */
export async function writeSpec(page: Page, spec: Readonly<Record<string, unknown>>): Promise<void> {
  if ((await page.getByRole("tab", { name: "Start", exact: true, selected: true }).count()) > 0) await leaveStart(page);
  if ((await page.getByLabel("The spec as JSON").count()) === 0) await page.getByText("JSON", { exact: true }).click();
  await page.getByLabel("The spec as JSON").fill(JSON.stringify(spec, null, 2));
}

/** Starts a run and waits for its end. */
export async function runToEnd(page: Page): Promise<void> {
  const start = page.getByRole("button", { name: "Start the run" });
  await expect(start).toBeEnabled({ timeout: 60_000 });
  await start.click();
  const area = page.getByTestId("run-area");
  await expect(area).toHaveAttribute("data-state", /finished|failed/, { timeout: 240_000 });
  await expect(area.getByRole("alert")).toHaveCount(0);
  await expect(area).toHaveAttribute("data-state", "finished");
}

/** Number of points that a chart says it has. */
export async function chartPoints(page: Page, title: string): Promise<number> {
  const label = await page.getByRole("img", { name: new RegExp(`^${title}`) }).getAttribute("aria-label");
  return Number(/(\d+) points/.exec(label ?? "")?.[1] ?? Number.NaN);
}
