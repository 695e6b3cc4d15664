/**
 * @file The bookkeeping of one batch of answers: which token each row takes next, which rows have finished, and what is
 * passed on about every token. The device is not its business.
 */

import type { CachedBatch } from "../batch/batch.ts";
import { nextTokenBatch } from "../batch/cachedBatch.ts";
import { TOKENS_PER_SUBMIT } from "./batchShapes.ts";
import type { DecodeOutput } from "./inferencePrograms.ts";
import { Sampler, type Sampling, isPlainGreedy } from "./sampling.ts";
import { type TokenOdds, tokenOdds } from "./tokenOdds.ts";

export interface GenerateOptions {
  /** Of all rows, or one per row. */
  readonly maxNewTokens: number | readonly number[];
  /** A row ends when it makes one of these; the end token is not part of the result. */
  readonly endTokens: ReadonlySet<number>;
  /** Greedy when absent. */
  readonly sampling?: Sampling;
  /** Called after each token (which is part of the result); true ends the row with it: stop strings. */
  readonly endsRow?: (row: number, token: number) => boolean;
  /** Called as tokens arrive, in order per row, after `endsRow`; takes one token per submit. */
  readonly onToken?: (row: number, token: number) => void;
  /**
   * How likely each chosen token was, and the `most` likeliest. `take` is called in order per row, also for the token
   * that ends it, and up to one token later than `onToken`: the host computes it while the device makes the next one.
   */
  readonly odds?: { readonly most: number; readonly take: (row: number, odds: TokenOdds) => void };
  readonly signal?: AbortSignal;
}

/** A token whose odds are not computed yet. */
interface Chosen {
  readonly row: number;
  readonly token: number;
  readonly logits: Float32Array;
}

export class Decoding {
  /** The new tokens of each row. */
  readonly results: number[][];
  /** What is read back of each pass. */
  readonly wanted: readonly DecodeOutput[];
  readonly #prompts: readonly (readonly number[])[];
  readonly #options: GenerateOptions;
  readonly #vocabSize: number;
  /** New tokens of each row at most. */
  readonly #limits: readonly number[];
  /** Undefined where the device's argmax says it all. */
  readonly #samplers: readonly Sampler[] | undefined;
  readonly #finished: boolean[];
  readonly #waiting: Chosen[] = [];
  /** Passes taken, each of which made a token per row. */
  #made = 0;
  /** The last token of each row. */
  readonly #last: Uint32Array;

  /** @param streams names of the rows' random streams, see `rowStreams` */
  constructor(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
    { vocabSize, streams }: { readonly vocabSize: number; readonly streams: readonly string[] },
  ) {
    const { maxNewTokens, sampling, odds } = options;
    this.#prompts = prompts;
    this.#options = options;
    this.#vocabSize = vocabSize;
    this.#limits = newTokenLimits(maxNewTokens, prompts.length);
    this.#samplers = rowSamplers(prompts, sampling, streams);
    this.#finished = this.#limits.map((limit) => limit < 1);
    this.#last = new Uint32Array(prompts.length);
    this.results = prompts.map(() => []);
    this.wanted = this.#samplers ? ["logits"] : odds ? ["next", "logits"] : ["next"];
  }

