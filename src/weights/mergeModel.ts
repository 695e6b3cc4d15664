/**
 * @file A merged model: the checkpoint with an adapter's update added to its weights, in Hugging Face layout, written
 * as a stream. Host memory stays at a few chunks (4 MiB) and the adapter, whatever the model's size.
 *
 *     W' = round(W + s · B · A)     in float32, rounded once to the type that is written (nearest, ties to even)
 *
 * This is what PEFT's `merge_and_unload` computes. Tensors without an adapter are copied byte for byte unless another
 * type is asked for. Shards follow transformers: tensors in the checkpoint's order, a new file when the next would pass
 * the limit,
 *
 *     model.safetensors                                          when one file holds all, else
 *     model-00001-of-00003.safetensors … model.safetensors.index.json
 */
import { applyEdits, modify } from "jsonc-parser";
import { BasinError } from "../base/error.ts";
import { adapterScale, type Adapter, type AdapterModule } from "./adapterFile.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { DTYPE_BYTES, fromFloat32, scanFinite, toFloat32 } from "./dtypes.ts";
import { safetensorsHeader } from "./safetensors.ts";
import { noSuchTensor, type CheckpointDType, type TensorInfo } from "./tensorReader.ts";

/** Where the files go: a folder, an archive. Files are written one after another, each from its start to its end. */
export interface FileSink {
  /** @param bytes length of the file */
  create(path: string, bytes: number): Promise<FileWriter>;
}

export interface FileWriter {
  /** The bytes may be reused by the caller once the promise is settled. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  /** Gives the file up: what was written is removed where that is possible. */
  abort(): Promise<void>;
}

export interface MergeOptions {
  readonly checkpoint: Checkpoint;
  readonly adapter: Adapter;
  readonly sink: FileSink;
  /** Type of every tensor that is written; otherwise each keeps its own. */
  readonly dtype?: CheckpointDType;
  /** Largest shard, of tensor bytes; a single larger tensor gets a file of its own. transformers' default is 5 GB. */
  readonly maxShardBytes?: number;
  /** Bytes written, of all tensors' bytes. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface MergeReport {
  readonly files: readonly string[];
  /** Bytes of all tensors. */
  readonly bytes: number;
  readonly tensors: number;
  /** Tensors that the adapter changed. */
  readonly merged: number;
}

export const DEFAULT_SHARD_BYTES = 5_000_000_000;

/**
 * What is copied as it is, where the checkpoint has it; tokenizer.model (binary) is not needed beside tokenizer.json.
 */
const COPIED = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
];

interface Planned {
  readonly info: TensorInfo;
  /** Type as written. */
  readonly dtype: CheckpointDType;
  readonly bytes: number;
  readonly module: AdapterModule | null;
}

/**
 * Writes the merged model.
 * @throws BasinError when the adapter does not fit the checkpoint, a tensor cannot be read, or a value leaves the range
 *   of `dtype`
 */
export async function mergeModel(options: MergeOptions): Promise<MergeReport> {
  const { checkpoint, adapter, sink, onProgress, signal } = options;
  const tensors = plan(checkpoint, adapter, options.dtype);
  const shards = split(tensors, options.maxShardBytes ?? DEFAULT_SHARD_BYTES);
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const files: string[] = [];
  const put = async (path: string, text: string): Promise<void> => {
    const bytes = new TextEncoder().encode(text);
    await written(await sink.create(path, bytes.byteLength), (writer) => writer.write(bytes));
    files.push(path);
  };

  await put(
    "config.json",
    mergedConfig(checkpoint, (await checkpoint.text("config.json", signal)) ?? "{}", options.dtype),
  );
  for (const path of COPIED) {
    const text = await checkpoint.text(path, signal);
    if (text !== null) await put(path, text);
  }
  const weightMap: Record<string, string> = {};
  let done = 0;
  for (const [index, shard] of shards.entries()) {
    const path =
      shards.length === 1 ? "model.safetensors" : `model-${five(index + 1)}-of-${five(shards.length)}.safetensors`;
    const { head, ordered } = safetensorsHeader(
      shard.map((tensor) => ({ name: tensor.info.name, dtype: tensor.dtype, shape: tensor.info.shape, tensor })),
    );
    const writer = await sink.create(path, head.byteLength + shard.reduce((sum, { bytes }) => sum + bytes, 0));
    await written(writer, async () => {
      await writer.write(head);
      for (const { tensor } of ordered) {
        for await (const chunk of tensorChunks(checkpoint, adapter, tensor, signal)) {
          await writer.write(chunk);
          done += chunk.byteLength;
          onProgress?.(done, total);
        }
        weightMap[tensor.info.name] = path;
      }
    });
    files.push(path);
  }
  if (shards.length > 1) {
    await put(
      "model.safetensors.index.json",
      `${JSON.stringify({ metadata: { total_size: total }, weight_map: weightMap }, null, 2)}\n`,
    );
  }
  return { files, bytes: total, tensors: tensors.length, merged: adapter.modules.length };
}

async function written(writer: FileWriter, work: (writer: FileWriter) => Promise<void>): Promise<void> {
  try {
    await work(writer);
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error;
  }
  await writer.close();
}

