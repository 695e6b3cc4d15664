/**
 * @file adapter_config.json of a PEFT LoRA adapter: what Basin keeps of it, what it writes, and what it refuses by
 * name.
 *
 * The refused fields all change what the adapter computes. A field that is not known here is refused as well unless it
 * is empty: an adapter is applied exactly or not at all. Source: peft 0.21.0, `LoraConfig`
 * (peft/tuners/lora/config.py).
 */
import { isRecord } from "../base/records.ts";
import { describeValue, ownEntry } from "../base/describe.ts";
import { BasinError } from "../base/error.ts";
import { patternMatches, type TargetModules } from "./targetModules.ts";

/** What decides each module's rank and scale. */
export interface AdapterRanks {
  readonly r: number;
  readonly lora_alpha: number;
  /** Scale alpha / sqrt(r) instead of alpha / r. */
  readonly use_rslora: boolean;
  /** Other ranks for the modules whose path a key matches (`patternMatches`). The first key that matches counts. */
  readonly rank_pattern?: Readonly<Record<string, number>>;
  /** Other alphas, likewise. */
  readonly alpha_pattern?: Readonly<Record<string, number>>;
}

export interface AdapterConfig extends AdapterRanks {
  readonly lora_dropout: number;
  /** Names, "all-linear", or a regular expression; see targetModules.ts. */
  readonly target_modules: TargetModules;
  readonly base_model_name_or_path: string | null;
}

/** The rank that the configuration gives the module at `path`. */
export function adapterRank(config: AdapterRanks, path: string): number {
  return patternValue(config.rank_pattern, path) ?? config.r;
}

/** The alpha that the configuration gives the module at `path`. */
export function adapterAlpha(config: AdapterRanks, path: string): number {
  return patternValue(config.alpha_pattern, path) ?? config.lora_alpha;
}

/**
 * The factor s in W x + s B A x: alpha / r, or alpha / sqrt(r) with rsLoRA, both as the patterns give them for `path`.
 */
export function adapterScale(config: AdapterRanks, path: string): number {
  const { use_rslora } = config;
  return loraScale({ r: adapterRank(config, path), lora_alpha: adapterAlpha(config, path), use_rslora });
}

/** PEFT's scaling of the update of one module. */
export function loraScale({ r, lora_alpha, use_rslora }: LoraSettings): number {
  return lora_alpha / (use_rslora ? Math.sqrt(r) : r);
}

export interface LoraSettings {
  readonly r: number;
  readonly lora_alpha: number;
  readonly use_rslora: boolean;
}

function patternValue(patterns: Readonly<Record<string, number>> | undefined, path: string): number | undefined {
  return Object.entries(patterns ?? {}).find(([key]) => patternMatches(key, path))?.[1];
}

/**
 * The configuration as PEFT 0.21 writes it for inference.
 * @param targetModules the names to write (PEFT writes "all-linear" out as names, too)
 */
export function adapterConfigJson(config: AdapterConfig, targetModules: TargetModules): Record<string, unknown> {
  return {
    alora_invocation_tokens: null,
    alpha_pattern: config.alpha_pattern ?? {},
    arrow_config: null,
    auto_mapping: null,
    base_model_name_or_path: config.base_model_name_or_path,
    bias: "none",
    corda_config: null,
    ensure_weight_tying: false,
    eva_config: null,
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: config.lora_alpha,
    lora_bias: false,
    lora_dropout: config.lora_dropout,
    megatron_config: null,
    megatron_core: "megatron.core",
    modules_to_save: null,
    peft_type: "LORA",
    qalora_group_size: 16,
    r: config.r,
    rank_pattern: config.rank_pattern ?? {},
    revision: null,
    target_modules: targetModules,
    target_parameters: null,
    task_type: "CAUSAL_LM",
    trainable_token_indices: null,
    use_dora: false,
    use_qalora: false,
    use_rslora: config.use_rslora,
  };
}

/** Fields that are read (below), or that change nothing in what a saved adapter computes. */
const HARMLESS = new Set([
  "alpha_pattern",
  "auto_mapping",
  "base_model_name_or_path",
  "ensure_weight_tying",
  "eva_config",
  "exclude_modules",
  "inference_mode",
  "init_lora_weights",
  "layers_pattern",
  "layers_to_transform",
  "loftq_config",
  "lora_alpha",
  "lora_dropout",
  "megatron_config",
  "megatron_core",
  "peft_type",
  "peft_version",
  "qalora_group_size",
  "r",
  "rank_pattern",
  "revision",
  "runtime_config",
  "target_modules",
  "task_type",
  "use_rslora",
  "bias",
]);

/** Why a field that must be empty is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  use_dora: "DoRA (a trained magnitude per output row) is not supported",
  modules_to_save: "whole modules saved beside the LoRA are not supported",
  fan_in_fan_out: "weights stored as input x output (GPT-2's Conv1D) are not supported",
  lora_bias: "a bias in lora_B is not supported",
  use_qalora: "QA-LoRA is not supported",
  trainable_token_indices: "trained token embeddings are not supported",
  target_parameters: "LoRA on bare parameters is not supported",
  layer_replication: "replicated layers are not supported",
  alora_invocation_tokens: "activated LoRA is not supported",
  use_bdlora: "block-diagonal LoRA is not supported",
  arrow_config: "Arrow (routing between several adapters) is not supported",
  velora_config: "VeLoRA is not supported",
  kasa_config: "KaSA (singular values trained beside A and B) is not supported",
  monteclora_config: "MonteCLoRA is not supported",
};

/**
 * Initialisations that change the base weight: such an adapter does not fit the original checkpoint. (EVA, Gaussian and
 * orthogonal ones leave it alone. PEFT writes `true` here once it has converted a PiSSA, CorDA or OLoRA adapter.)
 */
