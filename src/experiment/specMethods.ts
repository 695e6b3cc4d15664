/** @file The methods' part of the spec: one strict object per method, told apart by `name`. */
import { z } from "zod";
import { field } from "./specFields.ts";

export const sftSchema = z.strictObject({
  name: z.literal("sft"),
});

export const asftSchema = z.strictObject({
  name: z.literal("asft"),
  lambda: field(z.number().min(0).default(1), {
    title: "lambda",
    help: "Weight of the penalty: loss = cross-entropy + lambda × penalty. 0 is plain fine-tuning.",
    scale: "log",
  }),
  projector: field(z.enum(["safe_lora", "rank", "flat", "none"]).default("safe_lora"), {
    title: "Projector",
    help: "What counts as the alignment direction of a matrix V = W_aligned − W_unaligned. safe_lora: V·Vᵀ/‖V‖, the published code (not a true projector). rank: exact projector on the first left singular vectors. flat: V as one vector. none: plain L2 on B·A, the ablation.",
  }),
  rank: field(z.int().min(1).default(8), {
    title: "Projector rank",
    help: "Number of left singular vectors of V that stay free (projector rank only).",
  }),
  penalty_scale: field(z.enum(["published", "effective"]).default("published"), {
    title: "Penalty on",
    help: "published: the penalty acts on B·A, as in the released code. effective: on (alpha/r)·B·A, the update that the model really gets.",
  }),
});

export const safeLoraSchema = z.strictObject({
  name: z.literal("safe_lora"),
  select_layers_type: field(z.enum(["number", "threshold"]).default("number"), {
    title: "Choose modules by",
    help: "number: project the num_proj_layers modules with the smallest cosine. threshold: project those whose cosine is at most the threshold.",
  }),
  num_proj_layers: field(z.int().min(0).default(10), {
    title: "Modules to project",
    help: "How many targeted matrices are projected (number mode).",
  }),
  threshold: field(z.number().min(-1).max(1).default(0.5), {
    title: "Threshold",
    help: "Cosine between the update and its projection, at or below which a module is projected (threshold mode).",
  }),
});

export const methodSchema = z.discriminatedUnion("name", [sftSchema, asftSchema, safeLoraSchema]);
export type MethodSpec = z.infer<typeof methodSchema>;