function plan(checkpoint: Checkpoint, adapter: Adapter, dtype: CheckpointDType | undefined): Planned[] {
  const foreign = [...checkpoint.unreadable].find(([, { kind }]) => kind === "dtype");
  if (foreign !== undefined) throw noSuchTensor(checkpoint, foreign[0], checkpoint.name);
  const modules = new Map(adapter.modules.map((module) => [`${module.path}.weight`, module]));
  for (const [name, { path, inFeatures, outFeatures }] of modules) {
    const shape = checkpoint.tensors.get(name)?.shape;
    if (shape === undefined) {
      throw new BasinError({
        what: `The adapter changes ${path}, which the checkpoint has not`,
        where: checkpoint.name,
        fix: "Choose the model that the adapter was trained on.",
      });
    }
    if (shape.length !== 2 || shape[0] !== outFeatures || shape[1] !== inFeatures) {
      throw new BasinError({
        what: `The adapter's ${path} is ${outFeatures} × ${inFeatures}, the checkpoint's ${shape.join(" × ")}`,
        where: checkpoint.name,
        fix: "Choose the model that the adapter was trained on.",
      });
    }
  }
  return [...checkpoint.tensors.values()].map((info) => {
    const written = dtype ?? info.dtype;
    return {
      info,
      dtype: written,
      bytes: (info.byteLength / DTYPE_BYTES[info.dtype]) * DTYPE_BYTES[written],
      module: modules.get(info.name) ?? null,
    };
  });
}

/** In order, each file as full as the limit allows. */
function split(tensors: readonly Planned[], limit: number): Planned[][] {
  const shards: Planned[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    if (size > 0 && size + tensor.bytes > limit) {
      shards.push([]);
      size = 0;
    }
    shards[shards.length - 1]?.push(tensor);
    size += tensor.bytes;
  }
  return shards;
}

async function* tensorChunks(
  checkpoint: Checkpoint,
  adapter: Adapter,
  { info, dtype, module }: Planned,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const update = module === null ? null : new AdapterUpdate(module, adapterScale(adapter.config, module.path));
  let element = 0;
  for await (const chunk of checkpoint.read(info.name, signal)) {
    signal?.throwIfAborted();
    if (update === null && dtype === info.dtype) {
      yield new Uint8Array(chunk);
      continue;
    }
    const values = toFloat32(chunk, info.dtype);
    update?.addTo(values, element);
    const bytes = fromFloat32(values, dtype);
    const broken = scanFinite(bytes, dtype);
    if (broken >= 0) {
      throw new BasinError({
        what:
          `The merged weight ${info.name} leaves the range of ${dtype} at element ${element + broken} ` +
          `(${values[broken]})`,
        where: checkpoint.name,
        fix:
          dtype === "F16"
            ? "Write the model as bfloat16 or float32."
            : "The adapter's values are too large: its training diverged.",
      });
    }
    element += values.length;
    yield bytes;
  }
}

/** The update s · B · A of one matrix, computed a row at a time. */
export class AdapterUpdate {
  readonly #module: AdapterModule;
  readonly #scale: number;
  readonly #row: Float32Array;
  #at = -1;

  constructor(module: AdapterModule, scale: number) {
    this.#module = module;
    this.#scale = scale;
    this.#row = new Float32Array(module.inFeatures);
  }

  /** @param first index in the matrix (row-major) of values[0] */
  addTo(values: Float32Array, first: number): void {
    const width = this.#row.length;
    for (let i = 0; i < values.length; ) {
      const row = Math.floor((first + i) / width);
      const column = (first + i) % width;
      if (row !== this.#at) this.#compute(row);
      const count = Math.min(width - column, values.length - i);
      for (let j = 0; j < count; j += 1) values[i + j] = (values[i + j] ?? 0) + (this.#row[column + j] ?? 0);
      i += count;
    }
  }

  #compute(row: number): void {
    const { r, A, B } = this.#module;
    const out = this.#row;
    const width = out.length;
    out.fill(0);
    for (let k = 0; k < r; k += 1) {
      const b = B[row * r + k] ?? 0;
      if (b === 0) continue;
      const from = k * width;
      for (let j = 0; j < width; j += 1) out[j] = (out[j] ?? 0) + b * (A[from + j] ?? 0);
    }
    for (let j = 0; j < width; j += 1) out[j] = (out[j] ?? 0) * this.#scale;
    this.#at = row;
  }
}

const TORCH_NAMES: Readonly<Record<CheckpointDType, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/**
 * config.json as it was, to the letter: what JavaScript would make of it (6 for 6.0) transformers refuses in a field
 * that must be a float. Only where another type was asked for, that is exchanged, under the name that the file uses for
 * it.
 */
function mergedConfig({ config }: Checkpoint, text: string, dtype: CheckpointDType | undefined): string {
  if (dtype === undefined) return text;
  const has = (key: string): boolean => typeof config === "object" && config !== null && key in config;
  const keys = ["torch_dtype", "dtype"].filter(has);
  return (keys.length > 0 ? keys : ["torch_dtype"]).reduce(
    (json, key) =>
      applyEdits(
        json,
        modify(json, [key], TORCH_NAMES[dtype], { formattingOptions: { insertSpaces: true, tabSize: 2 } }),
      ),
    text,
  );
}

function five(n: number): string {
  return String(n).padStart(5, "0");
}
