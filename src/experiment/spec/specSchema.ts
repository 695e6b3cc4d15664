/**
 * @file The schema of an experiment: names, defaults, ranges and explanations, in one place.
 *
 * Names are those of PEFT (LoraConfig) and transformers (TrainingArguments) where these have one. Objects are strict: a
 * field that is not here is an error. The form of the lab, share links, the command line and the PyTorch replay all
 * read this document; `resolveSpec` in spec.ts fills in what depends on other fields.
 */
import { z } from "zod";
import { methodSchema } from "../../methods/registry.ts";
import { dataSchema } from "./dataSchema.ts";
import { evalSchema } from "./evalSchema.ts";
import { QUANTIZATIONS } from "../run/quantization.ts";
import { field } from "./specFields.ts";

/** Version of the document; raised when an old reader would misread a new document. */
export const SPEC_VERSION = 1;

export const BUNDLED_ALIGNED = "apothecary-aligned";
export const BUNDLED_UNALIGNED = "apothecary-base";

const modelName = z.string().min(1);
const count = (most: number) => z.int().min(1).max(most);

const modelSchema = z.strictObject({
  aligned: field(modelName.default(BUNDLED_ALIGNED), {
    title: "Aligned model",
    help: "The model that is fine-tuned: a bundled name, or a folder in Hugging Face layout (config.json, model.safetensors, tokenizer.json).",
  }),
  unaligned: field(modelName.nullable().optional(), {
    title: "Unaligned model",
    help: "The model before alignment; the alignment direction is aligned − unaligned. Needed by methods that use the direction. apothecary-base beside apothecary-aligned, else none.",
  }),
  quantization: field(z.enum(QUANTIZATIONS).nullable().default(null), {
    title: "Quantised weights",
    help: "Keep the layers' frozen matrices in 8 bits (int8, one scale a row) or 4 bits (NF4, one scale for 64 elements, as QLoRA) to save device memory. Embeddings, norms and biases stay as stored; the alignment direction is always taken from the weights as stored.",
  }),
  bnb_4bit_use_double_quant: field(z.boolean().default(false), {
    title: "Double quantisation",
    help: "Keep the scales of nf4 in 8 bits too: 4.13 instead of 4.5 bits an element. nf4 only.",
  }),
});

