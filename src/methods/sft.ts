/** @file Plain supervised fine-tuning: the method that adds nothing. Every other method is compared with it. */

import { z } from "../base/zod.ts";
import { frac, i, lines, n, o, paren, row, space, sub, under } from "./formula.ts";
import { defineMethod } from "./method.ts";

const token = sub(i("y"), i("t"));
const earlier = sub(i("y"), row(o("<"), i("t")));

export const sft = defineMethod({
  name: "sft",
  title: "SFT",
  kind: "loss",
  summary: "Plain fine-tuning: masked cross-entropy on the responses, nothing else.",
  about:
    "Cross-entropy on the answers, averaged over all labelled tokens of a step, with no constraint on the update. It " +
    "is the baseline: every other method is compared with it on the same rows, adapter and schedule.",
  citation: null,
  evidence: { grade: "primary code", note: "The baseline of every paper in the lab." },
  cautions: ["A few harmful rows in the data are enough to undo a model's refusals."],
  marks: [{ id: "sft", light: "#5b6065", dark: "#adb5b9", shape: "circle" }],
  schema: z.strictObject({ name: z.literal("sft") }),
  settings: () => "no penalty",
  formula: () => ({
    label: "Loss is the negative mean log-probability of the answers' tokens",
    formula: lines([
      row(
        i("L"),
        o("="),
        o("−"),
        frac(n("1"), i("N")),
        under(o("∑"), i("t")),
        i("log"),
        space(),
        i("p"),
        paren(token, o("|"), earlier, o(","), i("x")),
      ),
    ]),
    letters: "x: the prompt; y: its answer; N: labelled tokens of the step.",
  }),
  replay: { module: null, files: {} },
});
