/**
 * @file A text classifier in ONNX with the tokenizer that belongs to it, in the layout in which the hub keeps them:
 *
 *     config.json            id2label, problem_type, max_position_embeddings
 *     tokenizer.json         and tokenizer_config.json where there is one
 *     onnx/model.onnx        or model.onnx, or onnx/model_quantized.onnx
 *
 * Texts are tokenised with the special tokens of the tokenizer's post-processor, a pair as the model was trained on
 * pairs (transformers: `tokenizer(prompt, answer)`), padded on the right to the longest of a batch. Logits become
 * shares as transformers' text-classification pipeline makes them: a sigmoid for one logit or problem_type
 * "multi_label_classification", else a softmax.
 *
 * onnxruntime is handed in: the lab's judge worker and the command line load it, each in its own way, and only when it
 * is needed.
 */
import type { Tokenizer } from "@huggingface/tokenizers";
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { BasinError } from "../../base/error.ts";
import { buildTokenizer } from "../../text/buildTokenizer.ts";
import { MAX_CHUNK_BYTES, readJson, type ByteSource } from "../../weights/byteSource.ts";

/** What is classified: a text, or a text and the one that follows it. */
export type ClassifierInput = readonly [text: string] | readonly [text: string, pair: string];

export interface TextClassifier {
  /** In the order of the shares. */
  readonly labels: readonly string[];
  /** Several labels may hold at once; their shares do not add up to 1. */
  readonly multiLabel: boolean;
  /** What computes: "WASM", "WebGPU". */
  readonly runsOn: string;
  /** The share of each label (0 … 1) for each input. */
  classify(inputs: readonly ClassifierInput[], signal?: AbortSignal): Promise<readonly (readonly number[])[]>;
  close(): Promise<void>;
}

/** The part of onnxruntime-web that is used. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: "int64", data: BigInt64Array, dims: readonly number[]) => Tensor;
}

export interface ClassifierRuntime {
  readonly provider: "wasm" | "webgpu";
  load(): Promise<OnnxRuntime>;
}

/** In the order in which they are looked for. */
export const MODEL_FILES = ["onnx/model.onnx", "model.onnx", "onnx/model_quantized.onnx"] as const;

/** WebAssembly addresses 4 GiB, of which the model is not all; a browser tab gives less. */
const MOST_BYTES = 2 ** 31;
/** Texts that go through together. */
const BATCH = 16;
/** Tokens of an input where the model's files set no limit. */
const DEFAULT_TOKENS = 512;

/**
 * @param runtimes what may compute a model of so many bytes, the best first; the next is tried where one cannot load it
 * @throws BasinError when a file is missing or malformed, or the model is none that classifies texts
 */
export async function openTextClassifier(
  source: ByteSource,
  runtimes: (bytes: number) => Promise<readonly ClassifierRuntime[]>,
  signal?: AbortSignal,
): Promise<TextClassifier> {
  const where = source.name;
  if (!(await source.has("config.json", signal)))
    throw lacking(where, "config.json", "It names the classes (id2label).");
  const config = record(await readJson(source, "config.json", signal));
  const labels = labelsOf(config, where);
  const tokenizer = await openTokenizer(source, signal);
  const path = await firstOf(source, MODEL_FILES, signal);
  if (path === null)
    throw lacking(
      where,
      MODEL_FILES.join(", ").replace(/, ([^,]*)$/, " or $1"),
      "Export the model to ONNX first (optimum-cli export onnx --task text-classification).",
    );
  const file = `${where}: ${path}`;
  const bytes = await wholeFile(source, path, signal);
  const { session, ort, provider } = await start(bytes, await runtimes(bytes.byteLength), file);
  return new OnnxClassifier({
    session,
    ort,
    file,
    labels,
    multiLabel: config.problem_type === "multi_label_classification" || labels.length === 1,
    runsOn: provider === "wasm" ? "WASM" : "WebGPU",
    tokenizer,
    limit: tokenLimit(config, tokenizer.settings),
  });
}

interface ClassifierParts extends Pick<TextClassifier, "labels" | "multiLabel" | "runsOn"> {
  readonly session: InferenceSession;
  readonly ort: OnnxRuntime;
  /** Names the model in errors. */
  readonly file: string;
  readonly tokenizer: Awaited<ReturnType<typeof openTokenizer>>;
  /** Tokens of an input, at most. */
  readonly limit: number;
}

/** Token ids and token types of one input. */
type Encoded = readonly (readonly number[])[];

class OnnxClassifier implements TextClassifier {
  readonly labels: readonly string[];
  readonly multiLabel: boolean;
  readonly runsOn: string;
  readonly #parts: ClassifierParts;
  readonly #inputs: readonly string[];
  readonly #output: string;

