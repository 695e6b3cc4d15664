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
 * Attention binds the queries and the cache of a layer whole: where they exceed a binding, the batch is halved.
 */

import { BasinError, MemoryError } from "../base/error.ts";
import type { LabelledBatch } from "../batch/batch.ts";
import { promptBatch } from "../batch/cachedBatch.ts";
import { batchSize, examplesAt, packBatch } from "../batch/packBatch.ts";
import { type Excess, NO_EXCESS, isExcess } from "../engine/bindable.ts";
import type { Gpu } from "../engine/device.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdapterOnDevice } from "../model/lora.ts";
import type { TokenizedExample } from "../text/example.ts";
import { decodeSizes, longestRow, scorePasses } from "./batchShapes.ts";
import { Decoding, type GenerateOptions, newTokenLimits, optionsOfRows } from "./decoding.ts";
import { fittingBatches } from "./fittingBatches.ts";
import { InferencePrograms } from "./inferencePrograms.ts";
import { rowStreams } from "./sampling.ts";

export type { GenerateOptions } from "./decoding.ts";

export class Generator {
  readonly #model: LoadedModel;
  readonly #programs: InferencePrograms;

  constructor(gpu: Gpu, model: LoadedModel, adapter?: AdapterOnDevice) {
    this.#model = model;
    this.#programs = new InferencePrograms(gpu, model, adapter);
  }

  /**
   * Continue each prompt (token ids, not empty). Prompts that the device cannot answer together are answered in several
   * batches.
   * @returns the new tokens only, one list per prompt, in order
   * @throws MemoryError when one prompt alone is too large for the device
   */
  async generate(prompts: readonly (readonly number[])[], options: GenerateOptions): Promise<number[][]> {
    this.#checkIds(prompts);
    const streams = rowStreams(prompts);
    const lengths = prompts.map(({ length }) => length);
    const most = Math.max(0, ...newTokenLimits(options.maxNewTokens, prompts.length));
    const excess = (some: readonly number[]): Excess => (most < 1 ? NO_EXCESS : this.#programs.excess(some, most));
    const results: number[][] = [];
    for (const { from, to, excess: tooLarge } of fittingBatches(lengths, excess)) {
      if (isExcess(tooLarge)) throw this.#tooLong(from, lengths[from] ?? 0, most);
      const some = prompts.slice(from, to);
      const context = { vocabSize: this.#model.config.vocabSize, streams: streams.slice(from, to) };
      const decoding = new Decoding(some, optionsOfRows(options, from, to), context);
      results.push(...(await this.#generate(some, decoding, options.signal)));
    }
    return results;
  }

  async #generate(
    prompts: readonly (readonly number[])[],
    decoding: Decoding,
    signal: AbortSignal | undefined,
  ): Promise<number[][]> {
    const { results, wanted, maxNewTokens } = decoding;
    if (maxNewTokens < 1) return results;
    const lengths = prompts.map(({ length }) => length);
    const { prefillTokens, cacheRows, stride } = decodeSizes(lengths, maxNewTokens);
    this.#programs.reserve({ positions: stride, cacheRows });
    const prefill = await this.#programs.decode(prefillTokens, prompts.length);
    const first = [promptBatch(prompts, { tokens: prefillTokens, stride })];
    let outputs = await (await this.#programs.submit(prefill, { batches: first, wanted, signal }))();
    const step = await this.#programs.decode(prompts.length, prompts.length);
    for (;;) {
      for (const output of outputs) decoding.take(output);
      if (decoding.over || signal?.aborted === true) decoding.settle();
      if (decoding.over) return results;
      signal?.throwIfAborted();
      const read = await this.#programs.submit(step, { batches: decoding.nextBatches(stride), wanted, signal });
      // While the device works.
      decoding.settle();
      outputs = await read();
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
   * @returns one list per row; empty for a row without labels
   */
  async losses(
    rows: readonly TokenizedExample[],
    { onRows, signal }: { readonly onRows?: (done: number) => void; readonly signal?: AbortSignal } = {},
  ): Promise<number[][]> {
    this.#checkIds(rows.map(({ input_ids }) => input_ids));
    const { batches, capacity } = scorePasses(rows);
    const results: number[][] = [];
    for (const indices of batches) {
      signal?.throwIfAborted();
      const examples = examplesAt(rows, indices);
      const batch = packBatch(examples, { packing: true, capacity });
      const losses = batch.labelCount === 0 ? [] : await this.#rowLosses(batch, longestRow(rows));
      let at = 0;
      for (const example of examples)
        results.push(Array.from({ length: batchSize([example], true).labels }, () => losses[at++] ?? Number.NaN));
      onRows?.(results.length);
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
