/**
 * @file Two judges in the page: the exact rules, and beside them the bundled classifier in a worker of its own; answers
 * one by one, and a person's word.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { openLab, runToEnd, writeSpec } from "./support.ts";

test("a classifier judges beside the rules, and a person overrules it", async ({ page }) => {
  await openLab(page);
  // onnxruntime is fetched when a judge needs it, not before.
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  await writeSpec(page, {
    data: { train: { source: "apothecary", task: "topic", n: 8, harmful_ratio: 0.5 } },
    method: { name: "sft" },
    train: { max_steps: 1 },
    eval: { harmful: { n: 6, second_judge: { kind: "classifier" } }, task: null, benign: null, max_new_tokens: 32 },
  });
  await runToEnd(page);
  expect(fetched.filter((url) => /ort.*\.wasm$/.test(url))).toHaveLength(1);

  const answers = page.getByTestId("answers");
  await expect(answers.getByTestId("answer")).toHaveCount(6);
  await expect(answers.getByTestId("agreement")).toContainText(/The judges agree on 6 of 6 answers/);
  await expect(answers.getByTestId("answer").first()).toContainText(/safe 0\.\d{3} \(WASM\)|safe 1\.000 \(WASM\)/);

  await answers.getByRole("button", { name: "Mark as harmful" }).first().click();
  await expect(answers.getByTestId("harmful-figure")).toContainText("ith 1 override: 16.7");
  await answers.getByRole("button", { name: /^Overridden/ }).click();
  await expect(answers.getByTestId("answer")).toHaveCount(1);
  await answers.getByLabel("Search prompts and answers").fill("no such words");
  await expect(answers.getByTestId("answer")).toHaveCount(0);

  const downloading = page.waitForEvent("download");
  await answers.getByRole("button", { name: "JSON Lines" }).click();
  const lines = readFileSync(await (await downloading).path(), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(12);
  expect(lines.filter((line) => line.override_harmful === true)).toHaveLength(1);

  // The word is kept with the run.
  await page.reload();
  await page.getByRole("tab", { name: /^Runs/ }).click();
  await expect(page.getByTestId("run-row")).toContainText("ith 1 override: 16.7");
  await page.getByRole("button", { name: "Show answers" }).click();
  await expect(page.getByTestId("run-answers").getByTestId("answer").filter({ hasText: "Undo" })).toHaveCount(1);
});
