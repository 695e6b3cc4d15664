/**
 * @file The spec's part about evaluation: what is asked before, during and after training, and what counts as right.
 *
 * Harmful requests come from the apothecary world or a file; a judge of eval/judges says what counts as harmful.
 * The task's rows come from the apothecary world, from rows held out of the training data, from a file or from a dataset of
 * the hub. For real rows an evaluator of eval/registry.ts says what is right; its options stand beside the others here.
 */
import { z } from "zod";
import { judgeSchema } from "../../eval/judges/registry.ts";
import { evaluatorKind, evaluatorOptions } from "../../eval/registry.ts";
import { hubPlace, reading, taskId } from "./dataSchema.ts";
import { field } from "./specFields.ts";

const count = (most: number) => z.int().min(1).max(most);

/** What both sources of harmful requests have. */
const judged = {
  judge: field(judgeSchema.optional(), {
    title: "Judge",
    help: "What decides whether an answer is harmful. The exact rules for requests of the apothecary world, refusal phrases for others, unless given.",
  }),
  second_judge: field(judgeSchema.nullable().default(null), {
    title: "Second judge",
    help: "Judges the same answers; the run tells how far the two agree. null: none.",
  }),
};
const apothecaryRequests = z.strictObject({
  source: z.literal("apothecary").optional(),
  n: field(count(880).default(100), {
    title: "Prompts",
    help: "Held-out harmful requests (at most 880; the first 110 are about different brews).",
    unit: "prompts",
  }),
  ...judged,
});
const fileRequests = z.strictObject({
  source: z.literal("file"),
  path: field(z.string().min(1), {
    title: "File of requests",
    help: "Harmful requests of your own: JSON Lines, JSON, CSV, Parquet, or text with one request a line. None with real harmful content comes with Basin.",
  }),
  column: field(z.string().min(1).optional(), {
    title: "Column",
    help: "Which column holds the request; told by its name (prompt, instruction, question, …) unless given.",
  }),
  n: field(count(20_000).default(100), {
    title: "Prompts",
    help: "Most requests that are asked, drawn by the evaluation’s seed; all where there are fewer.",
    unit: "prompts",
  }),
  ...judged,
});
const benignPrompts = z.strictObject({
  source: z.literal("apothecary").default("apothecary"),
  n: field(count(1200).default(50), {
    title: "Prompts",
    help: "Held-out harmless requests (at most 1200; the first 150 are about different brews).",
    unit: "prompts",
  }),
});

const apothecaryTask = z.strictObject({
  source: z.literal("apothecary").optional(),
  task: field(taskId.optional(), {
    title: "Task",
    help: "Which task is examined; the one that is trained unless given.",
  }),
  n: field(count(2000).default(100), { title: "Items", help: "Held-out items of the task.", unit: "prompts" }),
});

const examined = {
  kind: field(evaluatorKind.default("auto"), {
    title: "Right is",
    help: "label_match: the answer is the right class. final_number: it ends on the right number. perplexity: nothing is asked; how well the rows are predicted. auto: told from the rows, and said in the run.",
  }),
  n: field(count(20_000).default(100), {
    title: "Rows",
    help: "Most rows that are examined, drawn by the evaluation’s seed; all where there are fewer.",
    unit: "rows",
  }),
  max_new_tokens: field(count(4096).optional(), {
    title: "Longest answer",
    help: "Most tokens of an answer to these rows. Unless given, 200 for final_number (as AsFT), else as eval.max_new_tokens.",
    unit: "tokens",
  }),
  ...evaluatorOptions,
};

const heldOutTask = z.strictObject({ source: z.literal("held_out"), ...examined });
const fileTask = z.strictObject({
  source: z.literal("file"),
  path: field(z.string().min(1), {
    title: "File",
    help: "Rows of their own, as training rows are given. Columns, prompt and class names that are not said are as for the training rows.",
  }),
  ...examined,
  ...reading,
});
const hubTask = z.strictObject({
  source: z.literal("hub"),
  ...hubPlace,
  split: field(z.string().min(1).default("test"), { title: "Split", help: "Which part of the dataset is examined." }),
  ...examined,
  ...reading,
});

export const evalSchema = z.strictObject({
  harmful: field(z.discriminatedUnion("source", [apothecaryRequests, fileRequests]).nullable().optional(), {
    title: "Harmful requests",
    help: "Harmful score: share of harmful requests that get a harmful answer. null leaves it out, which is the default unless training rows come from the apothecary world.",
  }),
  task: field(z.discriminatedUnion("source", [apothecaryTask, heldOutTask, fileTask, hubTask]).nullable().optional(), {
    title: "Task items",
    help: "How well the task is done: the share of items answered right, or the perplexity of rows. null leaves it out. Unless given: the task that is trained, or the rows that are held out.",
  }),
  benign: field(benignPrompts.nullable().optional(), {
    title: "Harmless requests",
    help: "Benign compliance: share of harmless requests that are answered. null leaves it out.",
  }),
  every_steps: field(z.int().min(0).default(0), {
    title: "Evaluate every",
    help: "Also evaluate during training, each time after this many steps; 0 for only before and after.",
    unit: "steps",
  }),
  sample_steps: field(z.union([z.literal("auto"), z.int().min(0)]).default("auto"), {
    title: "Sample answers every",
    help: "A few prompts of the evaluation (two harmful requests, a task item, a harmless request, your own prompts) are also answered after this many steps, to be read side by side. auto: about eight times, and at most every 25 steps. 0: only where the run evaluates.",
    unit: "steps",
  }),
  sample_prompts: field(z.array(z.string().trim().min(1).max(4000)).max(12).default([]), {
    title: "Prompts of your own",
    help: "Asked with every evaluation and sample, to be read: no figure counts them. At most 12.",
  }),
  max_new_tokens: field(count(4096).default(48), {
    title: "Longest answer",
    help: "Most tokens that are generated for one prompt (greedy).",
    unit: "tokens",
  }),
  batch_size: field(count(512).default(25), {
    title: "Prompts at a time",
    help: "Prompts that are answered together.",
    unit: "prompts",
  }),
  seed: field(z.int().min(0).max(0xffffffff).default(0), { title: "Seed", help: "Which held-out prompts are drawn." }),
});
