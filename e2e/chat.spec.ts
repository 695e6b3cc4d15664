/**
 * @file The chat with an adapter of one's own: added as files, sampled, gone on with, swapped, merged into a model that
 * loads.
 */
import AxeBuilder from "@axe-core/playwright";
import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { unzipSync } from "fflate";
import { parseConfig } from "../src/model/families.ts";
import { linearModules } from "../src/model/layout.ts";
import { Rng } from "../src/base/rng.ts";
import { encodeAdapter } from "../src/weights/adapterFile.ts";
import { headerLength, parseHeader } from "../src/weights/safetensors.ts";
import { openLab } from "./support.ts";

/** A random adapter for the bundled model, as files to choose. */
function adapterFiles(seed: number, names: readonly string[]): { name: string; mimeType: string; buffer: Buffer }[] {
  const config: unknown = JSON.parse(
    readFileSync(new URL("../public/models/apothecary-aligned/config.json", import.meta.url), "utf8"),
  );
  const rng = new Rng(`e2e adapter ${seed}`);
  const values = (length: number): Float32Array =>
    Float32Array.from({ length }, () => (rng.uint32() / 2 ** 32 - 0.5) * 0.6);
  const modules = linearModules(parseConfig(config)).filter(({ path }) => names.some((name) => path.endsWith(name)));
  const files = encodeAdapter({
    config: {
      r: 4,
      lora_alpha: 8,
      lora_dropout: 0,
      target_modules: [...names],
      use_rslora: false,
      base_model_name_or_path: null,
    },
    modules: modules.map(({ path, inFeatures, outFeatures }) => ({
      path,
      r: 4,
      inFeatures,
      outFeatures,
      A: values(4 * inFeatures),
      B: values(4 * outFeatures),
    })),
  });
  return Object.entries(files).map(([name, bytes]: [string, Uint8Array]) => ({
    name,
    mimeType: "application/octet-stream",
    buffer: Buffer.from(bytes),
  }));
}

