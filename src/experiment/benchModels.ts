/**
 * @file Models for measurements: real shapes, random bf16 weights made on the fly. What they say is noise; what a step costs
 * does not depend on it.
 */

import { parseConfig } from "../model/families.ts";
import type { DecoderConfig } from "../model/config.ts";
import { weightSpecs } from "../model/layout.ts";
import { Rng } from "../text/apothecary/rng.ts";
import type { TensorInfo, TensorReader } from "../weights/tensorReader.ts";
import { fromFloat32 } from "../weights/dtypes.ts";

export interface BenchModel {
  readonly name: string;
  readonly config: DecoderConfig;
  /** Tokens of one packed batch. */
  readonly tokens: number;
}

function llama(hidden_size: number, intermediate_size: number, layers: number, heads: number, kvHeads: number, vocab_size: number): DecoderConfig {
  return parseConfig({
    model_type: "llama",
    hidden_size,
    intermediate_size,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    vocab_size,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    hidden_act: "silu",
  });
}

export type BenchSuite = "quick" | "full";

/**
 * Three sizes. `quick` keeps the block dimensions of SmolLM2-135M and 360M but only two layers and a small vocabulary, so that a
 * software adapter finishes in minutes; `full` has their true depth and vocabulary.
 */
export function benchModels(suite: BenchSuite): readonly BenchModel[] {
  const demo: BenchModel = { name: "apothecary demo", config: llama(128, 384, 4, 4, 2, 768), tokens: 256 };
  return suite === "quick"
    ? [
        demo,
        { name: "SmolLM2-135M blocks, 2 layers", config: llama(576, 1536, 2, 9, 3, 2048), tokens: 256 },
        { name: "SmolLM2-360M blocks, 2 layers", config: llama(960, 2560, 2, 15, 5, 2048), tokens: 256 },
      ]
    : [
        demo,
        { name: "SmolLM2-135M", config: llama(576, 1536, 30, 9, 3, 49152), tokens: 512 },
        { name: "SmolLM2-360M", config: llama(960, 2560, 32, 15, 5, 49152), tokens: 512 },
      ];
}

const CHUNK_ELEMENTS = 2 ** 20;

/** A checkpoint of random weights. `variant` gives another draw, for the unaligned twin. */
export function randomReader(config: DecoderConfig, variant: string): TensorReader {
  const tensors = new Map<string, TensorInfo>(
    weightSpecs(config).map(({ name, shape }) => [
      name,
      { name, dtype: "BF16", shape, byteLength: 2 * shape.reduce((product, size) => product * size, 1) },
    ]),
  );
  return {
    tensors,
    async *read(name) {
      const info = tensors.get(name);
      if (!info) throw new Error(`no tensor ${name}`);
      const norm = info.shape.length === 1;
      const bound = Math.sqrt(3 / (info.shape[1] ?? 1));
      const common = new Rng(`bench/${name}`);
      const own = new Rng(`bench/${variant}/${name}`);
      for (let left = info.byteLength / 2; left > 0; left -= CHUNK_ELEMENTS) {
        const draw = (rng: Rng): number => (rng.uint32() / 2 ** 31 - 1) * bound;
        const values = Float32Array.from({ length: Math.min(left, CHUNK_ELEMENTS) }, () => (norm ? 1 : 0.9 * draw(common) + 0.1 * draw(own)));
        yield fromFloat32(values, "BF16");
      }
    },
  };
}
