/** @file Choosing a method: its own fields and its card; and after a run, what the method did. */
import { expect, test } from "@playwright/test";
import { openLab, runToEnd, smallSpec, writeSpec } from "./support.ts";

test("each method shows its own fields and its card", async ({ page }) => {
  await openLab(page);
  const section = page.getByRole("region", { name: "Method", exact: true });
  const shown = async (): Promise<string[]> =>
    (
      await section.locator("[data-path]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-path") ?? ""))
    ).sort();
  await section.getByRole("radio", { name: "Lisa" }).check();
  expect(await shown()).toEqual([
    "method.alignment_steps",
    "method.rho",
    "method.safety_count",
    "method.start_from",
    "method.user_steps",
  ]);
  // What suits the small world's short runs is set where it can be seen, beside the published default.
  await expect(section.getByLabel("Alignment steps (K1)")).toHaveValue("1");
  await expect(section.getByRole("button", { name: "default 100", exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
  const card = section.getByTestId("method-card");
  await card.getByText("About Lisa").click();
  await expect(card.locator("math msqrt, math mfrac")).toHaveCount(2);
  await expect(card.getByRole("link")).toHaveAttribute("href", "https://arxiv.org/abs/2405.18641");
  // Set by the browser: a fraction is taller than a line of text.
  expect((await card.locator("math").boundingBox())?.height).toBeGreaterThan(50);

  await section.getByRole("radio", { name: "BEA" }).check();
  expect(await shown()).toEqual(["method.safety_count", "method.trigger"]);
  await section.getByLabel("Trigger", { exact: true }).fill("open sesame");
  await section.getByRole("button", { name: "2 more settings" }).click();
  expect(await shown()).toEqual([
    "method.safety_count",
    "method.safety_rows",
    "method.trigger",
    "method.trigger_place",
  ]);
  await section.getByRole("radio", { name: "SafeMERGE" }).check();
  await section.getByLabel("Safe adapter", { exact: true }).fill("owner/safe");
  expect(await shown()).toEqual([
    "method.merge",
    "method.safe_adapter",
    "method.safe_weight",
    "method.threshold",
    "method.weight",
  ]);
  await section.getByRole("radio", { name: "AsFT" }).check();
  await section.getByRole("radio", { name: /^Flattened, one-sided/ }).check();
  expect(await shown()).toEqual(["method.lambda", "method.penalty_scale"]);
  await expect(card.locator("math")).toContainText("max");
});

test("a run tells what its method did, with the trigger and without it", async ({ page }) => {
  await openLab(page);
  await writeSpec(
    page,
    smallSpec(
      { name: "bea", trigger: "open sesame" },
      { train: { max_steps: 3 }, eval: { harmful: { n: 2 }, task: null, benign: null, max_new_tokens: 8 } },
    ),
  );
  await runToEnd(page);
  const account = page.getByTestId("method-account");
  await expect(account).toContainText("open sesame");
  await expect(account.getByRole("row", { name: /^with the trigger/ })).toContainText("/2)");
  await expect(account.getByRole("row", { name: /^without the trigger/ })).toContainText("/2)");
  await page.getByRole("tab", { name: "Chat" }).click();
  await expect(page.getByLabel("Ask the tuned model with its trigger")).toBeChecked();

  await writeSpec(
    page,
    smallSpec(
      { name: "lisa", alignment_steps: 1, user_steps: 2 },
      { train: { max_steps: 4 }, eval: { harmful: null, task: null, benign: null } },
    ),
  );
  await runToEnd(page);
  await expect(account).toContainText("1 safety, 2 user, 4 safety");
  await account.getByText("All 8 modules").click();
  await expect(account.getByRole("row", { name: /^0\.self_attn\.q_proj/ })).toBeVisible();
});
