/**
 * @file What a decoder's graph is fed: the small arrays of one forward pass as one block of bytes, which of them a model needs,
 * and how they are made from a batch.
 *
 * All small inputs (ids, positions, bounds, …) sit in one buffer, each section at a multiple of 256 bytes, so that a
 * micro-batch is one write or one copy, and every section can be bound on its own.
 *
 *     ids  positions  bounds  bounds within 512  …        one `bounds` per distinct window of the model's layers
 *
 * Rotary tables and a KV cache are buffers of their own (rotaryTables.ts, `cacheLayout`).
 */

import type { Graph } from "../engine/graph.ts";
import type { Storage } from "../engine/storage.ts";
import type { Shape, Tensor } from "../engine/tensor.ts";
import { type DecoderConfig, distinctWindows } from "./config.ts";
import { rotaryTableName } from "./rotaryTables.ts";

export interface Section {
  readonly name: string;
  readonly shape: Shape;
}

export class InputBlock {
  /** Bytes of the whole block. */
  readonly bytes: number;
  readonly #offsets = new Map<string, { readonly offset: number; readonly words: number; readonly shape: Shape }>();

  constructor(sections: readonly Section[]) {
    let offset = 0;
    for (const { name, shape } of sections) {
      const words = shape.reduce((product, size) => product * size, 1);
      this.#offsets.set(name, { offset, words, shape });
      offset += Math.ceil((4 * words) / 256) * 256;
    }
    this.bytes = offset;
  }

  /** Input tensors of a graph, one per section, u32. */
  tensors(graph: Graph): (name: string) => Tensor {
    const tensors = new Map([...this.#offsets].map(([name, { shape }]) => [name, graph.input(name, shape, "u32")]));
    return (name) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`no input ${name}`);
      return tensor;
    };
  }

  /** Words of a section. */
  words(name: string): number {
    const section = this.#offsets.get(name);
    if (!section) throw new Error(`no input ${name}`);
    return section.words;
  }

  storageIn(buffer: GPUBuffer, name: string): Storage | undefined {
    const section = this.#offsets.get(name);
    if (!section) return undefined;
    const view = { buffer, offset: section.offset, size: Math.max(4, 4 * section.words) };
    return { parts: [{ row: 0, rows: section.shape[0] ?? 1, view }] };
  }

  /**
   * Bytes of the block with these arrays in their sections.
   * @param memory where they are written, at least the block's bytes; by default a new array
   */
  encode(
    data: Readonly<Record<string, Uint32Array>>,
    memory = new Uint32Array(this.bytes / 4),
  ): Uint8Array<ArrayBuffer> {
    const words = memory.subarray(0, this.bytes / 4).fill(0);
    for (const [name, values] of Object.entries(data)) {
      const section = this.#offsets.get(name);
      if (!section || values.length !== section.words)
        throw new Error(`input ${name} does not take ${values.length} words`);
      words.set(values, section.offset / 4);
    }
    return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  }
}

/** Tokens as a batch or a generator has them; the windows of a model's layers are not its business. */
export interface TokenArrays {
  /** u32[T] */
  readonly ids: Uint32Array;
  /** u32[T] */
  readonly positions: Uint32Array;
  /** u32[T, 4], see engine/operators/attention.ts: all that a token may see and be seen by. */
  readonly bounds: Uint32Array;
}

/** Tensors of a graph that every decoder reads; a layer's own are chosen by its kind. */
export interface TokenTensors {
  readonly ids: Tensor;
  readonly positions: Tensor;
  /** u32[T, 4] of a layer. */
  readonly bounds: (layer: number) => Tensor;
  /** f32[P, headDim]: cosines, then sines; undefined where a layer is not turned. */
  readonly rotaryTable: (layer: number) => Tensor | undefined;
}

const boundsName = (window: number | undefined): string =>
  window === undefined ? "bounds" : `bounds within ${window}`;

/** The sections that a model needs for this many tokens. */
export function tokenSections(config: DecoderConfig, tokens: number): Section[] {
  return [
    { name: "ids", shape: [tokens] },
    { name: "positions", shape: [tokens] },
    ...distinctWindows(config).map((window) => ({ name: boundsName(window), shape: [tokens, 4] })),
  ];
}

/**
 * The tensors of a graph that those sections and the rotary tables feed.
 * @param input tensor of a section, see `InputBlock.tensors`
 * @param positions rows of the rotary tables
 */
export function tokenTensors(
  graph: Graph,
  config: DecoderConfig,
  input: (name: string) => Tensor,
  positions: number,
): TokenTensors {
  const tables = config.ropes.map((_, index) => graph.input(rotaryTableName(index), [positions, config.headDim]));
  const kind = (layer: number): DecoderConfig["layerKinds"][number] => {
    const found = config.layerKinds[layer];
    if (!found) throw new Error(`no layer ${layer}`);
    return found;
  };
  return {
    ids: input("ids"),
    positions: input("positions"),
    bounds: (layer) => input(boundsName(kind(layer).window)),
    rotaryTable: (layer) => {
      const { rope } = kind(layer);
      return rope === undefined ? undefined : tables[rope];
    },
  };
}

/** The arrays of those sections. */
export function tokenArrays(
  config: DecoderConfig,
  { ids, positions, bounds }: TokenArrays,
): Record<string, Uint32Array> {
  return {
    ids,
    positions,
    ...Object.fromEntries(
      distinctWindows(config).map((window) => [
        boundsName(window),
        window === undefined ? bounds : withinWindow(bounds, window),
      ]),
    ),
  };
}

/**
 * Bounds of layers that see a window: a query sees itself and the `window` - 1 keys before it (transformers:
 * `kv_idx > q_idx - sliding_window`), so a key is seen by itself and the `window` - 1 queries after it. Right for packed and
 * padded batches and for a cache that holds a sequence's rows in order, because the last key that a query may see is its own.
 */
export function withinWindow(bounds: Uint32Array, window: number): Uint32Array {
  const clipped = Uint32Array.from(bounds);
  for (let at = 0; at < clipped.length; at += 4) {
    const [kvStart = 0, kvEnd = 0, qStart = 0, qEnd = 0] = bounds.subarray(at, at + 4);
    clipped[at] = Math.max(kvStart, kvEnd - window);
    clipped[at + 3] = Math.min(qEnd, qStart + window);
  }
  return clipped;
}

export interface CacheLayer {
  /** Names of the inputs of the layer's keys and values. */
  readonly keys: string;
  readonly values: string;
  /** Floats of a row. */
  readonly width: number;
}

/** A KV cache: two buffers per layer, a row per token. */
export function cacheLayout(config: DecoderConfig): CacheLayer[] {
  return Array.from({ length: config.layers }, (_, layer) => ({
    keys: `layer ${layer} keys`,
    values: `layer ${layer} values`,
    width: config.kvHeads * config.headDim,
  }));
}
