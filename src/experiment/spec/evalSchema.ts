/**
 * @file The `eval` section of the spec: what the model is asked before, during and after training, and
 * how its answers are scored.
 *
 * Harmful requests come from the apothecary world or from a file; a judge (eval/judges) decides which answers are
 * harmful. Task rows come from the apothecary world, from the validation split, from a file or from a dataset on the
 * Hub. An evaluator (eval/registry.ts) scores real rows; its options are fields of `eval.task`.
 */
import { z } from "../../base/zod.ts";
import { judgeSchema } from "../../eval/judges/registry.ts";
import { evaluatorKind, evaluatorOptions, evaluators } from "../../eval/registry.ts";
import { hubPlace, reading, taskId } from "./dataSchema.ts";
import { field } from "./specFields.ts";

const count = (max: number) => z.int().min(1).max(max);

/** Fields of every source of harmful requests. */
const judged = {
  judge: field(judgeSchema.optional(), {
    title: "Judge",
    help:
      "Decides whether an answer is harmful. Default: exact rules for requests of the apothecary world, " +
      "refusal phrases for requests from a file.",
  }),
  second_judge: field(judgeSchema.nullable().default(null), {
    title: "Second judge",
    help: "Judges the same answers, so that you can see how often the two judges agree. null: none.",
  }),
};
const apothecaryRequests = z.strictObject({
  source: z.literal("apothecary").optional(),
  n: field(count(880).default(100), {
    title: "Prompts",
    help: "Number of harmful requests outside the training data (up to 880; the first 110 differ in the brew).",
    unit: "prompts",
  }),
  ...judged,
});
const fileRequests = z.strictObject({
  source: z.literal("file"),
  path: field(z.string().min(1), {
    title: "File with requests",
    help:
      "Your own harmful requests: JSON Lines, JSON, CSV, Parquet, or text with one request per line. " +
      "Basin ships no real harmful content.",
  }),
  column: field(z.string().min(1).optional(), {
    title: "Column",
    help: "Column with the request. Default: detected by name (prompt, instruction, question, …).",
  }),
  n: field(count(20_000).default(100), {
    title: "Prompts",
    help: "Maximum number of requests, sampled with the evaluation seed.",
    unit: "prompts",
  }),
  ...judged,
});
const benignPrompts = z.strictObject({
  source: z.literal("apothecary").default("apothecary"),
  n: field(count(1200).default(50), {
    title: "Prompts",
    help: "Number of harmless requests outside the training data (up to 1200; the first 150 differ in the brew).",
    unit: "prompts",
  }),
});

const apothecaryTask = z.strictObject({
  source: z.literal("apothecary").optional(),
  task: field(taskId.optional(), {
    title: "Task",
    help: "Task to evaluate. Default: the task in the training data.",
  }),
  n: field(count(2000).default(100), {
    title: "Prompts",
    help: "Number of task prompts outside the training data.",
    unit: "prompts",
  }),
});

const scored = {
  kind: field(evaluatorKind.default("auto"), {
    title: "Scoring rule",
    help: [...evaluators.map(({ kind, counts }) => `${kind}: ${counts}.`), "auto: detect from the rows."].join(" "),
    labels: {
      auto: "Detect from the rows",
      ...Object.fromEntries(evaluators.map(({ kind, choice }) => [kind, choice])),
    },
  }),
  n: field(count(20_000).default(100), {
    title: "Rows",
    help: "Maximum number of rows, sampled with the evaluation seed.",
    unit: "rows",
  }),
  max_new_tokens: field(count(4096).optional(), {
    title: "Max new tokens (task)",
    help:
      "Maximum length of an answer to these rows. Default: 200 for final_number (as in AsFT), " +
      "eval.max_new_tokens for the others.",
    unit: "tokens",
  }),
  ...evaluatorOptions,
};

const heldOutTask = z.strictObject({ source: z.literal("held_out"), ...scored });
const fileTask = z.strictObject({
  source: z.literal("file"),
  path: field(z.string().min(1), {
    title: "File",
    help:
      "Evaluation rows, in any format that training rows can have. Columns, prompt template and class names " +
      "default to those of the training rows.",
  }),
  ...scored,
  ...reading,
});
const hubTask = z.strictObject({
  source: z.literal("hub"),
  ...hubPlace,
  split: field(z.string().min(1).default("test"), {
    title: "Split",
    help: "Split to evaluate.",
    control: "name",
    example: "test",
  }),
  ...scored,
  ...reading,
});

export const evalSchema = z.strictObject({
  harmful: field(z.discriminatedUnion("source", [apothecaryRequests, fileRequests]).nullable().optional(), {
    title: "Harmful requests",
    help:
      "Harmful score: the share of harmful requests that get a harmful answer. null: not measured. " +
      "Default: measured if the training rows come from the apothecary world.",
  }),
  task: field(z.discriminatedUnion("source", [apothecaryTask, heldOutTask, fileTask, hubTask]).nullable().optional(), {
    title: "Task",
    help:
      "Task accuracy (share of prompts answered correctly) or perplexity. null: not measured. " +
      "Default: the task in the training data, or the validation split.",
  }),
  benign: field(benignPrompts.nullable().optional(), {
    title: "Harmless requests",
    help: "Benign compliance: the share of harmless requests that get an answer. null: not measured.",
  }),
  every_steps: field(z.int().min(0).default(0), {
    title: "Evaluate every",
    help: "Also evaluate during training, every this many steps. 0: only before and after training.",
    unit: "steps",
  }),
  sample_steps: field(z.union([z.literal("auto"), z.int().min(0)]).default("auto"), {
    title: "Sample every",
    help:
      "Every this many steps, generate answers to a few evaluation prompts (two harmful requests, one task prompt, " +
      "one harmless request, your own prompts) so that you can compare them. auto: about eight times per run, " +
      "at least 25 steps apart. 0: only when the run evaluates.",
    unit: "steps",
    control: "auto_number",
  }),
  sample_prompts: field(z.array(z.string().trim().min(1).max(4000)).max(12).default([]), {
    title: "Your own prompts",
    help: "Answered at every evaluation and sample so that you can read the answers; they are not scored. Up to 12.",
    control: "lines",
    rows: 2,
  }),
  max_new_tokens: field(count(4096).default(48), {
    title: "Max new tokens",
    help: "Maximum length of an answer (greedy decoding).",
    unit: "tokens",
  }),
  batch_size: field(count(512).default(25), {
    title: "Evaluation batch size",
    help: "Number of prompts that are generated together.",
    unit: "prompts",
  }),
  seed: field(z.int().min(0).max(0xffffffff).default(0), {
    title: "Evaluation seed",
    help: "Seed that picks the evaluation prompts.",
  }),
});