  constructor(parts: ClassifierParts) {
    const { session, file } = parts;
    this.labels = parts.labels;
    this.multiLabel = parts.multiLabel;
    this.runsOn = parts.runsOn;
    this.#parts = parts;
    this.#inputs = inputNames(session, file);
    this.#output = session.outputNames.includes("logits") ? "logits" : (session.outputNames[0] ?? "");
  }

  async classify(texts: readonly ClassifierInput[], aborted?: AbortSignal): Promise<readonly (readonly number[])[]> {
    const results: number[][] = [];
    for (let at = 0; at < texts.length; at += BATCH) {
      aborted?.throwIfAborted();
      results.push(...(await this.#batch(texts.slice(at, at + BATCH))));
    }
    return results;
  }

  close(): Promise<void> {
    return this.#parts.session.release();
  }

  async #batch(texts: readonly ClassifierInput[]): Promise<number[][]> {
    const { tokenizer, limit, session } = this.#parts;
    const rows = texts.map((input): Encoded => encodeWithin(tokenizer.tokenizer, input, limit));
    const found = (await session.run(this.#feeds(rows)))[this.#output];
    const logits = found?.type === "float32" ? (found.data as Float32Array) : new Float32Array();
    const count = this.labels.length;
    if (logits.length !== rows.length * count) throw this.#misshapen(rows.length, found);
    return rows.map((_, r) => shares([...logits.subarray(r * count, (r + 1) * count)], this.multiLabel));
  }

  /** Tensors of [rows, longest row], padded on the right. */
  #feeds(rows: readonly Encoded[]): Record<string, Tensor> {
    const { ort, tokenizer } = this.#parts;
    const length = Math.max(1, ...rows.map(([ids = []]) => ids.length));
    const valueOf: Readonly<Record<string, (row: Encoded, t: number) => number>> = {
      input_ids: ([ids = []], t) => ids[t] ?? tokenizer.padId,
      attention_mask: ([ids = []], t) => (t < ids.length ? 1 : 0),
    };
    const types = ([, found = []]: Encoded, t: number): number => found[t] ?? 0;
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#inputs) {
      const data = new BigInt64Array(rows.length * length);
      const value = valueOf[name] ?? types;
      rows.forEach((row, r) => {
        for (let t = 0; t < length; t += 1) data[r * length + t] = BigInt(value(row, t));
      });
      feeds[name] = new ort.Tensor("int64", data, [rows.length, length]);
    }
    return feeds;
  }

  #misshapen(rows: number, found: Tensor | undefined): BasinError {
    const shape = `${JSON.stringify(found?.dims ?? [])} (${found?.type ?? "missing"})`;
    return new BasinError({
      what: `The output ${this.#output} has the shape ${shape}, not ${rows} × ${this.labels.length} numbers (float32)`,
      where: this.#parts.file,
      fix: "Give a model that classifies whole texts, with as many outputs as config.json names classes (id2label).",
    });
  }
}

interface Started {
  readonly session: InferenceSession;
  readonly ort: OnnxRuntime;
  readonly provider: ClassifierRuntime["provider"];
}

