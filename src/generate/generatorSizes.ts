/**
 * @file What a generator holds from batch to batch, in numbers: how its buffers grow, and when that drops its programs.
 * The generator allocates by it, and the plan of a run counts by it.
 */

/** Rows of the rotary tables are a multiple of this. */
const POSITIONS_STEP = 128;

export interface GeneratorNeeds {
  /** Tokens of the longest sequence. */
  readonly positions?: number;
  /** Rows of the KV cache. */
  readonly cacheRows?: number;
  /** Bytes of a program's input block. */
  readonly inputBytes?: number;
}

/** What has to be allocated anew. */
export interface Growth {
  readonly rotary: boolean;
  readonly cache: boolean;
  readonly inputs: boolean;
  /** Programs bind these buffers, so all of them are dropped. */
  readonly any: boolean;
}

export class GeneratorSizes {
  #positions = 0;
  #cacheRows = 0;
  #inputBytes = 0;

  /** Rows of the rotary tables. */
  get positions(): number {
    return this.#positions;
  }

  get cacheRows(): number {
    return this.#cacheRows;
  }

  /** Bytes of the input buffer. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Makes room where something is too small. Inputs get twice what is needed, so that they grow rarely. */
  grow({ positions = 0, cacheRows = 0, inputBytes = 0 }: GeneratorNeeds): Growth {
    const rotary = this.#positions < positions;
    const cache = this.#cacheRows < cacheRows;
    const inputs = this.#inputBytes < inputBytes;
    if (rotary) this.#positions = Math.ceil(positions / POSITIONS_STEP) * POSITIONS_STEP;
    if (cache) this.#cacheRows = cacheRows;
    if (inputs) this.#inputBytes = 2 * inputBytes;
    return { rotary, cache, inputs, any: rotary || cache || inputs };
  }
}
