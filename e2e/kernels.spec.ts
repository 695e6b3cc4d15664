/**
 * @file Kernels that are measured while the page rests: listed in the device panel, kept over a reload, forgotten; and
 * what built-in choice means.
 */
import { expect, test, type Locator, type Page } from "@playwright/test";
import { serious } from "./axe.ts";
import { openLab, runToEnd, writeSpec } from "./support.ts";

const SPEC = {
  name: "kernels",
  data: { train: { source: "apothecary", task: "topic", n: 8, harmful_ratio: 0.25 } },
  method: { name: "sft" },
  lora: { r: 4 },
  train: { learning_rate: 1e-3, max_steps: 2, per_device_train_batch_size: 2, save_steps: 0 },
  eval: { harmful: null, task: null, benign: null, sample_steps: 0 },
};

async function openPanel(page: Page): Promise<Locator> {
  await page.getByTestId("device-chip").click();
  return page.getByTestId("site-panel").getByTestId("kernels");
}

/** Losses of the newest run that this browser keeps, in every digit, and the kernels they came from. */
async function newest(
  page: Page,
): Promise<{ readonly losses: readonly number[]; readonly digest: string | undefined; readonly measured: number }> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const asked = indexedDB.open("basin /");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(new Error("no history"));
    });
    interface Kept {
      readonly endedAt: number;
      readonly steps: readonly { readonly loss: number }[];
      readonly ending: {
        readonly report: {
          readonly kernels?: { readonly digest: string; readonly measured: Readonly<Record<string, unknown>> };
        };
      };
    }
    const runs = await new Promise<Kept[]>((resolve) => {
      const asked = database.transaction("runs").objectStore("runs").getAll();
      asked.onsuccess = () => resolve(asked.result as Kept[]);
    });
    database.close();
    const run = runs.sort((a, b) => b.endedAt - a.endedAt)[0];
    const kernels = run?.ending.report.kernels;
    return {
      losses: (run?.steps ?? []).map(({ loss }) => loss),
      digest: kernels?.digest,
      measured: Object.keys(kernels?.measured ?? {}).length,
    };
  });
}

test("kernels are measured after a run, stored and forgotten; the same settings always give the same numbers", async ({
  page,
}) => {
  test.setTimeout(420_000);
  await openLab(page);
  await writeSpec(page, SPEC);
  await runToEnd(page);
  const first = await newest(page);
  expect(first.losses).toHaveLength(2);

  const kernels = await openPanel(page);
  await expect(kernels).toContainText(/[1-9]\d* products? measured/, { timeout: 60_000 });
  await expect(kernels).toHaveAttribute("data-state", "idle", { timeout: 60_000 });
  await expect(kernels).not.toContainText("could not be measured");

  await test.step("the rest at once", async () => {
    const now = kernels.getByRole("button", { name: "Measure now" });
    if (await now.isEnabled()) {
      await now.click();
      await expect(kernels).toContainText("measured, 0 waiting", { timeout: 120_000 });
    }
    await kernels.getByText(/^\d+ measured$/).click();
    await expect(kernels.getByRole("row").nth(1)).toContainText(/(output|gradient|LoRA).*(register|subgroup|shared)/);
    expect(await serious(page, { part: "[data-testid=site-panel]" })).toEqual([]);
    await page.setViewportSize({ width: 360, height: 780 });
    expect(
      await kernels.evaluate((part) => [part.scrollWidth - part.clientWidth, document.documentElement.scrollWidth]),
    ).toEqual([0, 360]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await serious(page, { part: "[data-testid=site-panel]" })).toEqual([]);
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1440, height: 900 });
  });
  const measured = await kernels.getByText(/^\d+ measured$/).innerText();
  await page.keyboard.press("Escape");

  await test.step("they are still there after a reload, and the same settings do not use them", async () => {
    await page.reload();
    await expect(page.getByTestId("device-chip")).not.toContainText("Opening");
    await expect((await openPanel(page)).getByText(measured, { exact: true })).toBeVisible({ timeout: 60_000 });
    await page.keyboard.press("Escape");
    await writeSpec(page, SPEC);
    await runToEnd(page);
    expect(await newest(page)).toEqual(first);
  });

  await test.step("other settings do", async () => {
    await writeSpec(page, { ...SPEC, train: { ...SPEC.train, seed: 1 } });
    await runToEnd(page);
    expect((await newest(page)).measured).toBeGreaterThan(0);
  });

  await test.step("built-in: nothing is listed, and it is remembered", async () => {
    const panel = await openPanel(page);
    await panel.getByText("Default kernels").click();
    await expect(panel).toContainText("No measurements are made or used.");
    await page.reload();
    const again = await openPanel(page);
    await expect(again.getByRole("radio", { name: "Default kernels" })).toBeChecked({ timeout: 60_000 });
    await again.getByText("Measured kernels").click();
    await expect(again.getByText(/^\d+ measured$/)).toBeVisible();
  });

  await test.step("forgotten, also after a reload", async () => {
    const panel = page.getByTestId("kernels");
    await panel.getByRole("button", { name: "Delete measurements" }).click();
    await expect(panel.getByText(/^\d+ measured$/)).toHaveCount(0);
    await page.reload();
    await expect(await openPanel(page)).toContainText("Nothing is measured yet");
  });
});
