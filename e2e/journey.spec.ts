/** @file The whole way: demo, 20 steps of SFT and of AsFT, curves, chat, export, link, reload from the link. */
import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { unzipSync } from "fflate";
import { chartPoints, openLab, runToEnd, smallSpec, writeSpec } from "./support.ts";

test("train SFT and AsFT, compare, chat, export, share", async ({ page, context, browser }) => {
  test.setTimeout(600_000);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openLab(page);

  await test.step("20 steps of SFT", async () => {
    await writeSpec(page, smallSpec({ name: "sft" }, { name: "e2e sft" }));
    await runToEnd(page);
    expect(await chartPoints(page, "Cross-entropy")).toBe(20);
    expect(await chartPoints(page, "Gradient norm")).toBe(20);
    await expect(page.getByRole("group", { name: /^Harmful score: before \d of 6/ })).toBeVisible();
  });

  await test.step("20 steps of AsFT: the penalty has a curve, too", async () => {
    await writeSpec(page, smallSpec({ name: "asft", lambda: 10 }, { name: "e2e asft" }));
    await runToEnd(page);
    for (const curve of ["Cross-entropy", "Penalty", "Learning rate", "Speed"])
      expect(await chartPoints(page, curve)).toBe(20);
    await expect(page.getByRole("img", { name: /^Penalty .*from 0 to 0\.0\d+/ })).toBeVisible();
  });

  await test.step("the adapter is PEFT's", async () => {
    await page.getByTestId("run-area").getByRole("button", { name: "Share" }).click();
    const downloading = page.waitForEvent("download");
    await page.getByTestId("share").getByRole("button", { name: "Download adapter" }).click();
    const files = unzipSync(new Uint8Array(readFileSync(await (await downloading).path())));
    expect(Object.keys(files).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors", "basin_spec.json"]);
    const config: unknown = JSON.parse(new TextDecoder().decode(files["adapter_config.json"]));
    expect(config).toMatchObject({
      peft_type: "LORA",
      task_type: "CAUSAL_LM",
      r: 8,
      lora_alpha: 32,
      target_modules: ["q_proj", "v_proj"],
      base_model_name_or_path: "apothecary-aligned",
    });
    const weights = files["adapter_model.safetensors"] ?? new Uint8Array();
    const length = Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length))) as Record<string, unknown>;
    const names = Object.keys(header).filter((name) => name !== "__metadata__");
    expect(names).toContain("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
    expect(names).toHaveLength(16);
    // Trained: B began as zeros.
    expect(
      new Float32Array(weights.slice(8 + length).buffer).some((value) => value !== 0 && Number.isFinite(value)),
    ).toBe(true);
  });

  await test.step("the experiment as a folder for PyTorch", async () => {
    const downloading = page.waitForEvent("download");
    const replay = page.getByTestId("share").getByTestId("replay");
    await replay.getByRole("button", { name: "PyTorch replay" }).click();
    const files = unzipSync(new Uint8Array(readFileSync(await (await downloading).path())));
    await expect(replay.getByRole("status")).toContainText("unpack it and read README.md");
    const text = (path: string): string => new TextDecoder().decode(files[`basin-replay/${path}`]);
    expect(JSON.parse(text("spec.json"))).toMatchObject({
      name: "e2e asft",
      method: { name: "asft", lambda: 10, projector: "safe_lora" },
    });
    expect([text("rows.jsonl").trim().split("\n").length, text("order.jsonl").trim().split("\n").length]).toEqual([
      160, 20,
    ]);
    expect(JSON.parse(text("export.json"))).toMatchObject({ method_module: "asft" });
    expect(text("asft.py")).toContain("def prepare(");
    expect(Object.keys(files)).toContain("basin-replay/models/apothecary-base/model.safetensors");
    await page.getByTestId("share").getByRole("button", { name: "Close" }).click();
  });

  await test.step("both runs are in the table and on one chart", async () => {
    await page.getByRole("tab", { name: /^Runs/ }).click();
    await expect(page.getByTestId("run-row")).toHaveCount(2);
    await expect(
      page.getByRole("img", { name: /^Cross-entropy, 20 points\. (?=.*AsFT λ)(?=.*SFT no penalty)/ }),
    ).toBeVisible();
  });

  await test.step("three models answer one harmful question", async () => {
    await page.getByRole("tab", { name: "Chat" }).click();
    await page
      .getByTestId("chat-area")
      .getByRole("button", { name: /^(How|Can|Give|Teach|What|Tell|Show|I|Please|Explain)/ })
      .first()
      .click();
    await page.getByRole("button", { name: "Ask all three" }).click();
    const exchange = page.getByTestId("exchange").first();
    await expect(exchange).toHaveAttribute("aria-busy", "false", { timeout: 120_000 });
    await expect(exchange.locator("[data-subject=unaligned]")).toContainText("harmful: gave");
    await expect(exchange.locator("[data-subject=aligned]")).toContainText("refused");
    await expect(exchange.locator("[data-subject=tuned]")).toContainText(/refused|harmful: gave|neither/);
  });

  await test.step("the link opens the same experiment elsewhere, and the reload keeps the runs", async () => {
    await page.getByRole("button", { name: "Copy link" }).first().click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toContain("#x=1.");
    const elsewhere = await browser.newContext();
    const other = await elsewhere.newPage();
    await other.goto(link);
    await expect(other.getByText("Opened from a link")).toBeVisible();
    await other.getByText("JSON", { exact: true }).click();
    expect(JSON.parse(await other.getByLabel("The spec as JSON").inputValue())).toMatchObject({
      name: "e2e asft",
      method: { name: "asft", lambda: 10 },
    });
    await elsewhere.close();
    await page.goto(link);
    await page.reload();
    await page.getByRole("tab", { name: /^Runs/ }).click();
    await expect(page.getByTestId("run-row")).toHaveCount(2);
  });
});

