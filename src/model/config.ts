/**
 * @file What the engine needs to know of a decoder-only transformer: the facts in which families differ, layer by layer.
 *
 * A family (llama.ts, gemma2.ts, …) turns Hugging Face's configuration into a `DecoderConfig` or refuses it by name: an exotic
 * setting is never computed wrongly. The decoder knows these facts and no family.
 *
 *     x ─ norm ─ qkv ─ [head norm] ─ [rope] ─ attention(window, scale, softcap) ─ o ─ [norm] ─▶ + ─ norm ─ gated unit ─ [norm] ─▶ +
 */

import type { GluActivation } from "../engine/operators/swiglu.ts";
import type { ConfigFields } from "./configFields.ts";
import type { RopeConfig } from "./rope.ts";

/** In what the layers of one model differ. */
export interface LayerKind {
  /** Keys that a query sees, its own the last of them; undefined: all up to its own. */
  readonly window: number | undefined;
  /** Which of `ropes` turns queries and keys; undefined: they are not turned. */
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
  /** Norms stand after attention and feed-forward, too, before the sum. */
  readonly sandwichNorms: boolean;
  /** Each head of queries and keys is normalised, before it is turned. */
  readonly qkNorm: boolean;
  /** One matrix makes q, k and v, and one makes gate and up. */
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
