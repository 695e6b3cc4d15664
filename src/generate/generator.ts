/**
 * @file Batched decoding with a KV cache, and scoring.
 *
 * The prompts of a batch are packed into one pass (no padding), their keys and values go to the rows of a cache, one
 * region per sequence; then each pass adds one token per row. Greedy decoding runs several tokens per submit: the token
 * that argmax chose is copied on the device into the next pass's ids, and the host reads back only a few words to see
 * who has finished.
 *
 * Prompts of a batch never see each other. On software adapters the numbers of a batch are bit for bit those of each
 * prompt alone. On GPUs the kernel depends on the number of rows, and attention's tiles on what lies beside a row: sums
 * run in another order, the last digits differ, and a token can where two are almost equally likely.
 * Attention binds the queries and the cache of a layer whole. Where the cache of a batch exceeds a binding, the batch
 * is halved; where only the pass over its prompts is too large, they are read in several passes into the same cache.
 */

import { BasinError, MemoryError } from "../base/error.ts";
import type { LabelledBatch } from "../batch/batch.ts";
import { promptBatch } from "../batch/cachedBatch.ts";
import { batchSize, examplesAt, packBatch } from "../batch/packBatch.ts";
import { isExcess } from "../engine/bindable.ts";
import type { Gpu } from "../engine/device.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdapterOnDevice } from "../model/lora.ts";
import type { TokenizedExample } from "../text/example.ts";
import { decodeSizes, longestRow, prefillTokens, scorePasses } from "./batchShapes.ts";
import { Decoding, type GenerateOptions, newTokenLimits, optionsOfRows } from "./decoding.ts";
import type { PromptRange } from "./fittingBatches.ts";
import { InferencePrograms } from "./inferencePrograms.ts";
import { rowStreams } from "./sampling.ts";

export type { GenerateOptions } from "./decoding.ts";

/** How one batch is answered. */
interface BatchRequest {
  readonly decoding: Decoding;
  /** Rows that each of the passes over the prompts reads. */
  readonly reads: readonly PromptRange[];
  readonly signal: AbortSignal | undefined;
}

export interface LossesOptions {
  /** Called after each pass with the number of rows that are done, and their losses. */
  readonly onRows?: (done: number, losses: readonly (readonly number[])[]) => void;
  /** Rows before this one are not needed: passes that hold no others are skipped. The others are the same passes. */
  readonly from?: number;
  readonly signal?: AbortSignal;
}

export class Generator {
  readonly #model: LoadedModel;
  readonly #programs: InferencePrograms;

  constructor(gpu: Gpu, model: LoadedModel, adapter?: AdapterOnDevice) {
    this.#model = model;
    this.#programs = new InferencePrograms(gpu, model, adapter);
  }

