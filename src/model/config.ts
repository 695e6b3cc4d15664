/**
 * @file What the decoder needs to know about a model: the facts in which families differ, layer by layer.
 *
 * A family (llama.ts, gemma2.ts, …) turns Hugging Face's configuration into a `DecoderConfig` or refuses it, naming the
 * field: an exotic setting is never computed wrongly. decoder.ts knows these facts and no family.
 */

import type { GluActivation } from "../engine/operators/swiglu.ts";
import type { ConfigFields } from "./configFields.ts";
import type { RopeConfig } from "./rope.ts";

/** What differs between the layers of one model. */
export interface LayerKind {
  /** Keys that a query sees, the last of them its own; undefined: all up to its own. */
  readonly window: number | undefined;
  /** Which of `ropes` rotates queries and keys; undefined: none. */
  readonly rope: number | undefined;
}

export interface DecoderConfig {
  readonly family: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  /** One per layer. */
  readonly layerKinds: readonly LayerKind[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor of q·k. */
  readonly attentionScale: number;
  /** Scores s become cap · tanh(s / cap). */
  readonly attentionSoftcap: number | undefined;
  /** The same for the logits. */
  readonly logitSoftcap: number | undefined;
  readonly rmsNormEps: number;
  /** Norms multiply by 1 + w. */
  readonly normAddsOne: boolean;
  /** There are norms after attention and MLP, too, before the sum. */
  readonly sandwichNorms: boolean;
  /** Each head of queries and keys is normalised, before the rotation. */
  readonly qkNorm: boolean;
  /** One matrix projects to q, k and v, and one to gate and up. */
  readonly fusedProjections: boolean;
  readonly activation: GluActivation;
  /** Factor of the embedded tokens. */
  readonly embeddingScale: number;
  /** The rotary embeddings that `layerKinds` choose from. */
  readonly ropes: readonly RopeConfig[];
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

/** The distinct windows of a model's layers, in order of appearance. */
export function distinctWindows({ layerKinds }: DecoderConfig): (number | undefined)[] {
  return [...new Set(layerKinds.map(({ window }) => window))];
}
