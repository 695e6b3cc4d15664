/**
 * @file SafeInstr, safety-tuned fine-tuning (arXiv 2309.07875): the loss stays, the data gets a few safety demonstrations.
 *
 * Harmful requests with refusals as answers are appended to the user's rows, and shuffled with them where these are
 * shuffled. An epoch grows by as many rows. With no such row the run is plain fine-tuning, bit for bit.
 */

import { z } from "zod";
import { defineMethod, idle, safetyRowsField, safetyRowsParameter } from "./method.ts";

const schema = z.strictObject({
  name: z.literal("safe_instr"),
  amount: z.enum(["share", "count"]).default("share").meta({
    title: "Amount as",
    description: "share: so many safety rows per row of the user. count: a number of rows.",
  }),
  safety_share: z.number().min(0).max(1).default(0.03).meta({
    title: "Share",
    description: "Safety rows per row of the user, rounded (amount share). The paper finds about 3 % enough.",
  }),
  safety_count: z
    .int()
    .min(0)
    .max(100_000)
    .default(100)
    .meta({ title: "Number", description: "Safety rows (amount count).", unit: "rows" }),
  safety_rows: safetyRowsField,
});

export type SafeInstrOptions = z.output<typeof schema>;

export const safeInstr = defineMethod({
  name: "safe_instr",
  title: "SafeInstr",
  kind: "rows",
  summary: "Plain fine-tuning on the user's rows and a few more: harmful requests that are refused.",
  about:
    "The loss stays as it is; the rows get company. A few safety demonstrations, harmful requests with refusals as answers, are appended to the user's rows and shuffled with them, so that an epoch is longer by as many rows. The paper adds 100 to 2000 of them to 20 000 instructions and finds about 3 % enough.",
  citation: {
    text: "Safety-Tuned LLaMAs: Lessons From Improving the Safety of Large Language Models that Follow Instructions, ICLR 2024, arXiv 2309.07875",
    url: "https://arxiv.org/abs/2309.07875",
  },
  evidence: {
    grade: "primary code",
    note: "Data and settings from the released repository; how many rows the AsFT paper used is not known.",
  },
  cautions: [
    "Too many safety rows make a model refuse harmless requests; read benign compliance beside the harmful score.",
    "In the apothecary world the safety rows name other brews than any evaluation or harmful row, but of the same kinds as the evaluation's: a favourable case.",
    "It assumes that who fine-tunes the model wants it safe: rows can be left out.",
  ],
  parameters: [
    {
      name: "amount",
      title: "Amount as",
      help: "A share of the user's rows, or a number.",
      default: "share",
      range: { choices: ["share", "count"] },
    },
    {
      name: "safety_share",
      title: "Share",
      help: "About 3 % suffices in the paper.",
      default: 0.03,
      range: { min: 0, max: 1, scale: "linear" },
      when: { name: "amount", value: "share" },
    },
    {
      name: "safety_count",
      title: "Number",
      help: "Safety rows.",
      default: 100,
      range: { min: 0, max: 2000, scale: "linear" },
      when: { name: "amount", value: "count" },
    },
    safetyRowsParameter,
  ],
  schema,
  lambda: () => 0,
  needsUnaligned: () => false,
  anchorBytes: () => 0,
  safety: ({ amount, safety_share, safety_count, safety_rows }) => ({
    use: "mixed",
    amount: amount === "share" ? { share: safety_share } : { count: safety_count },
    file: safety_rows,
    triggered: false,
  }),
  prepare: () => Promise.resolve(idle(() => Promise.resolve({}))),
});
