/**
 * @file The schema of an experiment: names, defaults, ranges and explanations, in one place.
 *
 * Field names follow PEFT (LoraConfig) and transformers (TrainingArguments) where these have the option. Objects are
 * strict: an unknown field is an error. The lab's form, share links, the command line and the PyTorch replay all read
 * this document; `resolveSpec` in spec.ts fills in defaults that depend on other fields.
 */
import { z } from "../../base/zod.ts";
import { methodSchema } from "../../methods/registry.ts";
import { dataSchema } from "./dataSchema.ts";
import { evalSchema } from "./evalSchema.ts";
import { QUANTIZATIONS } from "../run/quantization.ts";
import { field } from "./specFields.ts";

/** Version of the document; raised when an older Basin would misread a newer document. */
export const SPEC_VERSION = 1;

export const BUNDLED_ALIGNED = "apothecary-aligned";
export const BUNDLED_UNALIGNED = "apothecary-base";

const modelName = z.string().min(1);
const count = (max: number) => z.int().min(1).max(max);

const modelSchema = z.strictObject({
  aligned: field(modelName.default(BUNDLED_ALIGNED), {
    title: "Aligned model",
    help:
      "The model to fine-tune: a bundled name, or a folder in Hugging Face layout " +
      "(config.json, model.safetensors, tokenizer.json).",
  }),
  unaligned: field(modelName.nullable().optional(), {
    title: "Unaligned model",
    help:
      "The same model before alignment, usually the base model; the alignment direction is aligned − unaligned. " +
      "Only methods that use the direction need it. Default: apothecary-base for apothecary-aligned, or else none.",
  }),
  quantization: field(z.enum(QUANTIZATIONS).nullable().default(null), {
    title: "Quantisation",
    help:
      "Quantise the frozen linear layers to 8 bits (int8, one scale per row) or 4 bits (NF4, one scale per " +
      "64 elements, as in QLoRA) to save device memory. Embeddings, norms and biases are not quantised. " +
      "The alignment direction always uses the original weights.",
    labels: { null: "Not quantised", int8: "int8 (8 bits)", nf4: "NF4 (4 bits)" },
  }),
  bnb_4bit_use_double_quant: field(z.boolean().default(false), {
    title: "Double quantisation",
    help: "Also quantise the NF4 scales to 8 bits: 4.13 instead of 4.5 bits per element. NF4 only.",
  }),
});

const loraSchema = z.strictObject({
  r: field(count(512).default(8), {
    title: "Rank (r)",
    help: "Rank of the update B·A of each target module.",
    scale: "log",
  }),
  lora_alpha: field(z.number().positive().default(32), {
    title: "LoRA alpha",
    help: "Scaling factor. The model computes W·x + (lora_alpha / r)·B·A·x.",
    scale: "log",
  }),
  lora_dropout: field(z.number().min(0).max(0.95).default(0.05), {
    title: "LoRA dropout",
    help: "Probability that an input of A is set to 0 in a training step.",
  }),
  target_modules: field(z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]).default(["q_proj", "v_proj"]), {
    title: "Target modules",
    help:
      'Linear modules to adapt: a list of names, "all-linear", or a regular expression that matches the ' +
      "full module path, as in PEFT.",
    control: "modules",
  }),
  use_rslora: field(z.boolean().default(false), {
    title: "rsLoRA",
    help: "Scale the update by lora_alpha / √r instead of lora_alpha / r.",
  }),
  rank_pattern: field(z.record(z.string().min(1), count(512)).default({}), {
    title: "Rank pattern",
    help:
      'Different ranks for some modules, as in PEFT: {"down_proj": 4}. Keys are module names or regular expressions ' +
      "that match the end of the path; the first match applies.",
    control: "pattern",
  }),
  alpha_pattern: field(z.record(z.string().min(1), z.number().positive()).default({}), {
    title: "Alpha pattern",
    help: "Different values of lora_alpha for some modules, written like the rank pattern.",
    control: "pattern",
  }),
  init_adapter: field(z.string().min(1).nullable().default(null), {
    title: "Continue from adapter",
    help:
      "PEFT adapter to continue training: a folder, owner/name on the Hub, or an address. Target modules, ranks and " +
      "scales must match it. Empty: start a new adapter (A random, B zero).",
  }),
});

