/**
 * @file Batched decoding with a KV cache, and scoring.
 *
 * The prompts of a batch are packed into one pass (no padding), their keys and values go to the rows of a cache, one
 * region per sequence; then each pass adds one token per row. Greedy decoding runs several tokens per submit: the token
 * that argmax chose is copied on the device into the next pass's ids, and the host reads back only a few words to see
 * who has finished. Rows of unequal length never see each other, so a batch gives exactly what each prompt gives alone.
 */

import { type Gpu, createBuffer } from "../engine/device.ts";
import { SKIPPED_CACHE_ROW } from "../engine/marks.ts";
import { BasinError } from "../base/error.ts";
import type { ParameterStore } from "../engine/parameters.ts";
import { Program, SlotPool } from "../engine/program.ts";
import { type Storage, readStorage } from "../engine/storage.ts";
import type { Tensor } from "../engine/tensor.ts";
import { cacheLayout, tokenArrays } from "../model/inputs.ts";
import type { LoadedModel } from "../model/loadModel.ts";
import type { AdaptedModule } from "../model/lora.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import { encodeBatchScalars } from "../engine/batchScalars.ts";
import { type PackedBatch, batchSize, packBatch, pick } from "../text/batches.ts";
import type { TokenizedExample } from "../text/example.ts";
import { TOKENS_PER_SUBMIT, cacheRowsFor, roundedPrefill, scorePasses } from "./batchShapes.ts";
import { type GeneratorNeeds, GeneratorSizes } from "./generatorSizes.ts";
import { type DecodeGraph, type InferenceModel, type ScoreGraph, decodeGraph, scoreGraph } from "./generationGraph.ts";
import { tokenOdds, type TokenOdds } from "./tokenOdds.ts";
import { Sampler, type Sampling, isPlainGreedy, rowStreams } from "./sampling.ts";

export interface AdapterOnDevice {
  readonly modules: readonly AdaptedModule[];
  readonly parameters: ParameterStore;
}

export interface GenerateOptions {
  /** Of all rows, or one per row. */
  readonly maxNewTokens: number | readonly number[];
  /** A row ends when it makes one of these; the end token is not part of the result. */
  readonly endTokens: ReadonlySet<number>;
  /** Greedy when absent. */
  readonly sampling?: Sampling;
  /** Asked after each token (which is part of the result) whether its row shall end with it: stop strings. */
  readonly endsRow?: (row: number, token: number) => boolean;
  /** Called as tokens arrive, in order per row, after `endsRow`; asks for one token per submit. */
  readonly onToken?: (row: number, token: number) => void;
  /**
   * How likely each chosen token was, and the `most` likeliest. `take` is called in order per row, also for the token
   * that ends it, and up to one token later than `onToken`: the host works it out while the device makes the next one.
   */
  readonly odds?: { readonly most: number; readonly take: (row: number, odds: TokenOdds) => void };
  readonly signal?: AbortSignal;
}

interface Runnable<G> {
  readonly built: G;
  readonly program: Program;
}

/** A token and the logits that it was chosen from. */
interface Chosen {
  readonly row: number;
  readonly token: number;
  readonly logits: Float32Array;
}

export class Generator {
  readonly #gpu: Gpu;
  readonly #model: LoadedModel;
  readonly #adapter: AdapterOnDevice | undefined;
  readonly #pool: SlotPool;
  readonly #programs = new Map<string, Runnable<DecodeGraph>>();
  readonly #scorers = new Map<string, Runnable<ScoreGraph>>();
  #inputs: GPUBuffer | undefined;
  #rotary: RotaryTables | undefined;
  /** By the name of the graph's input. */
  readonly #cache = new Map<string, GPUBuffer>();
  #sizes = new GeneratorSizes();

  constructor(gpu: Gpu, model: LoadedModel, adapter?: AdapterOnDevice) {
    this.#gpu = gpu;
    this.#model = model;
    this.#adapter = adapter;
    this.#pool = new SlotPool(gpu);
  }

