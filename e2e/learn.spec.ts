/**
 * @file Learn: a linked page opens, its widgets answer to mouse, touch and keyboard, and the experiment stays in the
 * address.
 */
import { expect, test, type Locator, type Page } from "@playwright/test";
import { openLab } from "./support.ts";

test.beforeEach(({ page }) => page.setDefaultTimeout(20_000));

const figure = (widget: Locator, name: string): Locator => widget.locator("dl > div", { hasText: name }).locator("dd");

async function number(widget: Locator, name: string): Promise<number> {
  return Number((await figure(widget, name).innerText()).replace("\u2212", "-").replace(/[^\d.-]/g, ""));
}

const splitWidget = (page: Page): Locator => page.getByRole("region", { name: "Move the update" });

test("the split of the update follows mouse, touch and keyboard", async ({ page }) => {
  await openLab(page, "learn/penalty");
  const widget = splitWidget(page);
  const update = widget.getByRole("slider", { name: "Update" });
  const before = await number(widget, "Penalty");

  await update.scrollIntoViewIfNeeded();
  const box = await update.boundingBox();
  if (box === null) throw new Error("no handle");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 80, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  await expect(update).toHaveAttribute("aria-valuetext", "x -0.70, y 1.40");
  const dragged = await number(widget, "Penalty");
  expect(dragged).toBeGreaterThan(before);

  // Along V nothing is charged for: V and the update on one line.
  await update.focus();
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(update).toHaveAttribute("aria-valuetext", "x -0.70, y 0.60");
  const direction = widget.getByRole("slider", { name: "Alignment direction" });
  await direction.focus();
  for (let step = 0; step < 12; step += 1) await page.keyboard.press("ArrowLeft");
  await expect(direction).toHaveAttribute("aria-valuetext", "x 0.70, y 0.50");
  for (let step = 0; step < 22; step += 1) await page.keyboard.press("ArrowDown");
  await expect(direction).toHaveAttribute("aria-valuetext", "x 0.70, y -0.60");
  await expect(figure(widget, "Penalty")).toHaveText("0");
  await widget.getByRole("radio", { name: "One-sided" }).check();
  expect(await number(widget, "Penalty")).toBeCloseTo(0.85, 2);
});

test("a touch drags a grip and leaves the page where it is", async ({ browser, baseURL }) => {
  const context = await browser.newContext({
    hasTouch: true,
    viewport: { width: 390, height: 780 },
    ...(baseURL === undefined ? {} : { baseURL }),
  });
  try {
    const page = await context.newPage();
    await openLab(page, "learn/penalty");
    const update = splitWidget(page).getByRole("slider", { name: "Update" });
    await update.scrollIntoViewIfNeeded();
    const [box, scrolled, text] = [
      await update.boundingBox(),
      await page.evaluate(() => scrollY),
      await update.getAttribute("aria-valuetext"),
    ];
    if (box === null) throw new Error("no handle");
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const touch = await context.newCDPSession(page);
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x, y }] });
    for (const down of [10, 30, 60])
      await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x, y: y + down }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await expect(update).not.toHaveAttribute("aria-valuetext", text ?? "");
    expect(await page.evaluate(() => scrollY)).toBe(scrolled);
  } finally {
    await context.close();
  }
});

test("pages have addresses, and the experiment stays in them", async ({ page }) => {
  await openLab(page, "learn/score");
  await expect(page.getByRole("heading", { name: "How to read a harmful score", level: 2 })).toBeVisible();
  await page.getByRole("slider", { name: "Harmful answers", exact: true }).fill("0");
  await expect(page.getByText("claims certainty")).toBeVisible();
  const judge = page.getByRole("region", { name: "Two judges" });
  await judge.getByRole("radio", { name: "Refusal, then recipe" }).check();
  await expect(figure(judge, "Exact rules")).toHaveText("harmful");
  await expect(figure(judge, "Refusal phrases")).toHaveText("safe");

  await page.getByRole("link", { name: "Previous: Why an exact projector can fail" }).click();
  await expect(page).toHaveURL(/#learn\/projector$/);
  await expect(page.getByText("nothing is anchored any more")).toBeVisible();

  await page.getByLabel("Rank (r)").fill("12");
  await page.keyboard.press("Tab");
  await expect(page).toHaveURL(/#learn\/projector&x=1\./);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Why an exact projector can fail" })).toBeVisible();
  await expect(page.getByLabel("Rank (r)")).toHaveValue("12");
  await page.getByRole("tab", { name: "Data", exact: true }).click();
  await expect(page).toHaveURL(/#x=1\./);
});