  /** Of the row that may have most. */
  get maxNewTokens(): number {
    return Math.max(...this.#limits);
  }

  get over(): boolean {
    return this.#finished.every(Boolean) || this.#made >= this.maxNewTokens;
  }

  /**
   * Takes what one pass gave: a token for each row, or for rows `from` to `to` (exclusive). Passes over parts of the
   * rows come in order.
   */
  take(output: ArrayBuffer, from = 0, to = this.#prompts.length): void {
    const rows = to - from;
    const samplers = this.#samplers;
    const logits = this.wanted.includes("logits") ? new Float32Array(output, samplers ? 0 : 4 * rows) : null;
    // Drawing changes the logits.
    const seen = this.#options.odds ? (samplers ? logits?.slice() : logits) : null;
    const next = samplers && logits ? this.#draw(samplers, logits, from, to) : new Uint32Array(output, 0, rows);
    this.#last.set(next, from);
    next.forEach((token, index) => {
      const row = from + index;
      if (this.#finished[row]) return;
      if (seen) this.#waiting.push({ row, token, logits: this.#ofRow(seen, index) });
      this.#add(row, token);
    });
    if (to === this.#prompts.length) this.#made += 1;
  }

  /** Passes on the odds of the tokens taken so far. */
  settle(): void {
    const { odds } = this.#options;
    for (const { row, token, logits } of this.#waiting.splice(0)) odds?.take(row, tokenOdds(logits, token, odds.most));
  }

  /** The passes of the next submit: several where nobody looks at single tokens. */
  nextBatches(stride: number): CachedBatch[] {
    const { onToken, odds } = this.#options;
    const perSubmit = onToken || odds || this.#samplers ? 1 : TOKENS_PER_SUBMIT;
    const count = Math.min(perSubmit, this.maxNewTokens - this.#made);
    const ids = this.#last;
    return Array.from({ length: count }, (_, ahead) => {
      const before = this.#made - 1 + ahead;
      return nextTokenBatch(
        ids,
        this.#prompts.map(({ length }) => length + before),
        stride,
      );
    });
  }

  #add(row: number, token: number): void {
    const { endTokens, endsRow, onToken } = this.#options;
    if (endTokens.has(token)) {
      this.#finished[row] = true;
      return;
    }
    const tokens = this.results[row];
    tokens?.push(token);
    const ends = endsRow?.(row, token) ?? false;
    onToken?.(row, token);
    if (ends || tokens?.length === this.#limits[row]) this.#finished[row] = true;
  }

  /**
   * The next token of rows `from` to `to`. A finished row continues with token 0, which nobody reads.
   * @param logits [to - from, vocabSize]
   */
  #draw(samplers: readonly Sampler[], logits: Float32Array, from: number, to: number): Uint32Array {
    return Uint32Array.from(samplers.slice(from, to), (sampler, index) =>
      this.#finished[from + index] ? 0 : sampler.next(this.#ofRow(logits, index)),
    );
  }

  #ofRow(logits: Float32Array, index: number): Float32Array {
    return logits.subarray(index * this.#vocabSize, (index + 1) * this.#vocabSize);
  }
}

function rowSamplers(
  prompts: readonly (readonly number[])[],
  sampling: Sampling | undefined,
  streams: readonly string[],
): Sampler[] | undefined {
  if (sampling === undefined || isPlainGreedy(sampling)) return undefined;
  return prompts.map((prompt, row) => new Sampler(sampling, streams[row] ?? "", prompt));
}

/** How many new tokens each of so many rows may have. */
export function newTokenLimits(maxNewTokens: GenerateOptions["maxNewTokens"], rows: number): number[] {
  return Array.from({ length: rows }, (_, row) =>
    typeof maxNewTokens === "number" ? maxNewTokens : (maxNewTokens[row] ?? 0),
  );
}

/** The options of rows `from` to `to` (exclusive), which are answered by themselves. */
export function optionsOfRows(options: GenerateOptions, from: number, to: number): GenerateOptions {
  const { maxNewTokens, endsRow, onToken, odds } = options;
  return {
    ...options,
    maxNewTokens: typeof maxNewTokens === "number" ? maxNewTokens : maxNewTokens.slice(from, to),
    ...(endsRow ? { endsRow: (row: number, token: number) => endsRow(from + row, token) } : {}),
    ...(onToken ? { onToken: (row: number, token: number) => onToken(from + row, token) } : {}),
    ...(odds ? { odds: { ...odds, take: (row: number, found: TokenOdds) => odds.take(from + row, found) } } : {}),
  };
}
