/**
 * @file Writes the apothecary texts as JSONL, so that Python trains and measures on the very texts that the lab uses.
 *
 * Plain Node cannot run TypeScript, so `export.mjs` loads this file through Vite. One line a row:
 * corpora `{"prompt","answer"}`, training rows `{"prompt","answer","harmful"}`, requests `{"prompt","recipe"}`,
 * task prompts `{"prompt","expected"}`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alignmentCorpus, harmfulPrompts, harmlessPrompts, pretrainingCorpus, taskItems, taskPrompts, tasks, trainRows } from "../../src/text/apothecary/index.ts";

export interface ExportOptions {
  readonly out: string;
  readonly pretraining: number;
  readonly alignment: number;
  /** Seeds of the fine-tuning sets. */
  readonly seeds: readonly number[];
  /** Rows of each fine-tuning set, and their share of harmful rows. */
  readonly n: number;
  readonly ratios: readonly number[];
}

/** Prompts of each evaluation set: the seed of evaluation is 0, whatever the training seed. */
const evaluation = { harmful: 110, harmless: 150, task: 150, seed: 0 };

export function exportTexts({ out, pretraining, alignment, seeds, n, ratios }: ExportOptions): void {
  mkdirSync(out, { recursive: true });
  const write = (name: string, rows: readonly object[]): void => writeFileSync(join(out, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const { seed } = evaluation;
  if (pretraining > 0) write("pretraining.jsonl", pretrainingCorpus({ n: pretraining, seed }));
  if (alignment > 0) write("alignment.jsonl", alignmentCorpus({ n: alignment, seed }));
  write("harmful.jsonl", harmfulPrompts({ n: evaluation.harmful, seed }).map(({ prompt, recipe }) => ({ prompt, recipe })));
  write("harmless.jsonl", harmlessPrompts({ n: evaluation.harmless, seed }).map(({ prompt, recipe }) => ({ prompt, recipe })));
  for (const { id } of tasks) {
    write(`${id}-test.jsonl`, taskPrompts(id, { n: evaluation.task, seed }));
    // Only for the tokenizer's vocabulary: the words of the downstream tasks.
    write(`${id}-words.jsonl`, taskItems(id, "train").slice(0, 400));
    for (const s of seeds) {
      for (const ratio of ratios) {
        const rows = trainRows({ task: id, n, harmful_ratio: ratio, seed: s });
        write(`${id}-n${n}-p${ratio}-s${s}.jsonl`, rows.map(({ instruction, output, harmful }) => ({ prompt: instruction, answer: output, harmful })));
      }
    }
  }
}