const REBASING = /^(pissa|olora|corda|loftq|lora_ga)/;

/** Adapters of other kinds, as PEFT names them in `peft_type`. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  ADALORA: "AdaLoRA scales each rank by a trained value",
  VERA: "VeRA shares random matrices between the layers and trains vectors",
  LOHA: "LoHa multiplies two low-rank products elementwise",
  LOKR: "LoKr is a Kronecker product",
  IA3: "IA³ scales activations by trained vectors",
  OFT: "OFT rotates the weights",
  BOFT: "BOFT rotates the weights",
  PROMPT_TUNING: "prompt tuning trains virtual tokens",
  P_TUNING: "p-tuning trains virtual tokens",
  PREFIX_TUNING: "prefix tuning trains keys and values",
  XLORA: "X-LoRA mixes several adapters",
};

/**
 * Reads an adapter_config.json.
 * @throws BasinError naming the field that is missing, malformed or not supported
 */
export function parseAdapterConfig(json: unknown, where: string): AdapterConfig {
  if (!isRecord(json))
    throw bad(where, "The file is not a JSON object", "Choose the adapter_config.json that PEFT wrote.");
  if (json.peft_type !== "LORA") {
    const kind = typeof json.peft_type === "string" ? ownEntry(OTHER_TYPES, json.peft_type) : undefined;
    const fix =
      "Basin reads LoRA adapters (peft_type LORA) only. Merge the adapter in PEFT (merge_and_unload) where it can " +
      "be merged, and load the merged model.";
    throw bad(
      where,
      `The peft_type is ${describeValue(json.peft_type ?? null)}${kind === undefined ? "" : `: ${kind}`}`,
      fix,
    );
  }
  const bias = json.bias ?? "none";
  if (bias !== "none") throw refused(where, "bias", bias, "trained biases are not supported");
  const init = json.init_lora_weights;
  if (typeof init === "string" && REBASING.test(init)) {
    throw refused(
      where,
      "init_lora_weights",
      init,
      "this initialisation changes the base weights, so the adapter does not fit the original checkpoint; convert " +
        "it in PEFT (save_pretrained with path_initial_model_for_weight_conversion)",
    );
  }
  for (const [field, value] of Object.entries(json)) {
    if (HARMLESS.has(field) || isEmpty(value)) continue;
    throw refused(where, field, value, ownEntry(REFUSED, field) ?? "this option is not supported");
  }
  const r = positiveInteger(json.r, "r", where);
  const rankPattern = pattern(json.rank_pattern, "rank_pattern", where);
  for (const [key, rank] of Object.entries(rankPattern))
    positiveInteger(rank, `rank_pattern[${JSON.stringify(key)}]`, where);
  return {
    r,
    lora_alpha: number(json.lora_alpha ?? 8, "lora_alpha", where),
    lora_dropout: number(json.lora_dropout ?? 0, "lora_dropout", where),
    target_modules: targetModules(json.target_modules, where),
    use_rslora: json.use_rslora === true,
    base_model_name_or_path: typeof json.base_model_name_or_path === "string" ? json.base_model_name_or_path : null,
    rank_pattern: rankPattern,
    alpha_pattern: pattern(json.alpha_pattern, "alpha_pattern", where),
  };
}

/** Whether the modules are narrowed beyond target_modules: by layer (layers_to_transform) or by exclusion. */
export function narrowsTargets(json: unknown): boolean {
  return (
    isRecord(json) && [json.layers_to_transform, json.exclude_modules].some((field) => !isEmpty(field) && field !== "")
  );
}

function targetModules(value: unknown, where: string): TargetModules {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((name): name is string => typeof name === "string")) return value;
  throw bad(
    where,
    `The field target_modules is ${describeValue(value)}, neither a list of names nor a string`,
    "Choose the adapter_config.json that PEFT wrote.",
  );
}

function pattern(value: unknown, field: string, where: string): Record<string, number> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw bad(where, `The field ${field} is not an object`, "It maps module names to numbers.");
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, number(entry, `${field}[${JSON.stringify(key)}]`, where)]),
  );
}

function number(value: unknown, field: string, where: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw bad(
    where,
    `The field ${field} is ${describeValue(value)}, not a number`,
    "Mend the field or export the adapter again.",
  );
}

function positiveInteger(value: unknown, field: string, where: string): number {
  const n = number(value, field, where);
  if (Number.isSafeInteger(n) && n > 0) return n;
  throw bad(
    where,
    `The field ${field} is ${n}, not a whole number above 0`,
    "Mend the field or export the adapter again.",
  );
}

/** null, false, and containers without content say "not used". */
function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function refused(where: string, field: string, value: unknown, why: string): BasinError {
  return bad(
    where,
    `The field ${field} is ${describeValue(value)}: ${why}`,
    "Merge the adapter in PEFT (merge_and_unload) and load the merged model, or train a plain LoRA.",
  );
}

function bad(where: string, what: string, fix: string): BasinError {
  return new BasinError({ what, where, fix });
}
