/**
 * @file What the engine needs to know of a decoder-only transformer, read from `config.json`.
 *
 * A family turns Hugging Face's configuration into a `DecoderConfig` or refuses it by name: an exotic setting is never
 * computed wrongly. Both spellings are read: `rope_theta` / `rope_scaling` of today's hub and `rope_parameters` of
 * transformers 5.
 */

import { BasinError } from "../engine/error.ts";

/** Rotary scaling of Llama 3.1 and later (transformers, `_compute_llama3_parameters`). */
export interface Llama3RopeScaling {
  readonly type: "llama3";
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalMaxPositions: number;
}

export interface DecoderConfig {
  readonly family: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: Llama3RopeScaling | undefined;
  readonly tiedEmbeddings: boolean;
  /** q_proj, k_proj and v_proj have a bias. */
  readonly qkvBias: boolean;
  readonly maxPositions: number;
}

/** One model family: which `model_type` it reads and how. */
export interface Family {
  readonly modelType: string;
  parse(fields: ConfigFields): DecoderConfig;
}

/** Typed access to the fields of a config.json; every complaint names the field. */
export class ConfigFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly where: string;

  constructor(config: unknown, where = "config.json") {
    if (typeof config !== "object" || config === null || Array.isArray(config)) {
      throw new BasinError({ what: "The model's configuration is not a JSON object", where, fix: "Use the config.json that belongs to the checkpoint." });
    }
    this.#fields = config as Record<string, unknown>;
    this.where = where;
  }

  get(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  /** A positive whole number. */
  count(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1) this.fail(name, `must be a whole number above 0, not ${JSON.stringify(value)}`);
    return value as number;
  }

  number(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) this.fail(name, `must be a number above 0, not ${JSON.stringify(value)}`);
    return value as number;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "boolean") this.fail(name, `must be true or false, not ${JSON.stringify(value)}`);
    return value as boolean;
  }

  object(name: string): ConfigFields | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new ConfigFields(value, `${this.where}, ${name}`);
  }

  /** Refuse the model unless the field is absent or has one of these values. */
  require(name: string, allowed: readonly unknown[]): void {
    const value = this.get(name);
    if (value !== undefined && !allowed.includes(value)) {
      this.fail(name, `${JSON.stringify(value)} is not supported (supported: ${allowed.map((each) => JSON.stringify(each)).join(", ")})`);
    }
  }

  fail(name: string, problem: string): never {
    throw new BasinError({
      what: `${name}: ${problem}`,
      where: this.where,
      fix: "Choose a model that Basin supports, or mend the file if it was edited.",
    });
  }
}

/** Rotary parameters in either spelling. */
export function ropeParameters(fields: ConfigFields): { theta: number; scaling: Llama3RopeScaling | undefined } {
  const modern = fields.object("rope_parameters");
  const scaling = modern ?? fields.object("rope_scaling");
  const theta = (modern?.get("rope_theta") === undefined ? fields : modern).number("rope_theta", 10000);
  fields.require("partial_rotary_factor", [1]);
  if (!scaling) return { theta, scaling: undefined };
  scaling.require("partial_rotary_factor", [1]);
  const type = scaling.get("rope_type") ?? scaling.get("type") ?? "default";
  if (type === "default") return { theta, scaling: undefined };
  if (type !== "llama3") scaling.fail("rope_type", `${JSON.stringify(type)} is not supported (supported: "default", "llama3")`);
  return {
    theta,
    scaling: {
      type: "llama3",
      factor: scaling.number("factor"),
      lowFreqFactor: scaling.number("low_freq_factor"),
      highFreqFactor: scaling.number("high_freq_factor"),
      originalMaxPositions: scaling.count("original_max_position_embeddings"),
    },
  };
}

/** What all Llama-shaped families share; a family adds its own checks and differences. */
export function llamaShaped(fields: ConfigFields, family: string): DecoderConfig {
  fields.require("hidden_act", ["silu"]);
  fields.require("quantization_config", []);
  const heads = fields.count("num_attention_heads");
  const hiddenSize = fields.count("hidden_size");
  const headDim = fields.get("head_dim") === undefined ? hiddenSize / heads : fields.count("head_dim");
  const kvHeads = fields.count("num_key_value_heads", heads);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) fields.fail("head_dim", `${headDim} is not an even whole number`);
  if (heads % kvHeads !== 0) fields.fail("num_key_value_heads", `${kvHeads} does not divide num_attention_heads ${heads}`);
  const rope = ropeParameters(fields);
  return {
    family,
    vocabSize: fields.count("vocab_size"),
    hiddenSize,
    intermediateSize: fields.count("intermediate_size"),
    layers: fields.count("num_hidden_layers"),
    heads,
    kvHeads,
    headDim,
    rmsNormEps: fields.number("rms_norm_eps", 1e-6),
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    tiedEmbeddings: fields.boolean("tie_word_embeddings", false),
    qkvBias: false,
    maxPositions: fields.count("max_position_embeddings", 2048),
  };
}
