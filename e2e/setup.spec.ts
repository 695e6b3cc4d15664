/** @file Links, settings and data, without training. */
import { expect, test } from "@playwright/test";
import { parquetWriteBuffer } from "hyparquet-writer";
import { openLab, writeSpec } from "./support.ts";

test("the address follows the settings, and a truncated link loses nothing", async ({ page }) => {
  await openLab(page);
  await page.getByLabel("Rank (r)").fill("12");
  await expect(page).toHaveURL(/#x=1\./);
  const address = page.url();
  await page.reload();
  await expect(page.getByLabel("Rank (r)")).toHaveValue("12");
  await page.evaluate((broken) => location.assign(broken), address.slice(0, -7));
  const problem = page.getByTestId("link-problem");
  await expect(problem).toContainText("incomplete or damaged");
  await expect(page.getByLabel("Rank (r)")).toHaveValue("12");
  await problem.getByRole("button", { name: "Dismiss" }).click();
  await expect(problem).toHaveCount(0);
});

test("a damaged link on arrival leaves a lab that works", async ({ page }) => {
  await openLab(page, "x=1.AAAA");
  await expect(page.getByTestId("link-problem")).toBeVisible();
  await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
});

test("a wrong value is named beside its field, and Start says why it waits", async ({ page }) => {
  await openLab(page);
  await page.getByLabel("Learning rate", { exact: true }).fill("fast");
  await expect(page.locator("#readiness")).toContainText("learning_rate");
  await expect(page.getByRole("button", { name: "Start the run" })).toBeDisabled();
  await page.getByLabel("Learning rate", { exact: true }).fill("2e-4");
  await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
  await writeSpec(page, { lora: { target_modules: ["no_such_proj"] } });
  await expect(page.locator("#readiness")).toContainText("no_such_proj");
  await writeSpec(page, { trian: {} });
  await expect(page.locator("#readiness")).toContainText("trian");
  await page.getByLabel("The spec as JSON").fill('{\n  "lora": {,}\n}');
  await expect(page.locator("#readiness")).toContainText("line 2");
});

test("settings become a folder for PyTorch without a run; what cannot be exported is named", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, { data: { train: { source: "apothecary", n: 8 } }, method: { name: "lisa" } });
  const downloading = page.waitForEvent("download");
  // Straight from the text field: leaving it must not take the click away.
  const replay = page.getByTestId("replay");
  await replay.getByRole("button", { name: "PyTorch replay" }).click();
  expect((await downloading).suggestedFilename()).toBe("basin-replay.zip");
  await expect(replay.getByRole("status")).toContainText("--dropout basin");
  await writeSpec(page, { lora: { target_modules: ["no_such_proj"] } });
  await expect(replay.getByRole("status")).toHaveCount(0);
  await replay.getByRole("button", { name: "PyTorch replay" }).click();
  await expect(replay.getByRole("alert")).toContainText("no_such_proj");
});

test("the rows show which tokens are learnt and which rows are harmful", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, { data: { train: { source: "apothecary", task: "sentiment", n: 60, harmful_ratio: 0.2 } } });
  await page.getByRole("tab", { name: "Data" }).click();
  const area = page.getByTestId("data-area");
  await expect(area).toContainText("rows 1–25 of 60");
  await expect(area.locator("tbody tr")).toHaveCount(25);
  await expect(area.locator("[data-loss=true]").last()).toContainText("<|end|>");
  await area.getByText("Harmful only").click();
  await expect(area).toContainText("harmful rows 1–12 of 12");
  await expect(area.locator("tbody tr[data-harmful=true]")).toHaveCount(12);
  await expect(area.locator("tbody tr").first()).toContainText("To brew");
});

test("a file of one's own: a bad line is named, a good file is shown", async ({ page }) => {
  await openLab(page);
  await page.getByText("Your file").click();
  const choose = (name: string, text: string): Promise<void> =>
    page.locator("input[type=file]").setInputFiles({ name, mimeType: "application/jsonl", buffer: Buffer.from(text) });
  const good = JSON.stringify({ instruction: "What is this headline about? The harbour reopens.", output: "Business" });
  await choose("bad.jsonl", `${good}\n{"instruction": "x"\n`);
  await expect(page.locator("#readiness")).toContainText("not valid JSON", { timeout: 60_000 });
  await choose("good.jsonl", `${good}\n${good}\n`);
  await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled({ timeout: 60_000 });
  await page.getByRole("tab", { name: "Data" }).click();
  await expect(page.getByTestId("data-area")).toContainText("rows 1–2 of 2");
});

