/** @file The KV cache of a decoder: two tensors per layer, a row per token. */
import { allOrNothing } from "../engine/allOrNothing.ts";
import type { Gpu } from "../engine/device.ts";
import { type Storage, allocate, destroyStorage } from "../engine/storage.ts";
import type { Tensor } from "../engine/tensor.ts";
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

export class KvCache {
  /** By the name of the graph's input. */
  readonly #storage: ReadonlyMap<string, Storage>;

  private constructor(storage: ReadonlyMap<string, Storage>) {
    this.#storage = storage;
  }

  /** @throws MemoryError when the device is out of memory; nothing is held then */
  static create(gpu: Gpu, config: DecoderConfig, rows: number): Promise<KvCache> {
    return allOrNothing(async (own) => {
      const made = new Map<string, Storage>();
      for (const { keys, values, width } of cacheLayout(config)) {
        for (const name of [keys, values]) {
          const storage = await allocate(gpu, { id: -1, name, shape: [rows, width], dtype: "f32", kind: "input" });
          own({ destroy: () => destroyStorage(storage) });
          made.set(name, storage);
        }
      }
      return new KvCache(made);
    });
  }

  /** Of a graph's input; undefined for anything else. */
  storageOf(tensor: Tensor): Storage | undefined {
    return tensor.kind === "input" ? this.#storage.get(tensor.name) : undefined;
  }

  destroy(): void {
    for (const storage of this.#storage.values()) destroyStorage(storage);
  }
}