const loraSchema = z.strictObject({
  r: field(count(512).default(8), {
    title: "Rank r",
    help: "Rank of the update B·A of each targeted matrix.",
    scale: "log",
  }),
  lora_alpha: field(z.number().positive().default(32), {
    title: "lora_alpha",
    help: "Strength of the update: the model computes W·x + (lora_alpha / r)·B·A·x.",
    scale: "log",
  }),
  lora_dropout: field(z.number().min(0).max(0.95).default(0.05), {
    title: "Dropout",
    help: "Share of the inputs of A that is zeroed in each training step.",
  }),
  target_modules: field(z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]).default(["q_proj", "v_proj"]), {
    title: "Target modules",
    help: 'Which linear modules get an update: a list of names, "all-linear", or a regular expression over the whole path, as in PEFT.',
  }),
  use_rslora: field(z.boolean().default(false), {
    title: "rsLoRA",
    help: "Scale by lora_alpha / √r instead of lora_alpha / r.",
  }),
  rank_pattern: field(z.record(z.string().min(1), count(512)).default({}), {
    title: "Ranks by module",
    help: "Other ranks for some modules, as in PEFT: a name or a regular expression over the end of the path, and its rank. The first that matches counts.",
  }),
  alpha_pattern: field(z.record(z.string().min(1), z.number().positive()).default({}), {
    title: "lora_alpha by module",
    help: "Other values of lora_alpha for some modules, as in PEFT, likewise.",
  }),
  init_adapter: field(z.string().min(1).nullable().default(null), {
    title: "Start from adapter",
    help: "PEFT adapter (a folder, owner/name of the hub, or an address) whose A and B training starts from; modules, ranks and scales must be the adapter's. Otherwise A is random (from the seed) and B is zero.",
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
    help: "Passes over the rows; may be a fraction.",
    unit: "epochs",
  }),
  max_steps: field(z.int().min(-1).default(-1), {
    title: "Most steps",
    help: "If above 0, the number of optimiser steps, whatever num_train_epochs says; −1 for no such limit.",
    unit: "steps",
  }),
  per_device_train_batch_size: field(count(4096).default(8), {
    title: "Batch size",
    help: "Rows in one pass over the model.",
    unit: "rows",
  }),
  gradient_accumulation_steps: field(count(4096).default(1), {
    title: "Accumulation",
    help: "Passes whose gradients are added up before one optimiser step.",
    unit: "passes",
  }),
  lr_scheduler_type: field(z.enum(["constant", "linear", "cosine", "step_per_epoch"]).default("step_per_epoch"), {
    title: "Schedule",
    help: "How the learning rate goes after the warm-up: constant, linear or cosine to 0, or times lr_gamma after each epoch.",
  }),
  lr_gamma: field(z.number().min(0).default(0.85), {
    title: "lr_gamma",
    help: "Factor after each epoch (step_per_epoch only).",
  }),
  warmup_steps: field(z.int().min(0).default(0), {
    title: "Warm-up",
    help: "Steps in which the learning rate rises linearly from 0.",
    unit: "steps",
  }),
  weight_decay: field(z.number().min(0).default(0), {
    title: "Weight decay",
    help: "Decoupled decay of A and B (AdamW).",
  }),
  max_grad_norm: field(z.number().min(0).default(0), {
    title: "Gradient clipping",
    help: "Largest norm of all gradients together; 0 for no clipping.",
  }),
  adam_beta1: field(z.number().min(0).lt(1).default(0.9), {
    title: "adam_beta1",
    help: "Decay of the mean of the gradients.",
  }),
  adam_beta2: field(z.number().min(0).lt(1).default(0.999), {
    title: "adam_beta2",
    help: "Decay of the mean of the squared gradients.",
  }),
  gradient_checkpointing: field(z.union([z.literal("auto"), z.boolean()]).default("auto"), {
    title: "Recompute layers",
    help: "Compute each layer again in the reverse pass instead of keeping its activations (gradient checkpointing): far less memory, about a third more time, the same numbers. auto: only when the run would not fit otherwise.",
  }),
  memory_budget_gb: field(z.number().positive().nullable().default(null), {
    title: "Memory budget",
    help: "Device memory that the run may take. Not given: 6 GiB on a GPU, whose size WebGPU does not tell; three quarters of the machine's memory on a software adapter.",
    unit: "GiB",
  }),
  save_steps: field(z.int().min(0).max(1_000_000).default(50), {
    title: "Checkpoint every",
    help: "Steps between two checkpoints, from which the run goes on exactly after an interruption (a closed tab, a lost GPU; basin run --resume); 0 for none. Changes no number.",
    unit: "steps",
  }),
  adam_epsilon: field(z.number().positive().default(1e-8), {
    title: "adam_epsilon",
    help: "Added to the root of the squared-gradient mean.",
  }),
  seed: field(z.int().min(0).max(0xffffffff).default(42), {
    title: "Seed",
    help: "Start of A, order of the rows, dropout, and the rows of the apothecary world.",
  }),
});

export const specSchema = z.strictObject({
  version: z.literal(SPEC_VERSION, { error: `this Basin reads version ${SPEC_VERSION}` }).default(SPEC_VERSION),
  name: field(z.string().max(200).optional(), { title: "Name", help: "What you call this experiment." }),
  model: modelSchema.prefault({}),
  data: dataSchema.prefault({}),
  lora: loraSchema.prefault({}),
  method: methodSchema.prefault({ name: "asft" }),
  train: trainSchema.prefault({}),
  eval: evalSchema.prefault({}),
});