  /**
   * Continue each prompt (token ids, not empty).
   * @returns the new tokens only, one list per prompt, in order
   */
  async generate(prompts: readonly (readonly number[])[], options: GenerateOptions): Promise<number[][]> {
    if (prompts.length === 0) return [];
    this.#checkIds(prompts);
    const rows = prompts.length;
    const limits = prompts.map((_, row) =>
      typeof options.maxNewTokens === "number" ? options.maxNewTokens : (options.maxNewTokens[row] ?? 0),
    );
    const maxNewTokens = Math.max(...limits);
    const lengths = prompts.map((prompt) => prompt.length);
    const results: number[][] = prompts.map(() => []);
    if (maxNewTokens < 1) return results;
    const { rows: cacheRows, stride } = cacheRowsFor(lengths, maxNewTokens);
    await this.#grow({ positions: stride, cacheRows });

    const prefill = await this.#decode(roundedPrefill(lengths), rows);
    const samplers = rowSamplers(prompts, options.sampling);
    const vocabSize = this.#model.config.vocabSize;
    const wanted = samplers
      ? (["logits"] as const)
      : options.odds
        ? (["next", "logits"] as const)
        : (["next"] as const);
    const waiting: Chosen[] = [];
    const settle = (): void => {
      for (const { row, token, logits } of waiting.splice(0))
        options.odds?.take(row, tokenOdds(logits, token, options.odds.most));
    };
    let outputs = await (
      await this.#submit(prefill, [this.#prefillInputs(prefill.built, prompts, stride)], wanted, options.signal)
    )();
    const step = await this.#decode(rows, rows);
    const perSubmit = options.onToken || options.odds || samplers ? 1 : TOKENS_PER_SUBMIT;
    const finished = limits.map((limit) => limit < 1);

    let made = 0;
    let last = new Uint32Array(rows);
    for (;;) {
      for (const output of outputs) {
        const logits = wanted.length > 1 || samplers ? new Float32Array(output, samplers ? 0 : 4 * rows) : null;
        // Drawing changes the logits.
        const seen = options.odds ? (samplers ? logits?.slice() : logits) : null;
        last =
          samplers && logits ? sampleRows(samplers, logits, vocabSize, finished) : new Uint32Array(output, 0, rows);
        for (let row = 0; row < rows; row++) {
          if (finished[row]) continue;
          const token = last[row] ?? 0;
          if (seen) waiting.push({ row, token, logits: seen.subarray(row * vocabSize, (row + 1) * vocabSize) });
          if (options.endTokens.has(token)) finished[row] = true;
          else {
            results[row]?.push(token);
            const ends = options.endsRow?.(row, token) ?? false;
            options.onToken?.(row, token);
            if (ends || results[row]?.length === limits[row]) finished[row] = true;
          }
        }
        made += 1;
      }
      const over = finished.every(Boolean) || made >= maxNewTokens;
      if (over || options.signal?.aborted === true) settle();
      if (over) return results;
      options.signal?.throwIfAborted();
      const previous = last;
      const count = Math.min(perSubmit, maxNewTokens - made);
      const inputs = Array.from({ length: count }, (_, ahead) =>
        this.#stepInputs(step.built, prompts, stride, made - 1 + ahead, previous),
      );
      const read = await this.#submit(step, inputs, wanted, options.signal);
      settle();
      outputs = await read();
    }
  }

