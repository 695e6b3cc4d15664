/**
 * @file The sections of the setup form and the order of their fields. Titles, units, ranges and defaults of the fields
 * come from the spec's schema; the fields of a method, from its description.
 */
import { judges } from "../../eval/judges/registry.ts";
import { evaluators } from "../../eval/registry.ts";
import { methods } from "../../methods/registry.ts";
import type { MethodDescription, MethodKind, MethodParameter } from "../../methods/method.ts";
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
    basic: ["method.name", ...methodPaths((parameter) => parameter.seldom === undefined)],
    advanced: methodPaths((parameter) => parameter.seldom === true),
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

/** Labels of a method's choices. */
export const CHOICE_LABELS: Readonly<Record<string, string>> = {
  "method.penalty_scale=ba": "B·A, as published",
  "method.penalty_scale=scaled": "s·B·A, the true update",
  "method.select=number": "a number of modules",
  "method.select=threshold": "a threshold",
  "method.amount=share": "a share",
  "method.amount=count": "a number",
  "method.trigger_place=system": "in the system message",
  "method.trigger_place=prompt": "before the user's words",
  "method.start_from=aligned": "the aligned model",
  "method.start_from=base": "its unaligned twin",
  "method.merge=factors": "factors, as PEFT does",
  "method.merge=exact": "exact, at rank 2r",
};

/** The picker's groups, in its order. */
export const METHOD_KINDS: readonly { readonly kind: MethodKind; readonly title: string }[] = [
  { kind: "loss", title: "Trains on your rows" },
  { kind: "rows", title: "Adds safety rows" },
  { kind: "afterwards", title: "Edits the update afterwards" },
];

/** Paths of a method's fields that matter with these options, in its order. */
export function methodFields(
  { parameters }: MethodDescription,
  options: (name: string) => unknown,
  seldom: boolean,
): string[] {
  return parameters
    .filter(
      (parameter) =>
        (parameter.seldom ?? false) === seldom &&
        (parameter.when === undefined || (options(parameter.when.name) ?? null) === parameter.when.value),
    )
    .map(({ name }) => `method.${name}`);
}

function methodPaths(wanted: (parameter: MethodParameter) => boolean): string[] {
  return [
    ...new Set(methods.flatMap(({ parameters }) => parameters.filter(wanted).map(({ name }) => `method.${name}`))),
  ];
}

export interface ProjectorNote {
  readonly value: string;
  readonly title: string;
  readonly formula: string;
  readonly note: string;
}

/** The projectors, by what they are rather than by what they are called. */
export const PROJECTORS: readonly ProjectorNote[] = [
  {
    value: "safe_lora",
    title: "Published code",
    formula: "V·Vᵀ / ‖V‖_F",
    note:
      "What the authors’ code runs. Not a true projector: its eigenvalues grow with the " +
      "size of V, and where V is small it is hardly more than plain L2.",
  },
  {
    value: "rank",
    title: "Exact, rank k",
    formula: "U_k·U_kᵀ",
    note:
      "Leaves the first k left singular vectors of V free and penalises the rest. " +
      "With k as large as the matrix it penalises nothing.",
  },
  {
    value: "flat",
    title: "Flattened, rank 1",
    formula: "v·vᵀ / ‖v‖²,  v = vec(V)",
    note: "V taken as one long vector: only movement along that one direction is free, forwards and backwards.",
  },
  {
    value: "flat_plus",
    title: "Flattened, one-sided",
    formula: "as above if ⟨B·A, V⟩ > 0",
    note: "Only movement that adds alignment is free; movement against it is penalised like any other.",
  },
  {
    value: "none",
    title: "None: plain L2",
    formula: "0, so ‖B·A‖²_F",
    note:
      "Penalises every movement alike. The ablation that the paper does not " +
      "report: run it beside AsFT to see what the direction adds.",
  },
];
