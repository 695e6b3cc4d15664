/**
 * @file Models of random bf16 weights for measuring: their speed is that of trained ones of the same shape, and nothing
 * has to be fetched.
 */

import { parseConfig } from "../../model/families.ts";
import type { DecoderConfig } from "../../model/config.ts";
import { weightSpecs } from "../../model/layout.ts";
import { Rng } from "../../text/apothecary/index.ts";
import { fromFloat32 } from "../../weights/dtypes.ts";
import type { TensorInfo, TensorReader } from "../../weights/tensorReader.ts";

export interface BenchSize {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Examples of a batch and tokens of each. */
  readonly rows: number;
  readonly length: number;
}

function llama(
  hidden_size: number,
  num_hidden_layers: number,
  heads: readonly [number, number],
  intermediate_size: number,
  vocab_size: number,
): Record<string, unknown> {
  return {
    model_type: "llama",
    hidden_size,
    num_hidden_layers,
    num_attention_heads: heads[0],
    num_key_value_heads: heads[1],
    intermediate_size,
    vocab_size,
    hidden_act: "silu",
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
  };
}

/** Three sizes for a GPU; the last is SmolLM2-135M's shape. */
export const GPU_SIZES: readonly BenchSize[] = [
  { name: "0.9 M (the bundled pair's shape)", config: llama(128, 4, [4, 2], 384, 768), rows: 8, length: 128 },
  { name: "30 M", config: llama(512, 8, [8, 4], 1408, 8192), rows: 8, length: 128 },
  { name: "135 M (SmolLM2's shape)", config: llama(576, 30, [9, 3], 1536, 49152), rows: 8, length: 128 },
];

/**
 * Blocks of SmolLM2-135M's dimensions, few of them and with a small vocabulary: a step of what most of a real one
 * consists of.
 */
export const BLOCKS_135M: BenchSize = {
  name: "2 blocks of SmolLM2-135M",
  config: llama(576, 2, [9, 3], 1536, 2048),
  rows: 1,
  length: 256,
};

/** Three sizes that a processor which plays a GPU manages in seconds. */
export const SOFTWARE_SIZES: readonly BenchSize[] = [
  { name: "0.9 M (the bundled pair's shape)", config: llama(128, 4, [4, 2], 384, 768), rows: 8, length: 32 },
  { name: "4 M", config: llama(256, 5, [8, 4], 768, 1024), rows: 8, length: 32 },
  { name: "8 M", config: llama(320, 6, [10, 5], 960, 2048), rows: 8, length: 32 },
];

export interface BenchModel {
  readonly config: DecoderConfig;
  readonly reader: TensorReader;
  readonly parameters: number;
}

/** Weights in bf16 from a seed: norms 1, the rest uniform with the spread of a trained model. */
export function benchModel(size: BenchSize, seed: number): BenchModel {
  const config = parseConfig(size.config, size.name);
  const tensors = new Map<string, TensorInfo>();
  let parameters = 0;
  for (const { name, shape } of weightSpecs(config)) {
    const count = shape.reduce((product, length) => product * length, 1);
    parameters += count;
    tensors.set(name, { name, dtype: "BF16", shape, byteLength: 2 * count });
  }
  const noise = noiseBlock(seed);
  return {
    config,
    parameters,
    reader: {
      tensors,
      async *read(name) {
        const info = tensors.get(name);
        if (!info) throw new Error(`no tensor ${name}`);
        await Promise.resolve();
        const block =
          info.shape.length === 1 ? fromFloat32(new Float32Array(info.byteLength / 2).fill(1), "BF16") : noise;
        for (let at = 0; at < info.byteLength; at += block.byteLength)
          yield block.slice(0, Math.min(block.byteLength, info.byteLength - at));
      },
    },
  };
}

/** 512 KiB of bf16 noise; tensors repeat it. */
function noiseBlock(seed: number): Uint8Array {
  const rng = new Rng(`bench/${seed}`);
  return fromFloat32(
    Float32Array.from({ length: 2 ** 18 }, () => 0.08 * (rng.uint32() / 2 ** 32 - 0.5)),
    "BF16",
  );
}
