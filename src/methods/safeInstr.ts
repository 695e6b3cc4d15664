/**
 * @file SafeInstr, safety-tuned fine-tuning (arXiv 2309.07875): the loss stays, the data gets a few safety
 * demonstrations.
 *
 * Harmful requests with refusals as answers are appended to the user's rows, and shuffled with them where these are
 * shuffled. An epoch grows by as many rows. With no such row the run is plain fine-tuning, bit for bit.
 */

import { z } from "../base/zod.ts";
import { setting } from "../base/format.ts";
import { CROSS_ENTROPY, i, o, paren, row, sub, text } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";
import { FAVOURABLE_CASE, safetyRowsOption } from "./safetyRowsOption.ts";

const schema = z.strictObject({
  name: z.literal("safe_instr"),
  amount: option(z.enum(["share", "count"]).default("share"), {
    title: "Amount given as",
    description: "share: a share of the number of the user's rows. count: a number of rows.",
    choices: { share: "a share", count: "a number" },
  }),
  safety_share: option(z.number().min(0).max(1).default(0.03), {
    title: "Share",
    description: "Safety rows as a share of the user's rows, rounded (amount share). The paper finds about 3 % enough.",
    when: { name: "amount", value: "share" },
  }),
  safety_count: option(z.int().min(0).max(100_000).default(100), {
    title: "Number",
    description: "Safety rows (amount count).",
    unit: "rows",
    when: { name: "amount", value: "count" },
  }),
  safety_rows: safetyRowsOption(),
});

export const safeInstr = defineMethod({
  name: "safe_instr",
  title: "SafeInstr",
  kind: "rows",
  summary: "Plain fine-tuning on the user's rows and a few safety rows: harmful requests with refusals.",
  about:
    "The loss does not change; the data does. A few safety demonstrations, harmful requests with refusals as " +
    "answers, are appended to the user's rows and shuffled with them, so an epoch is longer by that many rows. The " +
    "paper adds 100 to 2000 of them to 20 000 instructions and finds about 3 % enough.",
  citation: {
    text:
      "Safety-Tuned LLaMAs: Lessons From Improving the Safety of Large Language Models that Follow Instructions, " +
      "ICLR 2024, arXiv 2309.07875",
    url: "https://arxiv.org/abs/2309.07875",
  },
  evidence: {
    grade: "primary code",
    note: "Data and settings from the released repository; how many rows the AsFT paper used is not known.",
  },
  cautions: [
    "Too many safety rows make a model refuse harmless requests: look at Harmless answered beside the harmful score.",
    FAVOURABLE_CASE,
    "It assumes that whoever fine-tunes the model wants it to be safe: the safety rows can simply be left out.",
  ],
  marks: [{ id: "safe-instr", light: "#567944", dark: "#90db8f", shape: "down" }],
  schema,
  settings: ({ amount, safety_share, safety_count }) =>
    `${amount === "share" ? `${setting(100 * safety_share)} %` : safety_count} safety rows`,
  formula: () => ({
    label: "Loss is cross-entropy over the user's rows together with safety rows of harmful requests and refusals",
    formula: row(
      i("L"),
      o("="),
      CROSS_ENTROPY,
      paren(
        sub(i("D"), text("user")),
        o("∪"),
        o("{"),
        paren(sub(i("x"), text("harmful")), o(","), sub(i("y"), text("refusal"))),
        o("}"),
      ),
    ),
    letters: "D: rows. Each epoch goes through both, shuffled together.",
  }),
  replay: { module: null, files: {} },
  rows: ({ amount, safety_share, safety_count, safety_rows }) => ({
    safety: {
      amount: amount === "share" ? { share: safety_share } : { count: safety_count },
      file: safety_rows,
      use: { kind: "mixed", triggered: false },
    },
  }),
});