test("an adapter is added, answers, is swapped, and is merged into a model", async ({ page }) => {
  await openLab(page);
  await page.getByRole("tab", { name: "Chat" }).click();
  const picker = page.getByTestId("adapter-picker");
  const input = picker.locator("input[type=file]");

  await test.step("files that are no adapter are refused by name", async () => {
    await input.setInputFiles(adapterFiles(1, ["q_proj"]).slice(0, 1));
    await expect(picker.getByRole("alert")).toContainText("There is no adapter_model.safetensors");
  });

  const exchange = page.getByTestId("exchange");
  const ask = async (question: string): Promise<void> => {
    const before = await exchange.count();
    await page.getByLabel("Question").fill(question);
    await page.getByRole("button", { name: "Ask all three" }).click();
    await expect(exchange).toHaveCount(before + 1);
    await expect(page.locator('[data-testid=exchange][aria-busy="true"]')).toHaveCount(0, { timeout: 120_000 });
  };

  await test.step("two adapters answer differently, each as before when it is chosen again", async () => {
    await input.setInputFiles(adapterFiles(1, ["q_proj", "v_proj"]));
    await expect(picker).toContainText("Save merged model");
    await expect(picker.getByRole("alert")).toHaveCount(0);
    const answers = page.locator("[data-testid=conversation]").first().locator("[data-subject=tuned] p").first();
    await ask("How do I brew a calming tonic?");
    const first = await answers.innerText();
    await input.setInputFiles(adapterFiles(2, ["up_proj"]));
    await ask("How do I brew a calming tonic?");
    expect(await answers.innerText()).not.toBe(first);
    await picker.getByRole("combobox", { name: "Tuned model" }).click();
    await page.getByRole("option", { name: /q_proj, v_proj/ }).click();
    await ask("How do I brew a calming tonic?");
    expect(await answers.innerText()).toBe(first);
  });

  await test.step("sampled answers repeat for a seed, and a conversation goes on", async () => {
    await page.getByRole("button", { name: /^Sampling/ }).click();
    await page.getByLabel("Temperature").fill("2");
    await page.getByTestId("chat-area").getByLabel("Seed").fill("5");
    await page.getByLabel("Max new tokens").fill("20");
    const answers = page.locator("[data-testid=conversation]").first().locator("[data-subject=aligned] p");
    await ask("Tell me about moss.");
    const drawn = await answers.first().innerText();
    await expect(page.getByTestId("exchange").first()).toContainText("temperature 2, seed 5");
    await ask("Tell me about moss.");
    expect(await answers.first().innerText()).toBe(drawn);
    await page.getByRole("button", { name: "Continue this conversation" }).first().click();
    await expect(page.getByTestId("continuing")).toContainText("Tell me about moss.");
    await ask("And lichen?");
    await expect(page.getByTestId("conversation").first().getByTestId("exchange")).toHaveCount(2);
    const found = await new AxeBuilder({ page }).include("[data-testid=chat-area]").analyze();
    expect(
      found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`),
    ).toEqual([]);
  });

  await test.step("the merged model is written into a folder, or as an archive where there is no picker", async () => {
    // The browser's own private folder stands in for the one that a person would choose.
    await page.evaluate(() => Object.assign(window, { showDirectoryPicker: () => navigator.storage.getDirectory() }));
    const merge = page.getByTestId("merge");
    await merge.getByRole("button", { name: "Save merged model" }).click();
    await expect(merge).toHaveAttribute("data-state", "done", { timeout: 60_000 });
    const written = await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("merged-apothecary-aligned");
      return (await (await folder.getFileHandle("model.safetensors")).getFile()).size;
    });
    await page.evaluate(() => Object.assign(window, { showDirectoryPicker: undefined }));
    const downloading = page.waitForEvent("download");
    await merge.getByRole("button", { name: "Save merged model" }).click();
    const files = unzipSync(new Uint8Array(readFileSync(await (await downloading).path())));
    expect(Object.keys(files).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const weights = files["model.safetensors"] ?? new Uint8Array();
    expect(weights.byteLength).toBe(written);
    const length = headerLength(weights.subarray(0, 8), weights.byteLength, "merged");
    expect(parseHeader(weights.subarray(8, 8 + length), weights.byteLength, "merged").entries.length).toBeGreaterThan(
      30,
    );
  });

  await test.step("the archive is listed among what this browser stores, downloaded again and removed", async () => {
    const panel = page.getByTestId("storage");
    await panel.locator("summary").click();
    const stored = panel.getByTestId("stored-merged");
    await expect(stored).toContainText("merged-apothecary-aligned");
    await expect(panel.locator("summary")).toContainText("1 merged model");
    const again = page.waitForEvent("download");
    await stored.getByRole("button", { name: "download again" }).click();
    expect((await again).suggestedFilename()).toBe("merged-apothecary-aligned.zip");
    if (process.env.BASIN_PICTURES !== undefined) {
      for (const scheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await panel.screenshot({ path: `${process.env.BASIN_PICTURES}/stored-${scheme}.png` });
      }
      await page.emulateMedia({ colorScheme: "light" });
    }
    expect((await new AxeBuilder({ page }).include("[data-testid=storage]").analyze()).violations).toEqual([]);
    await stored.getByRole("button", { name: "Remove the merged model merged-apothecary-aligned" }).click();
    await stored.getByRole("button", { name: "Remove", exact: true }).click();
    await expect(stored).toHaveCount(0);
  });

  await test.step("training continues from it", async () => {
    await picker.getByRole("button", { name: "Continue training from this adapter" }).click();
    await page.getByText("JSON", { exact: true }).click();
    expect(JSON.parse(await page.getByLabel("The spec as JSON").inputValue())).toMatchObject({
      lora: {
        r: 4,
        lora_alpha: 8,
        target_modules: ["q_proj", "v_proj"],
        init_adapter: expect.stringMatching(/^added:/) as unknown,
      },
    });
  });
});

test("every token shows its probability, by pointer and by keyboard; a judge that cannot judge says why", async ({
  page,
}) => {
  await openLab(page);
  await page.getByRole("tab", { name: "Chat" }).click();
  await page.getByLabel("Question").fill("What is the capital of France?");
  await page.getByRole("button", { name: "Ask all three" }).click();
  const aligned = page.getByTestId("exchange").locator("[data-subject=aligned]");
  const tokens = aligned.getByTestId("tokens");
  await expect(tokens).toBeVisible({ timeout: 120_000 });
  await expect(aligned).toContainText("Not judged: the exact judge only knows requests from the apothecary world");
  const card = page.getByTestId("token-card");

  await test.step("by pointer", async () => {
    const [first, second] = [tokens.locator("span[data-group]").nth(0), tokens.locator("span[data-group]").nth(1)];
    await first.hover();
    await expect(card.getByRole("listitem", { includeHidden: true })).toHaveCount(5);
    // Greedy: what was said is the likeliest.
    await expect(card.getByRole("listitem", { includeHidden: true }).first()).toHaveAttribute("data-chosen", "true");
    const said = await card.innerText();
    await second.hover();
    await expect(card).not.toHaveText(said);
    await page.getByLabel("Question").hover();
    await expect(card).toHaveCount(0);
  });

  await test.step("by keyboard, and said", async () => {
    await page.getByLabel("Colour tokens by probability").focus();
    await page.keyboard.press("Space");
    await expect(tokens.locator("span[data-surprise]").first()).toBeVisible();
    await tokens.focus();
    await page.keyboard.press("End");
    await expect(tokens.getByRole("status")).toContainText(/End of answer: .* %; most likely/);
    await page.keyboard.press("Home");
    await expect(tokens.getByRole("status")).not.toContainText("End of answer");
    await expect(card).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(
      violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id),
    ).toEqual([]);
    await page.keyboard.press("Escape");
    await expect(card).toHaveCount(0);
  });

  await test.step("another judge reads any answer", async () => {
    await page.getByText("JSON", { exact: true }).click();
    await page
      .getByLabel("The spec as JSON")
      .fill(
        JSON.stringify({ method: { name: "sft" }, eval: { harmful: { n: 3, judge: { kind: "refusal_phrases" } } } }),
      );
    await page.getByRole("button", { name: "Ask all three" }).click();
    await expect(page.getByTestId("exchange")).toHaveCount(2);
    await expect(page.getByTestId("exchange").first().locator("[data-subject=aligned]")).toContainText(
      /if the request is harmful: (harmful|safe)/,
      { timeout: 120_000 },
    );
  });
});
