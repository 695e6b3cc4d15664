/**
 * @file The sections of the setup form and the order of their fields. Titles, units, ranges and defaults of the fields
 * come from the spec's schema; the fields of a method, from its description.
 */
import { judges } from "../../eval/judges/registry.ts";
import { evaluators } from "../../eval/registry.ts";
import type { MethodKind } from "../../methods/description.ts";
import type { BoundMethod } from "../../methods/method.ts";
import { isActive, type MethodOption } from "../../methods/options.ts";
import { methods } from "../../methods/registry.ts";
import { SECTION_TITLES } from "./copy.ts";

export interface Section {
  readonly id: keyof typeof SECTION_TITLES;
  readonly title: string;
  /** Paths that are always shown. */
  readonly basic: readonly string[];
  /** Paths that are folded away at first. */
  readonly advanced: readonly string[];
}

/** Of every judge; the form shows those of the selected one. */
const JUDGE_FIELDS = [...new Set(["kind", ...judges.flatMap(({ options }) => Object.keys(options))])];

/** Of every evaluator; likewise. */
const EVALUATOR_FIELDS = [...new Set(evaluators.flatMap(({ options }) => Object.keys(options)))];

export const SECTIONS: readonly Section[] = [
  {
    id: "model",
    title: SECTION_TITLES.model,
    basic: ["model.aligned", "model.unaligned"],
    advanced: ["model.quantization", "model.bnb_4bit_use_double_quant"],
  },
  {
    id: "data",
    title: SECTION_TITLES.data,
    basic: [
      "data.train.source",
      "data.train.task",
      "data.train.n",
      "data.train.harmful_ratio",
      "data.train.path",
      "data.train.repo",
      "data.train.config",
      "data.train.split",
      "data.train.revision",
      "data.train.text",
      "data.train.format",
    ],
    advanced: [
      "data.max_length",
      "data.too_long",
      "data.bad_rows",
      "data.append_eos",
      "data.selection.max_rows",
      "data.selection.validation_split",
      "data.selection.deduplicate",
      "data.selection.shuffle_seed",
      "data.packing",
      "data.shuffle",
    ],
  },
  {
    id: "method",
    title: SECTION_TITLES.method,
    basic: ["method.name", ...methodPaths(false)],
    advanced: methodPaths(true),
  },
  {
    id: "lora",
    title: SECTION_TITLES.lora,
    basic: ["lora.r", "lora.lora_alpha", "lora.target_modules"],
    advanced: ["lora.lora_dropout", "lora.use_rslora", "lora.rank_pattern", "lora.alpha_pattern", "lora.init_adapter"],
  },
  {
    id: "train",
    title: SECTION_TITLES.train,
    basic: ["train.learning_rate", "train.num_train_epochs", "train.per_device_train_batch_size", "train.seed"],
    advanced: [
      "train.max_steps",
      "train.lr_scheduler_type",
      "train.lr_gamma",
      "train.warmup_steps",
      "train.gradient_accumulation_steps",
      "train.gradient_checkpointing",
      "train.memory_budget_gb",
      "train.save_steps",
      "train.weight_decay",
      "train.max_grad_norm",
      "train.adam_beta1",
      "train.adam_beta2",
      "train.adam_epsilon",
    ],
  },
  {
    id: "eval",
    title: SECTION_TITLES.eval,
    basic: [
      "eval.task.source",
      "eval.task.n",
      "eval.task.path",
      "eval.task.repo",
      "eval.task.config",
      "eval.task.split",
      "eval.task.revision",
      "eval.task.format",
      "eval.task.kind",
      ...EVALUATOR_FIELDS.map((name) => `eval.task.${name}`),
      "eval.task.max_new_tokens",
      "eval.harmful.path",
      "eval.harmful.column",
      "eval.harmful.n",
      ...JUDGE_FIELDS.flatMap((name) => [`eval.harmful.judge.${name}`, `eval.harmful.second_judge.${name}`]),
      "eval.benign.n",
      "eval.every_steps",
      "eval.sample_prompts",
    ],
    advanced: ["eval.sample_steps", "eval.max_new_tokens", "eval.batch_size", "eval.seed"],
  },
];

/** The groups of methods, in the order of the picker. */
export const METHOD_KINDS: readonly MethodKind[] = ["loss", "rows", "afterwards"];

/** The options of a method that apply with its current settings, in its order. */
export function methodFields({ description, options }: BoundMethod, advanced: boolean): readonly MethodOption[] {
  return description.options.filter((option) => (option.advanced ?? false) === advanced && isActive(option, options));
}

function methodPaths(advanced: boolean): string[] {
  const options = methods.flatMap((method) => method.options);
  return [
    ...new Set(options.filter((option) => (option.advanced ?? false) === advanced).map(({ name }) => `method.${name}`)),
  ];
}