  /**
   * Natural log-probability of token t + 1 given tokens ≤ t.
   * @returns tokens.length - 1 values per sequence
   */
  async score(sequences: readonly (readonly number[])[]): Promise<number[][]> {
    this.#checkIds(sequences);
    const batch = packBatch(
      sequences.map((tokens) => ({ input_ids: tokens, labels: tokens })),
      { packing: true },
    );
    if (batch.labelCount === 0) return sequences.map(() => []);
    const losses = await this.#rowLosses(batch, longestOf(sequences));
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
      const examples = pick(rows, indices);
      const batch = packBatch(examples, { packing: true, capacity });
      const losses =
        batch.labelCount === 0 ? [] : await this.#rowLosses(batch, longestOf(rows.map(({ input_ids }) => input_ids)));
      let at = 0;
      for (const example of examples)
        results.push(Array.from({ length: batchSize([example], true).labels }, () => losses[at++] ?? Number.NaN));
      onRows?.(results.length);
    }
    return results;
  }

  /** One pass over a batch: the loss of each of its label rows, fillers last. */
  async #rowLosses(batch: PackedBatch, longest: number): Promise<Float32Array> {
    await this.#grow({ positions: longest });
    const { built, program } = await this.#score(batch);
    const bytes = built.block.encode({
      ...tokenArrays(this.#model.config, batch),
      rows: batch.labelRows,
      targets: batch.labelTargets,
      batch: new Uint32Array(encodeBatchScalars({ seed: 0, counter: 0, lossScale: 1 })),
    });
    const inputs = await this.#inputBuffer(built.block.bytes);
    this.#gpu.device.queue.writeBuffer(inputs, 0, bytes);
    const encoder = this.#gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.record(pass);
    pass.end();
    this.#gpu.device.queue.submit([encoder.finish()]);
    const losses = new Float32Array(await readStorage(this.#gpu, program.storageOf(built.rowLoss)));
    this.#gpu.check();
    return losses;
  }

  destroy(): void {
    this.#release();
    this.#pool.destroy();
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

  #inference(): InferenceModel {
    return {
      config: this.#model.config,
      dtype: (name) => this.#model.dtype(name),
      modules: this.#adapter?.modules ?? [],
      positions: this.#sizes.positions,
    };
  }

  /** Makes room; what grows drops the programs that bind the old buffers. */
  async #grow(needs: GeneratorNeeds): Promise<void> {
    const grown = this.#sizes.grow(needs);
    if (!grown.any) return;
    this.#dropPrograms();
    try {
      if (grown.rotary) await this.#growRotary();
      if (grown.cache) await this.#growCache();
      if (grown.inputs) await this.#growInputs();
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  async #growRotary(): Promise<void> {
    this.#rotary?.destroy();
    this.#rotary = undefined;
    this.#rotary = await RotaryTables.create(this.#gpu, this.#model.config, this.#sizes.positions);
  }

  /** Keys and values of each layer, [cacheRows, kvHeads · headDim]. */
  async #growCache(): Promise<void> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    for (const buffer of this.#cache.values()) buffer.destroy();
    this.#cache.clear();
    for (const { keys, values, width } of cacheLayout(this.#model.config)) {
      for (const name of [keys, values])
        this.#cache.set(name, await createBuffer(this.#gpu, 4 * this.#sizes.cacheRows * width, usage, name));
    }
  }

  async #growInputs(): Promise<void> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#inputs?.destroy();
    this.#inputs = undefined;
    this.#inputs = await createBuffer(this.#gpu, this.#sizes.inputBytes, usage, "inputs");
  }

  async #inputBuffer(inputBytes: number): Promise<GPUBuffer> {
    await this.#grow({ inputBytes });
    return this.#inputs ?? never();
  }

  /** Frees everything but the slots. */
  #release(): void {
    this.#dropPrograms();
    this.#inputs?.destroy();
    this.#inputs = undefined;
    this.#rotary?.destroy();
    this.#rotary = undefined;
    for (const buffer of this.#cache.values()) buffer.destroy();
    this.#cache.clear();
    this.#sizes = new GeneratorSizes();
  }

  #external(block: DecodeGraph["block"], inputs: GPUBuffer): (tensor: Tensor) => Storage | undefined {
    return (tensor) => {
      const whole = (buffer: GPUBuffer): Storage => ({
        parts: [{ row: 0, rows: tensor.shape[0] ?? 1, view: { buffer, offset: 0, size: buffer.size } }],
      });
      const cached = this.#cache.get(tensor.name);
      if (cached && tensor.kind === "input") return whole(cached);
      if (tensor.kind === "input") return this.#rotary?.storageOf(tensor) ?? block.storageIn(inputs, tensor.name);
      return this.#model.storageOf(tensor) ?? this.#adapter?.parameters.storageOf(tensor);
    };
  }

  async #decode(tokens: number, rows: number): Promise<Runnable<DecodeGraph>> {
    const key = `${tokens}/${rows}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const built = decodeGraph(this.#inference(), tokens, rows, this.#sizes.cacheRows);
    const inputs = await this.#inputBuffer(built.block.bytes);
    const program = await Program.create(this.#gpu, {
      graph: built.graph,
      pool: this.#pool,
      external: this.#external(built.block, inputs),
    });
    const runnable = { built, program };
    this.#programs.set(key, runnable);
    return runnable;
  }

  async #score(batch: PackedBatch): Promise<Runnable<ScoreGraph>> {
    const key = `${batch.tokens}/${batch.labelTargets.length}`;
    const known = this.#scorers.get(key);
    if (known) return known;
    const built = scoreGraph(this.#inference(), { tokens: batch.tokens, labels: batch.labelTargets.length });
    const inputs = await this.#inputBuffer(built.block.bytes);
    const program = await Program.create(this.#gpu, {
      graph: built.graph,
      pool: this.#pool,
      external: this.#external(built.block, inputs),
    });
    const runnable = { built, program };
    this.#scorers.set(key, runnable);
    return runnable;
  }

  #dropPrograms(): void {
    for (const { program } of [...this.#programs.values(), ...this.#scorers.values()]) program.destroy();
    this.#programs.clear();
    this.#scorers.clear();
  }

  #prefillInputs(built: DecodeGraph, prompts: readonly (readonly number[])[], stride: number): Uint8Array<ArrayBuffer> {
    const tokens = built.block.words("ids");
    const ids = new Uint32Array(tokens);
    const positions = new Uint32Array(tokens);
    const bounds = new Uint32Array(4 * tokens);
    const slots = new Uint32Array(tokens).fill(SKIPPED_CACHE_ROW);
    const last = new Uint32Array(prompts.length);
    let at = 0;
    prompts.forEach((prompt, row) => {
      const base = row * stride;
      prompt.forEach((token, position) => {
        ids[at] = token;
        positions[at] = position;
        bounds.set([base, base + position + 1, 0, 0], 4 * at);
        slots[at] = base + position;
        at += 1;
      });
      last[row] = at - 1;
    });
    // Filler tokens write nothing and look at the first cache row, which the first prompt has just written.
    for (; at < tokens; at++) bounds.set([0, 1, 0, 0], 4 * at);
    return built.block.encode({ ...tokenArrays(this.#model.config, { ids, positions, bounds }), slots, last });
  }

  #stepInputs(
    built: DecodeGraph,
    prompts: readonly (readonly number[])[],
    stride: number,
    made: number,
    previous: Uint32Array,
  ): Uint8Array<ArrayBuffer> {
    const rows = prompts.length;
    const positions = new Uint32Array(rows);
    const bounds = new Uint32Array(4 * rows);
    const slots = new Uint32Array(rows);
    prompts.forEach((prompt, row) => {
      const position = prompt.length + made;
      positions[row] = position;
      slots[row] = row * stride + position;
      bounds.set([row * stride, row * stride + position + 1, 0, 0], 4 * row);
    });
    return built.block.encode({
      ...tokenArrays(this.#model.config, { ids: previous, positions, bounds }),
      slots,
      last: Uint32Array.from({ length: rows }, (_, row) => row),
    });
  }

  /**
   * Run a program once per block of inputs, in one submit. From the second on, ids are the tokens that the pass before
   * chose.
   * @param wanted what is read back of each pass, one after the other: the tokens that the device chose (u32[B]), the
   *   logits to choose from (f32[B, vocabSize])
   * @returns once submitted, what waits for the device and reads
   */
  async #submit(
    { built, program }: Runnable<DecodeGraph>,
    blocks: readonly Uint8Array<ArrayBuffer>[],
    wanted: readonly ("next" | "logits")[],
    signal: AbortSignal | undefined,
  ): Promise<() => Promise<ArrayBuffer[]>> {
    signal?.throwIfAborted();
    const { device } = this.#gpu;
    const inputs = await this.#inputBuffer(built.block.bytes);
    const next = program.storageOf(built.next).parts[0]?.view ?? never();
    const views = wanted.flatMap((name) => program.storageOf(built[name]).parts.map(({ view }) => view));
    const size = views.reduce((sum, view) => sum + view.size, 0);
    const upload = device.createBuffer({
      size: built.block.bytes * blocks.length,
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    const staging = device.createBuffer({
      size: Math.max(16, size * blocks.length),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = device.createCommandEncoder();
    blocks.forEach((bytes, index) => {
      device.queue.writeBuffer(upload, index * built.block.bytes, bytes);
      encoder.copyBufferToBuffer(upload, index * built.block.bytes, inputs, 0, built.block.bytes);
      if (index > 0) encoder.copyBufferToBuffer(next.buffer, next.offset, inputs, 0, next.size);
      const pass = encoder.beginComputePass();
      program.record(pass);
      pass.end();
      let at = index * size;
      for (const view of views) {
        encoder.copyBufferToBuffer(view.buffer, view.offset, staging, at, view.size);
        at += view.size;
      }
    });
    device.queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(GPUMapMode.READ);
    // Whoever submits may fail before it reads.
    mapped.catch(() => undefined);
    return async () => {
      await mapped;
      const bytes = staging.getMappedRange();
      const outputs = blocks.map((_, index) => bytes.slice(index * size, (index + 1) * size));
      staging.destroy();
      upload.destroy();
      this.#gpu.check();
      return outputs;
    };
  }
}

/**
 * The next token of each row. A row that has finished goes on with token 0, which nobody reads.
 * @param logits [B, vocabSize]
 */
function sampleRows(
  samplers: readonly Sampler[],
  logits: Float32Array,
  width: number,
  finished: readonly boolean[],
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(samplers, (sampler, row) =>
    finished[row] ? 0 : sampler.next(logits.subarray(row * width, (row + 1) * width)),
  );
}

/** Undefined where the device's argmax says it all. */
function rowSamplers(prompts: readonly (readonly number[])[], sampling: Sampling | undefined): Sampler[] | undefined {
  if (sampling === undefined || isPlainGreedy(sampling)) return undefined;
  const streams = rowStreams(prompts);
  return prompts.map((prompt, row) => new Sampler(sampling, streams[row] ?? never(), prompt));
}

function longestOf(sequences: readonly (readonly number[])[]): number {
  return sequences.reduce((most, { length }) => Math.max(most, length), 1);
}

function never(): never {
  throw new Error("unreachable");
}
