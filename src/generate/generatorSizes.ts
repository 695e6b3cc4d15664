/**
 * @file What a generator holds on the device: how large each part is, when it grows, and which graphs its programs are
 * built from. Pure: a generator allocates what this says, and a plan asks it before anything is allocated.
 *
 *     rotary tables   positions, rounded up       ┐
 *     KV cache        rows                        ├ growing one drops all graphs, whose programs were bound to it
 *     input block     twice what was asked for    ┘
 *     slots           shared by all programs (engine/slots.ts)
 *     programs        one per size of a pass, the last MOST_GRAPHS of each kind
 */

import type { BatchCapacity } from "../batch/batch.ts";
import { type BufferLimits, type Excess, excessOf, joinExcess } from "../engine/bindable.ts";
import { planMemory } from "../engine/plan.ts";
import { kernelParameterBytes } from "../engine/program.ts";
import { assignSlots } from "../engine/slots.ts";
import { cacheLayout } from "../model/kvCache.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import { type DecodeSizes, TOKENS_PER_SUBMIT, decodeSizes, prefillTokens } from "./batchShapes.ts";
import { type FittingBatch, type PromptRange, fittingBatches } from "./fittingBatches.ts";
import {
  type DecodeGraph,
  type InferenceModel,
  type ScoreGraph,
  type SharedSizes,
  decodeGraph,
  scoreGraph,
} from "./generationGraph.ts";

/** Graphs of one kind: every prompt and row of another length would add one. Those that were used last stay. */
export const MOST_GRAPHS = 32;
/** Rows of the rotary tables are a multiple of this. */
const POSITIONS_STEP = 128;

function roundedPositions(positions: number): number {
  return Math.ceil(positions / POSITIONS_STEP) * POSITIONS_STEP;
}

export class GeneratorSizes {
  readonly #model: InferenceModel;
  readonly #limits: BufferLimits;
  readonly #decodeGraphs = new Map<string, DecodeGraph>();
  readonly #scoreGraphs = new Map<string, ScoreGraph>();
  readonly #excess = new Map<string, Excess>();
  /** Bytes of the buffers that all programs share. */
  #slots: readonly number[] = [];
  #positions = 0;
  #cacheRows = 0;
  #inputBytes = 0;

  /** @param limits of the device */
  constructor(model: InferenceModel, limits: BufferLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  /** Rows of the rotary tables. */
  get positions(): number {
    return this.#positions;
  }

  /** Rows of the KV cache; 0: there is none. */
  get cacheRows(): number {
    return this.#cacheRows;
  }

  /** Bytes of the buffer that input blocks are copied to. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Bytes of the KV cache. */
  get cacheBytes(): number {
    return cacheLayout(this.#model.config).reduce((sum, { width }) => sum + 2 * 4 * width, 0) * this.#cacheRows;
  }

  /** Bytes of everything else: slots, parameters of kernels, inputs, rotary tables. */
  get programBytes(): number {
    const slots = this.#slots.reduce((sum, bytes) => sum + bytes, 0);
    const graphs = [...this.#decodeGraphs.values(), ...this.#scoreGraphs.values()];
    const parameters = graphs.reduce((sum, { graph }) => sum + kernelParameterBytes(graph), 0);
    return slots + parameters + this.#inputBytes + RotaryTables.bytes(this.#model.config, this.#positions);
  }

  /** Makes room for sequences of so many positions, in a cache of so many rows. */
  reserve({ positions, cacheRows }: SharedSizes): void {
    if (positions > this.#positions) {
      this.#drop();
      this.#positions = roundedPositions(positions);
    }
    if (cacheRows > this.#cacheRows) {
      this.#drop();
      this.#cacheRows = cacheRows;
    }
  }

  /** Whether a graph is held: a program of another is not used again. */
  holds(graph: DecodeGraph | ScoreGraph): boolean {
    return [...this.#decodeGraphs.values(), ...this.#scoreGraphs.values()].includes(graph);
  }

  /** How prompts of these lengths are answered on the device. */
  batches(lengths: readonly number[], maxNewTokens: number): FittingBatch[] {
    const sizesOf = ({ from, to }: PromptRange): DecodeSizes => decodeSizes(lengths.slice(from, to), maxNewTokens);
    return fittingBatches(lengths.length, {
      decode: (batch) => this.#decodeExcess(batch.to - batch.from, batch.to - batch.from, sizesOf(batch)),
      read: ({ from, to }, batch) =>
        this.#decodeExcess(prefillTokens(lengths.slice(from, to)), to - from, sizesOf(batch)),
    });
  }

  #decodeExcess(tokens: number, sequences: number, { cacheRows, stride }: DecodeSizes): Excess {
    const key = [tokens, sequences, cacheRows, stride].join("/");
    const known = touch(this.#excess, key);
    if (known) return known;
    const sizes = { positions: roundedPositions(stride), cacheRows };
    const { graph, inputs } = decodeGraph(this.#model, tokens, sequences, sizes);
    const uploads = TOKENS_PER_SUBMIT * inputs.block.bytes;
    const upload = { buffer: uploads > this.#limits.maxBuffer ? uploads : 0, binding: 0 };
    const found = joinExcess(excessOf(graph, this.#limits), upload);
    keep(this.#excess, key, found);
    return found;
  }

  /** What a pass over labelled rows, the longest of so many positions, has that is too large for the device. */
  scoreExcess(capacity: BatchCapacity, positions: number): Excess {
    return excessOf(scoreGraph(this.#model, capacity, roundedPositions(positions)).graph, this.#limits);
  }

  /** The graph of a pass over `tokens` tokens of `sequences` sequences. */
  decode(tokens: number, sequences: number): DecodeGraph {
    const key = `${tokens}/${sequences}`;
    const known = touch(this.#decodeGraphs, key);
    if (known) return known;
    const sizes = { positions: this.#positions, cacheRows: this.#cacheRows };
    const built = decodeGraph(this.#model, tokens, sequences, sizes);
    this.#admit(built);
    keep(this.#decodeGraphs, key, built);
    return built;
  }

  /** The graph of a pass over labelled rows. */
  score(capacity: BatchCapacity): ScoreGraph {
    const key = `${capacity.tokens}/${capacity.labels}`;
    const known = touch(this.#scoreGraphs, key);
    if (known) return known;
    const built = scoreGraph(this.#model, capacity, this.#positions);
    this.#admit(built);
    keep(this.#scoreGraphs, key, built);
    return built;
  }

  /** Makes room for the inputs and the slots of one more program. */
  #admit({ graph, inputs }: DecodeGraph | ScoreGraph): void {
    const { bytes } = inputs.block;
    if (bytes > this.#inputBytes) {
      this.#drop();
      this.#inputBytes = Math.max(bytes, Math.min(2 * bytes, this.#limits.maxBuffer));
    }
    this.#slots = assignSlots(this.#slots, planMemory(graph).slots).pool;
  }

  #drop(): void {
    this.#decodeGraphs.clear();
    this.#scoreGraphs.clear();
  }
}

/** The graph of this size, which is now the one that was used last. */
function touch<G>(graphs: Map<string, G>, key: string): G | undefined {
  const known = graphs.get(key);
  if (known === undefined) return undefined;
  graphs.delete(key);
  graphs.set(key, known);
  return known;
}

/** Adds a graph; the one that was used longest ago gives way. */
function keep<G>(graphs: Map<string, G>, key: string, built: G): void {
  graphs.set(key, built);
  const [oldest] = graphs.keys();
  if (graphs.size > MOST_GRAPHS && oldest !== undefined) graphs.delete(oldest);
}