  /**
   * Continue each prompt (token ids, not empty). Prompts that the device cannot read or answer together are read in
   * several passes or answered in several batches.
   * @returns the new tokens only, one list per prompt, in order
   * @throws MemoryError when one prompt alone is too large for the device
   */
  async generate(prompts: readonly (readonly number[])[], options: GenerateOptions): Promise<number[][]> {
    this.#checkIds(prompts);
    const streams = rowStreams(prompts);
    const lengths = prompts.map(({ length }) => length);
    const most = Math.max(0, ...newTokenLimits(options.maxNewTokens, prompts.length));
    if (most < 1) return prompts.map(() => []);
    const results: number[][] = [];
    for (const batch of this.#programs.batches(lengths, most)) {
      const { from, to, reads } = batch;
      const tooLarge = [batch, ...reads].find(({ excess }) => isExcess(excess));
      if (tooLarge) throw this.#tooLong(tooLarge.from, lengths[tooLarge.from] ?? 0, most);
      const some = prompts.slice(from, to);
      const context = { vocabSize: this.#model.config.vocabSize, streams: streams.slice(from, to) };
      const decoding = new Decoding(some, optionsOfRows(options, from, to), context);
      const ranges = reads.map((read) => ({ from: read.from - from, to: read.to - from }));
      results.push(...(await this.#generate(some, { decoding, reads: ranges, signal: options.signal })));
    }
    return results;
  }

  async #generate(
    prompts: readonly (readonly number[])[],
    { decoding, reads, signal }: BatchRequest,
  ): Promise<number[][]> {
    const { results, wanted, maxNewTokens } = decoding;
    if (maxNewTokens < 1) return results;
    const lengths = prompts.map(({ length }) => length);
    const { cacheRows, stride } = decodeSizes(lengths, maxNewTokens);
    this.#programs.reserve({ positions: stride, cacheRows });
    for (const { from, to } of reads) {
      const tokens = prefillTokens(lengths.slice(from, to));
      const prefill = await this.#programs.decode(tokens, to - from);
      const batches = [promptBatch(prompts.slice(from, to), { tokens, stride, first: from })];
      const outputs = await (await this.#programs.submit(prefill, { batches, wanted, signal }))();
      for (const output of outputs) decoding.take(output, from, to);
    }
    const step = await this.#programs.decode(prompts.length, prompts.length);
    for (;;) {
      if (decoding.over || signal?.aborted === true) decoding.settle();
      if (decoding.over) return results;
      signal?.throwIfAborted();
      const read = await this.#programs.submit(step, { batches: decoding.nextBatches(stride), wanted, signal });
      // While the device works.
      decoding.settle();
      for (const output of await read()) decoding.take(output);
    }
  }

  /**
   * Natural log-probability of token t + 1 given tokens ≤ t.
   * @returns tokens.length - 1 values per sequence
   */
  async score(sequences: readonly (readonly number[])[]): Promise<number[][]> {
    this.#checkIds(sequences);
    const rows = sequences.map((tokens) => ({ input_ids: tokens, labels: tokens }));
    const batch = packBatch(rows, { packing: true });
    if (batch.labelCount === 0) return sequences.map(() => []);
    const losses = await this.#rowLosses(batch, longestRow(rows));
    let at = 0;
    return sequences.map((tokens) =>
      Array.from({ length: Math.max(0, tokens.length - 1) }, () => -(losses[at++] ?? Number.NaN)),
    );
  }

  /**
   * Loss of each labelled token (nats), as training takes it, without a gradient. Rows are packed into passes of one
   * size.
   * @returns one list per row; empty for a row without labels, and for those before `from`
   */
  async losses(
    rows: readonly TokenizedExample[],
    { onRows, from = 0, signal }: LossesOptions = {},
  ): Promise<number[][]> {
    this.#checkIds(rows.map(({ input_ids }) => input_ids));
    const { batches, capacity } = scorePasses(rows);
    const results: number[][] = [];
    for (const indices of batches) {
      signal?.throwIfAborted();
      if (indices.every((row) => row < from)) {
        results.push(...indices.map(() => []));
        continue;
      }
      const examples = examplesAt(rows, indices);
      const batch = packBatch(examples, { packing: true, capacity });
      const losses = batch.labelCount === 0 ? [] : await this.#rowLosses(batch, longestRow(rows));
      let at = 0;
      for (const example of examples)
        results.push(Array.from({ length: batchSize([example], true).labels }, () => losses[at++] ?? Number.NaN));
      onRows?.(results.length, results);
    }
    return results;
  }

  destroy(): void {
    this.#programs.destroy();
  }

  /** One pass over a batch: the loss of each of its label rows, fillers last. */
  async #rowLosses(batch: LabelledBatch, longest: number): Promise<Float32Array> {
    this.#programs.reserve({ positions: longest, cacheRows: 0 });
    const runnable = await this.#programs.score({ tokens: batch.tokens, labels: batch.labelTargets.length });
    return this.#programs.rowLosses(runnable, batch);
  }

  #tooLong(row: number, tokens: number, maxNewTokens: number): MemoryError {
    return new MemoryError({
      what: `A prompt of ${tokens} tokens with an answer of up to ${maxNewTokens} is too large for this device`,
      where: `${this.#model.name}, sequence ${row + 1}`,
      fix: "Shorten the prompt or lower the maximum number of new tokens.",
    });
  }

  #checkIds(sequences: readonly (readonly number[])[]): void {
    const { vocabSize, maxPositions } = this.#model.config;
    sequences.forEach((tokens, row) => {
      const where = `${this.#model.name}, sequence ${row + 1}`;
      if (tokens.length === 0)
        throw new BasinError({ what: "There are no tokens to start from", where, fix: "Give at least one token." });
      const wrong = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabSize);
      if (wrong !== undefined)
        throw new BasinError({
          what: `The token id ${wrong} is not in the vocabulary (0 … ${vocabSize - 1})`,
          where,
          fix: "Use the tokenizer that belongs to the model.",
        });
      if (tokens.length > maxPositions)
        throw new BasinError({
          what: `The sequence has ${tokens.length} tokens, the model was made for ${maxPositions}`,
          where,
          fix: "Shorten it.",
        });
    });
  }
}
