/**
 * @file Without a mouse: from the first focus to a finished run and its link; the focus can be seen at every stop, and
 * nothing holds it.
 */
import { expect, test, type Page } from "@playwright/test";
import { smallSpec } from "./support.ts";

/** What has the focus, by role and name as a screen reader tells it. null on the page itself. */
async function focused(page: Page): Promise<string | null> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const label =
      element.getAttribute("aria-label") ??
      (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
        ? [...(element.labels ?? [])].map((one) => one.textContent).join(" ") || element.placeholder
        : element.textContent);
    return (
      `${element.getAttribute("role") ?? element.tagName.toLowerCase()} ` +
      `${label?.trim().replaceAll(/\s+/g, " ").slice(0, 80) ?? ""}`
    );
  });
}

/** The first stop of the page. */
const FIRST = "button Skip to content";

/** Presses a key until the focus is on what is meant. */
async function go(page: Page, key: "Tab" | "Shift+Tab", to: RegExp): Promise<void> {
  const seen: (string | null)[] = [];
  for (let i = 0; i < 150; i += 1) {
    await page.keyboard.press(key);
    const now = await focused(page);
    if (now !== null && to.test(now)) return;
    seen.push(now);
  }
  throw new Error(`${key} never came to ${to.source}; it came to ${seen.join(", ")}`);
}

/**
 * Whether the focused element, or the label that stands for it, looks other than without focus. Leaves the focus order
 * where it was.
 */
async function looksFocused(page: Page): Promise<boolean> {
  const clip = await page.evaluate(() => {
    const element = document.activeElement;
    if (element === null) return null;
    element.scrollIntoView({ block: "nearest" });
    const own = element.getBoundingClientRect();
    // A hidden radio button or file chooser: its label is what one sees.
    const shown =
      own.width > 4 && own.height > 4
        ? own
        : (
            document.querySelector(`label[for="${CSS.escape(element.id)}"]`) ??
            element.closest("label") ??
            element.parentElement ??
            element
          ).getBoundingClientRect();
    return {
      x: Math.max(0, shown.x - 6),
      y: Math.max(0, shown.y - 6),
      width: Math.min(shown.width, 700) + 12,
      height: Math.min(shown.height, 400) + 12,
    };
  });
  if (clip === null || clip.width <= 12) return false;
  const shot = (): Promise<Buffer> => page.screenshot({ clip, animations: "disabled", caret: "initial" });
  const before = await shot();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  return !before.equals(await shot());
}

test("a run from the first focus to its link, by keys alone", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("./");
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBe(FIRST);

  // The areas: one stop, arrows within.
  await go(page, "Tab", /^tab Start/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  expect(await focused(page)).toMatch(/^tab Run/);
  await page.keyboard.press("End");
  expect(await focused(page)).toMatch(/^tab Learn/);
  await page.keyboard.press("Home");
  expect(await focused(page)).toMatch(/^tab Start/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  expect(await focused(page)).toMatch(/^tab Run/);

  // The settings stand before the areas. The experiment as JSON.
  await go(page, "Shift+Tab", /^input (Form|JSON)$/);
  await page.keyboard.press("ArrowRight");
  await go(page, "Tab", /^textarea /);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.insertText(
    JSON.stringify(
      smallSpec(
        { name: "sft" },
        {
          data: { train: { source: "apothecary", task: "topic", n: 40, harmful_ratio: 0.1 } },
          eval: { harmful: { n: 2 }, task: null, benign: null, max_new_tokens: 12 },
        },
      ),
    ),
  );
  await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
  await go(page, "Tab", /^button Start the run/);
  await page.keyboard.press("Enter");
  const area = page.getByTestId("run-area");
  await expect(area).toHaveAttribute("data-state", "finished", { timeout: 240_000 });
  // What happens is told to those who cannot see it: the run's phases and its end, politely.
  await expect(page.getByTestId("run-announcer")).toContainText(/Finished/);

  await go(page, "Shift+Tab", /Copy link/);
  await page.keyboard.press("Enter");
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain("#x=1.");
});

test("an area that a button opens gets the focus; tabs and dialogs keep it", async ({ page }) => {
  await page.goto("./");
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  const inArea = (id: string): Promise<boolean> => page.evaluate((area) => document.activeElement?.id === area, id);
  // A link that leads to Learn, then a card of Start that leads to the settings beside the run.
  await page.getByRole("link", { name: /penal/i }).first().click();
  await expect(page.getByTestId("learn-area")).toBeVisible();
  await expect.poll(() => inArea("area-learn")).toBe(true);
  await page.getByRole("tab", { name: "Chat", exact: true }).click();
  expect(await focused(page)).toMatch(/^tab Chat/);
});

for (const [name, area, clicks] of [
  ["Start", /^tab Start/, 0],
  ["the settings and the run", /^tab Run/, 2],
] as const) {
  test(`every stop of ${name} shows its focus, and the way round ends`, async ({ page }) => {
    await page.goto("./");
    await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
    await go(page, "Tab", /^tab Start/);
    for (let i = 0; i < clicks; i += 1) await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toMatch(area);
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const invisible: string[] = [];
    const stops: string[] = [];
    for (let i = 0; i < 180 && stops.filter((stop) => stop === FIRST).length < 2; i += 1) {
      await page.keyboard.press("Tab");
      const stop = await focused(page);
      // Behind the last stop comes the browser's own bar, then the first again.
      if (stop === null) continue;
      stops.push(stop);
      if (!(await looksFocused(page))) invisible.push(stop);
    }
    expect(invisible).toEqual([]);
    expect(stops.at(-1), stops.join(", ")).toBe(FIRST);
  });
}

test("the panel of the page takes the focus, keeps it, and gives it back", async ({ page }) => {
  await page.goto("./");
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
  await go(page, "Tab", /^button Software|^button .*(GPU|No WebGPU|adapter)/i);
  const chip = await focused(page);
  await page.keyboard.press("Enter");
  const panel = page.getByTestId("site-panel");
  await expect(panel).toBeVisible();
  for (let i = 0; i < 25; i += 1) {
    await page.keyboard.press("Tab");
    expect(
      await page.evaluate(
        () => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null,
      ),
    ).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
  expect(await focused(page)).toBe(chip);
});
