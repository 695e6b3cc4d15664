/** @file Plain supervised fine-tuning: the method that adds nothing. Every other method is compared with it. */

import { z } from "zod";
import { defineMethod } from "./method.ts";

export const sft = defineMethod({
  name: "sft",
  title: "SFT",
  kind: "loss",
  summary: "Plain fine-tuning: masked cross-entropy on the responses, nothing else.",
  about:
    "Cross-entropy on the answers of the rows, averaged over all labelled tokens of a step; nothing holds the update. It is the baseline that every other method is compared with, at the same rows, adapter and schedule.",
  citation: null,
  evidence: { grade: "primary code", note: "The baseline of every paper in the lab." },
  cautions: ["A few harmful rows in the data are enough to undo a model's refusals."],
  parameters: [],
  schema: z.strictObject({ name: z.literal("sft") }),
  lambda: () => 0,
  needsUnaligned: () => false,
  anchorBytes: () => 0,
  prepare: () =>
    Promise.resolve({
      lambda: 0,
      anchorBytes: 0,
      dispatches: [],
      log: () => Promise.resolve({}),
      destroy: () => undefined,
    }),
});
