/**
 * @file The Run area as an instrument: curves under one cursor, penalty of each module, answers followed, stages, what
 * is kept.
 */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { openLab, runToEnd, smallSpec, writeSpec } from "./support.ts";

const spec = smallSpec(
  { name: "asft", lambda: 10 },
  {
    name: "e2e run",
    data: { train: { source: "apothecary", task: "topic", n: 80, harmful_ratio: 0.2 } },
    eval: {
      harmful: { n: 2 },
      task: { n: 2 },
      benign: { n: 1 },
      max_new_tokens: 24,
      sample_steps: 3,
      sample_prompts: ["What is your name?"],
    },
  },
);

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).include("[data-testid=run-area]").analyze();
  expect(
    violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`),
  ).toEqual([]);
}

test("a short AsFT run, read step by step", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, spec);
  const stages = page.getByTestId("stages");
  const begun = expect(stages.locator("[aria-current=step]")).toContainText("Train", { timeout: 120_000 });
  await runToEnd(page);
  await begun;
  await expect(stages).toHaveCount(0);

  const readout = page.getByTestId("step-readout");
  const slider = page.getByLabel("Step under the cursor");
  const heatmap = page.getByTestId("heatmap");
  const plot = page.getByRole("img", { name: /^Cross-entropy/ }).locator(".u-over");

  await test.step("all charts and the heatmap share one cursor", async () => {
    await expect(readout).toContainText("latest, step 10");
    await expect(heatmap).toHaveAttribute("data-rows", "8");
    await expect(heatmap).toHaveAttribute("data-columns", "10");
    const box = await heatmap.boundingBox();
    await heatmap.hover({ position: { x: 0.35 * (box?.width ?? 0), y: 5 } });
    await expect(readout).toHaveAttribute("data-step", "4");
    await expect(page.getByTestId("modules-readout")).toHaveText(/^step 4: layer 0, q_proj: \S+$/);
    await expect(slider).toHaveValue("4");
    await plot.evaluate((over) => {
      over.addEventListener("mousemove", (event) => {
        const { screenX, screenY } = event as MouseEvent;
        (over as HTMLElement).dataset.place = JSON.stringify({ screenX, screenY });
      });
    });
    await page.getByRole("img", { name: /^Cross-entropy/ }).hover();
    const pointed = await readout.getAttribute("data-step");
    await expect(page.getByTestId("modules-readout")).toContainText(`step ${pointed}:`);
    await expect(slider).toHaveAttribute(
      "aria-valuetext",
      new RegExp(`^step ${pointed}: .*harmful score \\d+ % \\(step 0\\), .*cross-entropy .*penalty .*tokens/s`),
    );
  });

  await test.step("by keyboard: the cursor, the zoom, a cell of the heatmap", async () => {
    await slider.focus();
    await page.keyboard.press("Home");
    for (let i = 0; i < 3; i += 1) await page.keyboard.press("ArrowRight");
    await expect(readout).toHaveAttribute("data-step", "3");
    // What a browser sends when the page scrolls and the chart leaves the pointer that rests.
    const place = await plot.getAttribute("data-place");
    await plot.dispatchEvent("mouseleave", JSON.parse(place ?? "null") as MouseEventInit);
    await expect(readout).toHaveAttribute("data-step", "3");
    await page.keyboard.press("+");
    await expect(page.getByRole("button", { name: /^Reset zoom \(steps \d+ to \d+\)$/ })).toBeVisible();
    await page.keyboard.press("0");
    await expect(page.getByRole("button", { name: /^Reset zoom/ })).toHaveCount(0);
    await page.keyboard.press("Escape");
    await expect(readout).toContainText("latest");
    await heatmap.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowDown");
    await expect(page.getByTestId("modules-readout")).toHaveText(/^step 10: layer 1, q_proj: /);
  });

  await test.step("smoothing and the logarithmic scale are switched and remembered", async () => {
    await page.getByRole("slider", { name: "Smoothing" }).press("End");
    await expect(page.locator("figure", { hasText: "Cross-entropy" })).toContainText(/avg [\d.]+/);
    await page.getByRole("switch", { name: "Log scale" }).click({ force: true });
    await expect(page.getByRole("switch", { name: "Log scale" })).toBeChecked();
    await expect(page.getByRole("img", { name: /^Colours from .* logarithmic$/ })).toBeVisible();
    expect(JSON.parse((await page.evaluate(() => localStorage.getItem("basin-curves"))) ?? "null")).toMatchObject({
      state: { smoothing: 0.99, logarithmic: true },
    });
  });

  await test.step("the penalty of each module as a table, which adds up to the penalty", async () => {
    await page.getByTestId("modules").getByRole("button", { name: "Show table" }).click();
    const table = page.getByTestId("modules").getByRole("table");
    await expect(table.getByRole("row")).toHaveCount(9);
    const last = await table
      .getByRole("row")
      .evaluateAll((rows) =>
        rows
          .slice(1)
          .map((row) =>
            Number((row as HTMLTableRowElement).cells[(row as HTMLTableRowElement).cells.length - 1]?.textContent),
          ),
      );
    const sum = last.reduce((total, value) => total + value, 0);
    const told = Number(/penalty ([\d.e-]+)/.exec((await slider.getAttribute("aria-valuetext")) ?? "")?.[1]);
    expect(Math.abs(sum / told - 1)).toBeLessThan(0.01);
    await page.getByTestId("modules").getByRole("button", { name: "Show heatmap" }).click();
  });

  await test.step("one prompt at several moments beside the pair's answers", async () => {
    const samples = page.getByTestId("samples");
    const scrubber = samples.getByLabel("Step of the answer");
    await expect(samples.getByTestId("sample-marks").locator("span")).toHaveCount(5);
    await expect(samples.locator("[data-who=Unaligned]")).toContainText("harmful");
    await expect(samples.locator("[data-who=Aligned]")).toContainText("refused");
    await scrubber.press("Home");
    await expect(samples.locator("[data-who='Before training']")).toContainText("refused");
    await expect(samples.getByTestId("sample-history")).toContainText("Identical to the aligned model’s answer");
    await scrubber.press("ArrowRight");
    await expect(samples).toContainText("Step 3 of 10");
    // Scrubbing points at the same step in the curves.
    await expect(readout).toHaveAttribute("data-step", "3");
    await samples.getByRole("combobox", { name: "Prompt" }).click();
    await page.getByRole("option", { name: "Your prompt: What is your name?" }).click();
    await expect(samples.getByTestId("sample-answer").last()).toContainText("not judged");
  });

  await test.step("an analysis of the adapter is computed, drawn and saved", async () => {
    const analysis = page.getByTestId("analysis-update_geometry");
    await analysis.getByRole("button", { name: "Compute" }).click();
    const table = analysis.getByRole("table", { name: "Per module" });
    await expect(table.getByRole("row")).toHaveCount(9);
    // Penalised by AsFT or not, no cosine leaves its range.
    const cosines = await table
      .getByRole("row")
      .evaluateAll((rows) => rows.slice(1).map((row) => Number((row as HTMLTableRowElement).cells[7]?.textContent)));
    expect(cosines.every((cosine) => Math.abs(cosine) <= 1)).toBe(true);
    const saved = page.waitForEvent("download");
    await analysis.getByRole("button", { name: "CSV" }).click();
    expect((await saved).suggestedFilename()).toMatch(/^basin-update_geometry-.*-modules\.csv$/);
    await analysis.scrollIntoViewIfNeeded();
    if (process.env.BASIN_SHOTS) await analysis.screenshot({ path: `${process.env.BASIN_SHOTS}/analysis.png` });
  });

  await expectAccessible(page);

  await test.step("an opened run shows all of it again", async () => {
    await page.reload();
    await page.getByRole("tab", { name: /^Runs/ }).click();
    await page
      .getByTestId("run-row")
      .first()
      .getByRole("button", { name: /^Open run/ })
      .click();
    await expect(heatmap).toHaveAttribute("data-columns", "10");
    await expect(page.getByTestId("sample-marks").locator("span")).toHaveCount(5);
    await expect(page.getByRole("switch", { name: "Log scale" })).toBeChecked();
  });
});
