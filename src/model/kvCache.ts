/** @file The KV cache of a decoder: two buffers per layer, a row per token. */
import type { DecoderConfig } from "./config.ts";

export interface CacheLayer {
  /** Names of the inputs of the layer's keys and values. */
  readonly keys: string;
  readonly values: string;
  /** Floats of a row. */
  readonly width: number;
}

export function cacheLayout(config: DecoderConfig): CacheLayer[] {
  return Array.from({ length: config.layers }, (_, layer) => ({
    keys: `layer ${layer} keys`,
    values: `layer ${layer} values`,
    width: config.kvHeads * config.headDim,
  }));
}