test("pause holds the run, stop saves the adapter, and training continues from it", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, smallSpec({ name: "sft" }, { eval: { harmful: null, task: null, benign: null } }));
  const start = page.getByRole("button", { name: "Start the run" });
  await expect(start).toBeEnabled({ timeout: 60_000 });
  await start.click();
  const line = page.getByTestId("run-line");
  await expect(line).toContainText(/step [2-9] of 20/, { timeout: 120_000 });
  await line.getByRole("button", { name: "Pause" }).click();
  await expect(line).toHaveAttribute("data-state", "paused");
  const held = await line.innerText();
  await page.waitForTimeout(2500);
  expect(await line.innerText()).toBe(held);
  await line.getByRole("button", { name: "Resume" }).click();
  await expect(line).toHaveAttribute("data-state", "training");
  await line.getByRole("button", { name: "Stop and save" }).click();
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 60_000 });
  await expect(page.getByText(/stopped after \d+ steps/)).toBeVisible();
  await page.getByTestId("run-area").getByRole("button", { name: "Share" }).click();
  await expect(page.getByTestId("share").getByRole("button", { name: "Download adapter" })).toBeVisible();
  await expect(page.getByTestId("share")).toContainText("The run was stopped");
  await page.getByTestId("share").getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Continue training from this adapter" }).click();
  // The settings are checked again in the worker meanwhile; Start may be on, off and on again within a moment.
  await expect(async () => {
    if (await start.isEnabled()) await start.click();
    await expect(line).toBeVisible({ timeout: 3000 });
  }).toPass({ timeout: 120_000 });
  await expect(line).toContainText(/step [1-9] of 20/, { timeout: 120_000 });
  await line.getByRole("button", { name: "Stop and save" }).click();
  await expect(page.getByTestId("run-area")).toHaveAttribute("data-state", "finished", { timeout: 60_000 });
});
