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
import { planMemory } from "../engine/plan.ts";
import { kernelParameterBytes } from "../engine/program.ts";
import { assignSlots } from "../engine/slots.ts";
import { cacheLayout } from "../model/kvCache.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
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

export class GeneratorSizes {
  readonly #model: InferenceModel;
  readonly #decodeGraphs = new Map<string, DecodeGraph>();
  readonly #scoreGraphs = new Map<string, ScoreGraph>();
  /** Bytes of the buffers that all programs share. */
  #slots: readonly number[] = [];
  #positions = 0;
  #cacheRows = 0;
  #inputBytes = 0;

  constructor(model: InferenceModel) {
    this.#model = model;
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
      this.#positions = Math.ceil(positions / POSITIONS_STEP) * POSITIONS_STEP;
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
      this.#inputBytes = 2 * bytes;
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