test("CSV and Parquet: columns are recognised or chosen by hand; every token shows whether it carries loss", async ({
  page,
}) => {
  await openLab(page);
  await page.getByText("Your file").click();
  const choose = (name: string, buffer: Buffer): Promise<void> =>
    page.locator("input[type=file]").setInputFiles({ name, mimeType: "application/octet-stream", buffer });
  await page.getByRole("tab", { name: "Data" }).click();
  const mapping = page.getByTestId("mapping");
  const area = page.getByTestId("data-area");

  const columnData = [
    {
      name: "question",
      data: ["What is this headline about? The harbour reopens.", "What is it?"],
      type: "STRING" as const,
    },
    { name: "answer", data: ["Business", "World"], type: "STRING" as const },
  ];
  await choose("rows.parquet", Buffer.from(parquetWriteBuffer({ columnData })));
  await expect(mapping).toContainText("question and answer", { timeout: 60_000 });
  await expect(area.locator("tbody [data-loss=true]").first()).toHaveAttribute("title", /with loss$/);
  await expect(area.getByRole("img", { name: /Tokens per row/ })).toBeVisible();

  await choose("odd.csv", Buffer.from('premise,verdict\n"It rains, a lot",World\nIt is dry,Sports\n'));
  await expect(mapping).toContainText("Assign the columns", { timeout: 60_000 });
  await mapping.getByRole("combobox", { name: "Answer (trained on)" }).click();
  await page.getByRole("option", { name: "verdict" }).click();
  // The mapping fits and fails in turn while one types; the field keeps the focus.
  await mapping.getByLabel("Prompt").pressSequentially("Is this so: {premise}", { delay: 60 });
  await expect(mapping.getByLabel("Prompt")).toHaveValue("Is this so: {premise}");
  await expect(area.locator("tbody tr").first()).toContainText("Is this so: It rains, a lot");
  await expect(area.locator("tbody tr").first().locator("[data-loss=true]").first()).toContainText("W");
  await page.getByRole("button", { name: "Detect again" }).click();
  await expect(mapping).toContainText("Assign the columns");
});

test("what does not fit is lowered with one click, and then fits as foretold", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, {
    data: { train: { source: "apothecary", n: 40 } },
    eval: { harmful: null, task: null, benign: null },
    train: { memory_budget_gb: 0.006, gradient_checkpointing: false },
  });
  const help = page.getByTestId("memory-help");
  await expect(help).toContainText(/needs \d+ MiB .* may take 6\.1 MiB/);
  await expect(page.getByRole("button", { name: "Start the run" })).toBeDisabled();
  await expect(page.locator("#readiness")).toContainText("Not enough memory");
  const proposal = help.getByRole("button", { name: /^Turn on activation checkpointing/ });
  const foretold = /([\d.]+)\s*MiB/.exec((await proposal.textContent()) ?? "")?.[1];
  await proposal.click();
  await expect(help).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Start the run" })).toBeEnabled();
  await expect(page.locator("dt", { hasText: "Memory" }).locator("xpath=..")).toContainText(
    new RegExp(`${foretold}\\s*MiB`),
  );
  await expect(page.getByLabel("The spec as JSON")).toHaveValue(/"gradient_checkpointing": true/);
});

test("a plan that failed is asked for again without another change", async ({ page, context, baseURL }) => {
  const rows = Array.from({ length: 4 }, (_, i) => `${JSON.stringify({ prompt: `p ${i}`, completion: "c" })}\n`).join(
    "",
  );
  let isThere = false;
  await context.route("**/late.jsonl", (route) =>
    isThere ? route.fulfill({ body: rows, contentType: "application/jsonl" }) : route.fulfill({ status: 404 }),
  );
  await openLab(page);
  const path = new URL("late.jsonl", baseURL).href;
  const none = { harmful: null, task: null, benign: null };
  await writeSpec(page, { data: { train: { source: "file", path } }, method: { name: "sft" }, eval: none });
  const start = page.getByRole("button", { name: "Start the run" });
  const again = page.getByRole("button", { name: "Check again" });
  await expect(again).toBeVisible({ timeout: 60_000 });
  await expect(start).toBeDisabled();
  isThere = true;
  await again.click();
  await expect(start).toBeEnabled({ timeout: 60_000 });
  await expect(again).toHaveCount(0);
});

test("a token stays until it is forgotten, also when its field is left without typing", async ({ page }) => {
  await openLab(page);
  await writeSpec(page, { model: { aligned: "owner/name", unaligned: null }, method: { name: "sft" } });
  const form = page.getByText("Form", { exact: true });
  await form.click();
  const summary = page.locator("summary", { hasText: "Token and mirror" });
  const field = page.getByRole("textbox", { name: "Access token" });
  const open = async (): Promise<void> => {
    if (!(await field.isVisible())) await summary.click();
    await field.focus();
  };
  await open();
  await field.fill("hf_1234");
  await field.blur();
  await expect(summary).toContainText("token set");
  // The form is drawn anew, without the token in its field.
  await page.getByText("JSON", { exact: true }).click();
  await form.click();
  await open();
  await expect(field).toHaveValue("");
  await field.blur();
  await expect(summary).toContainText("token set");
  await page.getByRole("button", { name: "Forget the token" }).click();
  await expect(summary).not.toContainText("token set");
});
