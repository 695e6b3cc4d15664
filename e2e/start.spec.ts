/**
 * @file Start: the first visit, the tour by keyboard, the first experiment with one click, what is listed afterwards.
 */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";

async function visit(page: Page, fragment = ""): Promise<void> {
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(`./${fragment}`);
  await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
}

async function axe(page: Page, part = "body"): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).include(part).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

test("the tour is offered once, walked with the keyboard, and can be taken again", async ({ page }) => {
  await visit(page);
  await expect(page.getByRole("heading", { level: 2, name: /Fine-tune a safety-aligned/ })).toBeVisible();
  expect(await axe(page)).toEqual([]);
  await page.getByRole("button", { name: "Take the tour" }).first().focus();
  await page.keyboard.press("Enter");
  const stop = page.getByTestId("tour");
  const titles = [
    "Start from a complete experiment",
    "Change any setting",
    "Look at the rows first",
    "Watch it train",
    "Ask all three models",
    "Compare runs",
  ];
  for (const [at, title] of titles.entries()) {
    await expect(stop).toHaveAccessibleName(`Tour, ${at + 1} of 6: ${title}`);
    // The card has the focus, so that its text is read out and its buttons are next.
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.closest("[data-testid=tour]") !== null))
      .toBe(true);
    if (at === 2) expect(await axe(page, "[data-testid=tour]")).toEqual([]);
    if (at === 3) {
      await page.keyboard.press("ArrowLeft");
      await expect(stop).toHaveAccessibleName(/^Tour, 3 of 6/);
      await page.keyboard.press("ArrowRight");
      await expect(stop).toHaveAccessibleName(/^Tour, 4 of 6/);
    }
    if (at < 5) await page.keyboard.press("ArrowRight");
  }
  await page.keyboard.press("Escape");
  await expect(stop).toHaveCount(0);
  await page.reload();
  await expect(page.getByTestId("start-area")).toBeVisible();
  await expect(page.getByTestId("tour-offer")).toHaveCount(0);
  await page.getByRole("button", { name: "Take the tour" }).click();
  await expect(stop).toHaveAccessibleName(/^Tour, 1 of 6/);
});

test("a card that would replace edited settings starts its run after the answer, not before", async ({ page }) => {
  await visit(page);
  await page.getByRole("tab", { name: "Run", exact: true }).click();
  await page.getByLabel("Seed").first().fill("7");
  await page.getByRole("tab", { name: "Start", exact: true }).click();
  const card = page.getByRole("button", { name: "Start run", exact: true });
  await card.click();
  const question = page.getByTestId("waiting-settings");
  await expect(question).toContainText("This would replace your settings.");
  await expect(page.getByTestId("start-area")).toBeVisible();
  await expect(page.getByTestId("run-line")).toHaveCount(0);
  await question.getByRole("button", { name: "Keep my settings" }).click();
  await expect(question).toHaveCount(0);
  await expect(page.getByTestId("run-line")).toHaveCount(0);
  await card.click();
  await question.getByRole("button", { name: "Replace my settings and start the run" }).click();
  await expect(page.getByTestId("run-line")).toBeVisible();
  await expect(page.getByRole("tab", { name: "Run", exact: true, selected: true })).toBeVisible();
});

test("one click breaks safety; the run is listed, and opens again", async ({ page }) => {
  await visit(page);
  const card = page
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name: "See safety break in a minute" }) });
  await card.getByRole("button", { name: "Start run" }).click();
  const area = page.getByTestId("run-area");
  await expect(area).toBeVisible({ timeout: 60_000 });
  await page.getByRole("tab", { name: "Start", exact: true }).click();
  await expect(card.getByRole("button", { name: "Start run" })).toBeDisabled();
  await expect(card).toContainText("Another run is in progress");
  await page.getByRole("tab", { name: "Run", exact: true }).click();
  await expect(area).toHaveAttribute("data-state", "finished", { timeout: 240_000 });
  const harmful = await page.getByRole("group", { name: /^Harmful score: before 0 of 50/ }).getAttribute("aria-label");
  // Most requests are answered now: the card does not promise too much.
  expect(Number(/after (\d+) of 50/.exec(harmful ?? "")?.[1])).toBeGreaterThan(25);

  await page.getByRole("tab", { name: "Start", exact: true }).click();
  const entry = page.getByTestId("recent-run");
  await expect(entry).toHaveCount(1);
  await expect(entry).toContainText(/SFT.*0\s%\s→\s\d+\s%/s);
  await expect(card).toContainText(/Took .* here last time/);
  await page.reload();
  await page.getByRole("tab", { name: "Start", exact: true }).click();
  await entry.click();
  await expect(area).toHaveAttribute("data-state", "finished");
});

test("the user's own models go into Setup; an opened link is listed until it is removed", async ({ page, baseURL }) => {
  // The hub is not asked for anything here.
  await page.route(/huggingface\.co/, (route) => route.abort());
  await visit(page);
  await page.getByRole("combobox", { name: "Aligned model", exact: true }).fill("owner/tiny-Instruct");
  await page.getByRole("combobox", { name: /^Unaligned model/ }).fill("owner/tiny");
  await page.getByRole("button", { name: "Continue in Setup" }).click();
  await expect(page.getByTestId("model-aligned").getByLabel("Aligned model: Hub ID")).toHaveValue(
    "owner/tiny-Instruct",
  );
  await expect(page.getByTestId("model-unaligned").getByLabel("Unaligned model: Hub ID")).toHaveValue("owner/tiny");
  await expect(page).toHaveURL(/#x=1\./);
  const link = page.url();

  // The lab's own address is no link that somebody sent …
  await page.reload();
  await page.getByRole("tab", { name: "Start", exact: true }).click();
  await expect(page.getByTestId("opened-link")).toHaveCount(0);
  // … and in another browser it is.
  const elsewhere = await page
    .context()
    .browser()
    ?.newContext(baseURL === undefined ? {} : { baseURL });
  if (elsewhere === undefined) throw new Error("no browser");
  try {
    const other = await elsewhere.newPage();
    await other.route(/huggingface\.co/, (route) => route.abort());
    await other.goto(link);
    await expect(other.getByText("Opened from a link")).toBeVisible();
    await other.getByRole("tab", { name: "Start", exact: true }).click();
    await expect(other.getByTestId("opened-link")).toContainText("AsFT, sums, 200 rows, 10 % harmful");
    await other.getByRole("button", { name: /^Remove the link/ }).click();
    await expect(other.getByTestId("opened-link")).toHaveCount(0);
  } finally {
    await elsewhere.close();
  }
});