async function start(model: Uint8Array, runtimes: readonly ClassifierRuntime[], where: string): Promise<Started> {
  let cause: unknown = new Error("there is nothing to compute it with");
  for (const { provider, load } of runtimes) {
    try {
      const ort = await load();
      return {
        session: await ort.InferenceSession.create(model, {
          executionProviders: [provider],
          graphOptimizationLevel: "all",
        }),
        ort,
        provider,
      };
    } catch (error) {
      cause = error;
    }
  }
  const external = /external data|_data\b/i.test(String(cause));
  throw new BasinError({
    what: external
      ? "The model keeps its weights in a second file (external data), which Basin does not read"
      : `The model cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
    where,
    fix: external
      ? "Export it as one file, below 2 GB; quantised if it is larger."
      : "Check that it is an ONNX file of operators that onnxruntime-web knows.",
    cause,
  });
}

/** Logits of one text as shares. */
export function shares(logits: readonly number[], multiLabel: boolean): number[] {
  if (multiLabel) return logits.map((x) => 1 / (1 + Math.exp(-x)));
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

interface ClassifierTokenizer {
  readonly tokenizer: Tokenizer;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly padId: number;
}

async function openTokenizer(source: ByteSource, signal?: AbortSignal): Promise<ClassifierTokenizer> {
  if (!(await source.has("tokenizer.json", signal)))
    throw lacking(
      source.name,
      "tokenizer.json",
      "In Python: AutoTokenizer.from_pretrained(model).save_pretrained(folder).",
    );
  const settings = (await source.has("tokenizer_config.json", signal))
    ? record(await readJson(source, "tokenizer_config.json", signal))
    : {};
  const json = record(await readJson(source, "tokenizer.json", signal));
  const tokenizer = buildTokenizer(json, settings, `${source.name}: tokenizer.json`);
  const pad = tokenText(settings.pad_token);
  return { tokenizer, settings, padId: (pad === null ? undefined : tokenizer.token_to_id(pad)) ?? 0 };
}

/**
 * Ids and token types, at most `limit` of them: the last text loses tokens at its end, then the first. The special
 * tokens stay.
 */
export function encodeWithin(
  tokenizer: Pick<Tokenizer, "encode">,
  [text, pair]: ClassifierInput,
  limit: number,
): readonly number[][] {
  const whole = tokenizer.encode(text, {
    ...(pair === undefined ? {} : { text_pair: pair }),
    add_special_tokens: true,
    return_token_type_ids: true,
  });
  const ids = [...whole.ids];
  // A tokenizer without a post-processor gives no types, whatever the library declares.
  const types = [...((whole.token_type_ids as number[] | undefined) ?? ids.map(() => 0))];
  const shorten = (part: string, placeOf: (body: readonly number[]) => number): void => {
    if (ids.length <= limit) return;
    const body = tokenizer.encode(part, { add_special_tokens: false }).ids;
    const at = placeOf(body);
    if (at < 0) return;
    const cut = Math.min(ids.length - limit, body.length);
    ids.splice(at + body.length - cut, cut);
    types.splice(at + body.length - cut, cut);
  };
  const isAt = (body: readonly number[], at: number): boolean => body.every((id, i) => ids[at + i] === id);
  const places = (): number[] => ids.map((_, at) => at);
  if (pair !== undefined) shorten(pair, (body) => places().findLast((at) => isAt(body, at)) ?? -1);
  shorten(text, (body) => places().find((at) => isAt(body, at)) ?? -1);
  return [ids.slice(0, limit), types.slice(0, limit)];
}

function tokenLimit(config: Readonly<Record<string, unknown>>, settings: Readonly<Record<string, unknown>>): number {
  // RoBERTa counts its positions from pad_token_id + 1 on.
  const offset = /roberta|camembert|xlm/.test(String(config.model_type)) ? 2 : 0;
  const places =
    typeof config.max_position_embeddings === "number" && config.max_position_embeddings > 0
      ? config.max_position_embeddings - offset
      : Infinity;
  const stated = typeof settings.model_max_length === "number" ? settings.model_max_length : Infinity;
  const limit = Math.min(places, stated);
  return limit < 1e6 ? limit : DEFAULT_TOKENS;
}

const KNOWN_INPUTS: ReadonlySet<string> = new Set(["input_ids", "attention_mask", "token_type_ids"]);

function inputNames(session: InferenceSession, where: string): readonly string[] {
  const names = session.inputNames;
  if (!names.includes("input_ids")) {
    throw new BasinError({
      what: `The model has no input input_ids; its inputs are ${names.join(", ")}`,
      where,
      fix: "Export it with optimum's names: input_ids, attention_mask and, where it has one, token_type_ids.",
    });
  }
  const unknown = names.filter((name) => !KNOWN_INPUTS.has(name));
  if (unknown.length > 0) {
    throw new BasinError({
      what: `The model wants the input ${unknown.join(", ")}, which a tokenizer does not give`,
      where,
      fix: "Give a text classifier whose inputs are input_ids, attention_mask and, where it has one, token_type_ids.",
    });
  }
  return names;
}

/** id2label in the order of the ids. @throws BasinError when there is none or a number is missing */
function labelsOf(config: Readonly<Record<string, unknown>>, where: string): readonly string[] {
  const named = record(config.id2label);
  const labels = Object.keys(named).map((_, i) => named[String(i)]);
  if (labels.length === 0 || !labels.every((label) => typeof label === "string")) {
    throw new BasinError({
      what: "config.json has no id2label that names every class from 0 on",
      where: `${where}: config.json`,
      fix: 'Add it, for example "id2label": {"0": "safe", "1": "harmful"}.',
    });
  }
  return labels;
}

async function firstOf(source: ByteSource, paths: readonly string[], signal?: AbortSignal): Promise<string | null> {
  for (const path of paths) if (await source.has(path, signal)) return path;
  return null;
}

async function wholeFile(source: ByteSource, path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const size = await source.size(path, signal);
  if (size > MOST_BYTES)
    throw new BasinError({
      what: `The model has ${(size / 2 ** 30).toFixed(1)} GiB, more than WebAssembly can hold beside its work (2 GiB)`,
      where: `${source.name}: ${path}`,
      fix: "Use a quantised export of it, or a smaller model.",
    });
  const bytes = new Uint8Array(size);
  for (let start = 0; start < size; start += MAX_CHUNK_BYTES)
    bytes.set(await source.read(path, start, Math.min(size, start + MAX_CHUNK_BYTES), signal), start);
  return bytes;
}

function lacking(where: string, file: string, fix: string): BasinError {
  return new BasinError({ what: `The classifier has no ${file}`, where, fix });
}

/** A token in tokenizer_config.json is a string, or an object with `content`. */
function tokenText(value: unknown): string | null {
  if (typeof value === "string") return value;
  const { content } = record(value);
  return typeof content === "string" ? content : null;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
