/**
 * @file The inputs of the two kinds of pass: one object says which sections the input block has, makes the graph's
 * tensors of them, and writes a batch into them.
 */
import { BATCH_SCALARS, type BatchScalars, encodeBatchScalars } from "../engine/batchScalars.ts";
import type { Graph } from "../engine/graph.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { DecoderConfig } from "../model/config.ts";
import type { TokenTensors } from "../model/decoder.ts";
import type { BatchCapacity, CachedBatch, LabelledBatch } from "./batch.ts";
import { InputBlock } from "./inputBlock.ts";
import { tokenArrays, tokenSections, tokenTensors } from "./tokenInputs.ts";

export interface LabelledTensors extends TokenTensors {
  /** u32[L] */
  readonly labelRows: Tensor;
  /** u32[L] */
  readonly labelTargets: Tensor;
  /** f32[L, 4], where labels have terms. */
  readonly labelTerms: Tensor | undefined;
  /** u32[BATCH_SCALARS]: dropout seed and counter, loss scale. */
  readonly scalars: Tensor;
}

/** Of a pass over labelled rows: training and scoring. */
export class LabelledInputs {
  readonly block: InputBlock;
  readonly #config: DecoderConfig;
  /** Labels, where they have terms. */
  readonly #terms: number | null;

  /** @param terms labels have terms (LabelTerms) */
  constructor(config: DecoderConfig, { tokens, labels }: BatchCapacity, terms = false) {
    this.#config = config;
    this.#terms = terms ? labels : null;
    this.block = new InputBlock([
      ...tokenSections(config, tokens),
      { name: "rows", shape: [labels] },
      { name: "targets", shape: [labels] },
      ...(terms ? [{ name: "terms", shape: [labels, 4], dtype: "f32" } as const] : []),
      { name: "batch", shape: [BATCH_SCALARS] },
    ]);
  }

  /** @param positions rows of the rotary tables */
  tensors(graph: Graph, positions: number): LabelledTensors {
    const input = this.block.tensors(graph);
    return {
      labelRows: input("rows"),
      labelTargets: input("targets"),
      labelTerms: this.#terms === null ? undefined : input("terms"),
      scalars: input("batch"),
      ...tokenTensors(graph, this.#config, input, positions),
    };
  }

  /**
   * The block's bytes for one batch.
   * @param memory where they are written, at least the block's bytes; by default a new array
   */
  encode(batch: LabelledBatch, scalars: BatchScalars, memory?: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const sections = {
      ...tokenArrays(this.#config, batch),
      rows: batch.labelRows,
      targets: batch.labelTargets,
      ...(this.#terms === null ? {} : { terms: words(batch.labelTerms ?? plainTerms(this.#terms)) }),
      batch: new Uint32Array(encodeBatchScalars(scalars)),
    };
    return this.block.encode(sections, memory);
  }
}

/** Terms of labels that have none of their own: the cross-entropy. */
function plainTerms(labels: number): Float32Array {
  return Float32Array.from({ length: 4 * labels }, (_, at) => (at % 4 === 0 ? 1 : 0));
}

function words({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

export interface CachedTensors extends TokenTensors {
  /** u32[T] */
  readonly cacheRows: Tensor;
  /** u32[B] */
  readonly last: Tensor;
}

/** Of a pass against a KV cache. */
export class CachedInputs {
  readonly block: InputBlock;
  readonly #config: DecoderConfig;

  /** @param tokens T @param sequences B */
  constructor(config: DecoderConfig, tokens: number, sequences: number) {
    this.#config = config;
    this.block = new InputBlock([
      ...tokenSections(config, tokens),
      { name: "cache rows", shape: [tokens] },
      { name: "last", shape: [sequences] },
    ]);
  }

  /** @param positions rows of the rotary tables */
  tensors(graph: Graph, positions: number): CachedTensors {
    const input = this.block.tensors(graph);
    return {
      cacheRows: input("cache rows"),
      last: input("last"),
      ...tokenTensors(graph, this.#config, input, positions),
    };
  }

  encode(batch: CachedBatch): Uint8Array<ArrayBuffer> {
    const { cacheRows, last } = batch;
    return this.block.encode({ ...tokenArrays(this.#config, batch), "cache rows": cacheRows, last });
  }
}