const trainSchema = z.strictObject({
  learning_rate: field(z.number().min(0).default(5e-5), {
    title: "Learning rate",
    help: "Peak learning rate of AdamW.",
    scale: "log",
  }),
  num_train_epochs: field(z.number().positive().default(10), {
    title: "Epochs",
    help: "Number of passes over the training rows. Can be a fraction.",
    unit: "epochs",
  }),
  max_steps: field(z.int().min(-1).default(-1), {
    title: "Max steps",
    help: "Number of optimiser steps; overrides epochs. −1: train for the given epochs.",
    unit: "steps",
  }),
  per_device_train_batch_size: field(count(4096).default(8), {
    title: "Batch size",
    help: "Rows per forward and backward pass.",
    unit: "rows",
  }),
  gradient_accumulation_steps: field(count(4096).default(1), {
    title: "Gradient accumulation",
    help: "Passes whose gradients are accumulated before an optimiser step.",
    unit: "passes",
  }),
  lr_scheduler_type: field(z.enum(["constant", "linear", "cosine", "step_per_epoch"]).default("step_per_epoch"), {
    title: "LR schedule",
    help:
      "Learning rate after warmup: constant, linear or cosine decay to 0, or step_per_epoch " +
      "(multiply by lr_gamma after each epoch).",
    labels: { constant: "Constant", linear: "Linear", cosine: "Cosine", step_per_epoch: "Step per epoch" },
  }),
  lr_gamma: field(z.number().min(0).default(0.85), {
    title: "LR gamma",
    help: "Factor applied to the learning rate after each epoch (step_per_epoch only).",
  }),
  warmup_steps: field(z.int().min(0).default(0), {
    title: "Warmup steps",
    help: "Steps over which the learning rate rises linearly from 0.",
    unit: "steps",
  }),
  weight_decay: field(z.number().min(0).default(0), {
    title: "Weight decay",
    help: "Decoupled weight decay of A and B (AdamW).",
  }),
  max_grad_norm: field(z.number().min(0).default(0), {
    title: "Max grad norm",
    help: "Clip gradients to this global norm. 0: no clipping.",
  }),
  adam_beta1: field(z.number().min(0).lt(1).default(0.9), {
    title: "Adam beta1",
    help: "Decay rate of the gradient average.",
  }),
  adam_beta2: field(z.number().min(0).lt(1).default(0.999), {
    title: "Adam beta2",
    help: "Decay rate of the squared-gradient average.",
  }),
  gradient_checkpointing: field(z.union([z.literal("auto"), z.boolean()]).default("auto"), {
    title: "Gradient checkpointing",
    help:
      "Recompute each layer in the backward pass instead of storing its activations: much less memory, about a " +
      "third more time, identical results. auto: only if the run would not fit otherwise.",
    labels: { auto: "If needed", true: "Always", false: "Never" },
    control: "auto_switch",
  }),
  memory_budget_gb: field(z.number().positive().nullable().default(null), {
    title: "Memory budget",
    help:
      "Device memory that the run may use. Default: 6 GiB on a GPU (WebGPU does not report its memory), " +
      "three quarters of system memory on a software adapter.",
    unit: "GiB",
  }),
  save_steps: field(z.int().min(0).max(1_000_000).default(50), {
    title: "Save every",
    help:
      "Steps between two saved states. An interrupted run (closed tab, lost GPU) resumes from the last one with " +
      "identical results; on the command line, with basin run --resume. 0: do not save.",
    unit: "steps",
  }),
  adam_epsilon: field(z.number().positive().default(1e-8), {
    title: "Adam epsilon",
    help: "Added to the denominator for numerical stability.",
  }),
  seed: field(z.int().min(0).max(0xffffffff).default(42), {
    title: "Seed",
    help: "Seed for the initial A, the order of the rows, dropout, and the rows of the apothecary world.",
  }),
});

export const specSchema = z.strictObject({
  version: z
    .literal(SPEC_VERSION, { error: `this version of Basin reads version ${SPEC_VERSION}` })
    .default(SPEC_VERSION),
  name: field(z.string().max(200).optional(), { title: "Name", help: "Your name for this experiment." }),
  model: modelSchema.prefault({}),
  data: dataSchema.prefault({}),
  lora: loraSchema.prefault({}),
  method: methodSchema.prefault({ name: "asft" }),
  train: trainSchema.prefault({}),
  eval: evalSchema.prefault({}),
});
