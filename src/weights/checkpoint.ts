/**
 * @file A checkpoint in Hugging Face layout behind any byte source: config.json and the tensors of one
 * `model.safetensors`, else of the shards that `model.safetensors.index.json` lists, as transformers chooses.
 *
 * Opening reads the headers only. A tensor is then read in pieces of at most 4 MiB, in order, each scanned for NaN and
 * infinity on the way: memory does not grow with the checkpoint, and a broken weight is named before anything is
 * computed. Several pieces are read at a time (readAhead.ts): those of one tensor, and with `prefetch` those of the
 * tensors after it.
 */
import { describeValue } from "../base/describe.ts";
import { BasinError } from "../base/error.ts";
import { MAX_CHUNK_BYTES, readJson, readOptionalText, type ByteSource } from "./byteSource.ts";
import { DTYPE_BYTES, scanFinite, toFloat32 } from "./dtypes.ts";
import { headerLength, parseHeader, type SafetensorsEntry } from "./safetensors.ts";
import { ReadAhead, type Piece } from "./readAhead.ts";
import {
  noSuchTensor,
  type CheckpointDType,
  type TensorInfo,
  type TensorReader,
  type Unreadable,
} from "./tensorReader.ts";
import { TransferMeter, type Transfer } from "./transfer.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

export interface Checkpoint extends TensorReader {
  /** What people call it; appears in errors. */
  readonly name: string;
  /** config.json as parsed; the model family checks its fields. */
  readonly config: unknown;
  readonly unreadable: ReadonlyMap<string, Unreadable>;
  /** The text of another file of the checkpoint (tokenizer.json, …), or null where there is none. */
  text(path: string, signal?: AbortSignal): Promise<string | null>;
}

export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** How the tensors come in, a few times a second while they are read. */
  readonly onProgress?: (transfer: Transfer) => void;
}

/** Where one tensor lies. */
interface Location {
  readonly info: TensorInfo;
  readonly file: string;
  readonly start: number;
  /** Bytes in the file. */
  readonly stored: number;
  /** Stored as F64, and rounded to F32 on the way. */
  readonly wide: boolean;
}

/**
 * Opens the checkpoint that `source` holds.
 * @throws BasinError for a missing or malformed config, index, shard or header, naming it
 */
export async function openCheckpoint(
  source: ByteSource,
  { signal, onProgress }: OpenOptions = {},
): Promise<Checkpoint> {
  if (!(await source.has("config.json", signal))) {
    throw new BasinError({
      what: "There is no config.json",
      where: source.name,
      fix: "Point to a model in Hugging Face layout: a folder or address with config.json and model.safetensors.",
    });
  }
  const config = await readJson(source, "config.json", signal);
  const { entries, absent } = await listEntries(source, signal);
  const locations = new Map<string, Location>();
  const tensors = new Map<string, TensorInfo>();
  const unreadable = new Map<string, Unreadable>(absent);
  for (const { entry, file } of entries) {
    const { name, shape, start } = entry;
    const dtype = readAs(entry.dtype);
    if (dtype === null) {
      unreadable.set(name, { kind: "dtype", dtype: entry.dtype });
      continue;
    }
    const [stored, wide] = [entry.end - start, entry.dtype === "F64"];
    const info: TensorInfo = { name, dtype, shape, byteLength: wide ? stored / 2 : stored };
    tensors.set(name, info);
    locations.set(name, { info, file, start, stored, wide });
  }
  const weights = new Weights(source, locations, onProgress);
  return {
    name: source.name,
    config,
    tensors,
    unreadable,
    read(name, readSignal) {
      const location = locations.get(name);
      if (location === undefined) throw noSuchTensor({ unreadable }, name, source.name);
      return weights.read(location, readSignal);
    },
    prefetch: (names, prefetchSignal) => weights.prefetch(names, prefetchSignal),
    async text(path, textSignal) {
      return readOptionalText(source, path, textSignal);
    },
  };
}

/**
 * A tensor as float32 values (row-major), whatever its dtype; for small tensors such as norms and biases.
 * @throws BasinError when there is no such tensor, or it holds a value that is not finite
 */
export async function readTensorF32(
  reader: TensorReader,
  name: string,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const info = reader.tensors.get(name);
  if (info === undefined) throw noSuchTensor(reader, name, "checkpoint");
  const out = new Float32Array(info.byteLength / DTYPE_BYTES[info.dtype]);
  let at = 0;
  for await (const chunk of reader.read(name, signal)) {
    const values = toFloat32(chunk, info.dtype);
    out.set(values, at);
    at += values.length;
  }
  return out;
}

interface FoundEntry {
  readonly entry: SafetensorsEntry;
  readonly file: string;
}

interface Listing {
  readonly entries: readonly FoundEntry[];
  /** Tensors that the index lists and no shard has: a tied head, say, that was never written. */
  readonly absent: ReadonlyMap<string, Unreadable>;
}

async function listEntries(source: ByteSource, signal: AbortSignal | undefined): Promise<Listing> {
  // transformers prefers the single file where both are present.
  if (await source.has(SINGLE, signal)) {
    const entries = await readHeader(source, SINGLE, signal);
    return { entries: entries.map((entry) => ({ entry, file: SINGLE })), absent: new Map() };
  }
  if (await source.has(INDEX, signal)) return listShards(source, signal);
  const pickle = await source.has("pytorch_model.bin", signal);
  throw new BasinError({
    what: `There is neither ${SINGLE} nor ${INDEX}`,
    where: source.name,
    fix: pickle
      ? "The weights are stored as pytorch_model.bin, which Basin does not read (it can run code). Save the model " +
        "with save_pretrained(safe_serialization=True)."
      : "Point to a model whose weights are stored as safetensors.",
  });
}

async function listShards(source: ByteSource, signal: AbortSignal | undefined): Promise<Listing> {
  const where = `${source.name}: ${INDEX}`;
  const weightMap = parseIndex(await readJson(source, INDEX, signal), where);
  const entries: FoundEntry[] = [];
  const absent = new Map<string, Unreadable>();
  for (const [file, names] of weightMap) {
    if (!(await source.has(file, signal))) {
      throw new BasinError({
        what: `The shard ${describeValue(file)} is missing; the index expects ${names.size} tensors in it`,
        where: source.name,
        fix: `Fetch this shard from where the model came from and put it beside ${INDEX}.`,
      });
    }
    // Only what the index lists counts, as in transformers: a shard may hold more.
    const present = new Map((await readHeader(source, file, signal)).map((entry) => [entry.name, entry]));
    for (const name of names) {
      const entry = present.get(name);
      // As in transformers, which reports it, and may do without where a head is tied.
      if (entry === undefined) absent.set(name, { kind: "absent", file });
      else entries.push({ entry, file });
    }
  }
  return { entries, absent };
}

/** file -> names of the tensors that the index expects there. */
function parseIndex(json: unknown, where: string): Map<string, Set<string>> {
  const map = typeof json === "object" && json !== null && "weight_map" in json ? json.weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new BasinError({
      what: "The index has no weight_map object",
      where,
      fix: "Fetch the index again; it maps each tensor's name to the shard that holds it.",
    });
  }
  const files = new Map<string, Set<string>>();
  for (const [name, file] of Object.entries(map)) {
    if (
      typeof file !== "string" ||
      file === "" ||
      file.startsWith("/") ||
      file.includes("..") ||
      file.includes("\\") ||
      file.includes(":")
    ) {
      throw new BasinError({
        what: `The weight_map names ${describeValue(file)} for the tensor ${name}: not a file beside the index`,
        where,
        fix: "Fetch the index again; it may only name files in its own folder.",
      });
    }
    const names = files.get(file) ?? new Set<string>();
    names.add(name);
    files.set(file, names);
  }
  return files;
}

async function readHeader(
  source: ByteSource,
  file: string,
  signal: AbortSignal | undefined,
): Promise<readonly SafetensorsEntry[]> {
  const where = `${source.name}: ${file}`;
  const size = await source.size(file, signal);
  const prefix = size < 8 ? new Uint8Array(0) : await source.read(file, 0, 8, signal);
  const length = headerLength(prefix, size, where);
  const header = new Uint8Array(length);
  for (let start = 0; start < length; start += MAX_CHUNK_BYTES) {
    const end = Math.min(length, start + MAX_CHUNK_BYTES);
    header.set(await source.read(file, 8 + start, 8 + end, signal), start);
  }
  return parseHeader(header, size, where).entries;
}

/** Tensors that were announced, as one row of pieces. */
interface Announced {
  readonly ahead: ReadAhead;
  /** Tensor -> index of its first piece. */
  readonly first: ReadonlyMap<string, number>;
  /** Whether a reader is at it. */
  busy: boolean;
}

/** The data part of a checkpoint's files. */
class Weights {
  readonly #source: ByteSource;
  readonly #locations: ReadonlyMap<string, Location>;
  readonly #meter: TransferMeter | null;
  #announced: Announced | null = null;

  constructor(
    source: ByteSource,
    locations: ReadonlyMap<string, Location>,
    onProgress: ((transfer: Transfer) => void) | undefined,
  ) {
    this.#source = source;
    this.#locations = locations;
    this.#meter =
      onProgress === undefined
        ? null
        : new TransferMeter({
            checkpoint: source.name,
            tell: onProgress,
            origin: (file) => source.origin?.(file) ?? "disk",
          });
  }

  prefetch(names: readonly string[], signal: AbortSignal | undefined): void {
    if (this.#announced?.busy === false) this.#announced.ahead.stop(); // one in use ends with its reader
    this.#announced = null;
    if (signal?.aborted === true) return;
    const first = new Map<string, number>();
    const totals = new Map<string, number>();
    const pieces: Piece[] = [];
    for (const name of names) {
      const location = this.#locations.get(name);
      if (location === undefined || first.has(name)) continue; // reading a missing tensor throws
      first.set(name, pieces.length);
      pieces.push(...piecesOf(location));
      totals.set(location.file, (totals.get(location.file) ?? 0) + location.stored);
    }
    if (pieces.length === 0) return;
    this.#meter?.begin(totals);
    const ahead = this.#readAhead(pieces);
    signal?.addEventListener("abort", () => ahead.stop(signal.reason), { once: true });
    this.#announced = { ahead, first, busy: false };
  }

  async *read(location: Location, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const { info, file, stored, wide } = location;
    const announced = this.#claim(info.name);
    const pieces = piecesOf(location);
    if (announced === null) this.#meter?.expect(file, stored);
    const ahead = announced?.ahead ?? this.#readAhead(pieces);
    const stop = (): void => ahead.stop(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    let finished = false;
    try {
      signal?.throwIfAborted();
      let from = 0;
      for (let left = pieces.length; left > 0; left -= 1) {
        const bytes = await ahead.next();
        signal?.throwIfAborted();
        const chunk = wide ? roundedToF32(bytes) : bytes;
        const at = scanFinite(chunk, info.dtype);
        if (at >= 0) throw notFinite(this.#source.name, file, info, from / DTYPE_BYTES[info.dtype] + at);
        yield chunk;
        from += chunk.byteLength;
      }
      finished = true;
    } finally {
      signal?.removeEventListener("abort", stop);
      if (!finished) ahead.stop(signal?.reason);
      if (announced !== null) {
        announced.busy = false;
        if (this.#announced !== announced) ahead.stop();
        else if (!finished) this.#announced = null;
      }
    }
  }

  /**
   * The row of announced pieces, moved on to this tensor; null where the tensor is not to come in it, or it is in use.
   */
  #claim(name: string): Announced | null {
    const announced = this.#announced;
    const index = announced?.first.get(name);
    if (announced === null || index === undefined || announced.busy || index < announced.ahead.position) return null;
    announced.ahead.skipTo(index);
    announced.busy = true;
    return announced;
  }

  #readAhead(pieces: readonly Piece[]): ReadAhead {
    return new ReadAhead(pieces, async ({ file, start, end }, signal) => {
      let reported = 0;
      const bytes = await this.#source.read(file, start, end, signal, (count) => {
        reported += count;
        this.#meter?.add(file, count);
      });
      this.#meter?.add(file, end - start - reported); // a source that reports nothing
      return bytes;
    });
  }
}

/** F64 to the nearest F32; what is too large becomes infinite, and is refused as such. */
function roundedToF32(bytes: Uint8Array): Uint8Array {
  const values = new Float64Array(bytes.slice().buffer);
  return new Uint8Array(Float32Array.from(values).buffer);
}

function piecesOf({ file, start, stored }: Location): Piece[] {
  const pieces: Piece[] = [];
  for (let from = 0; from < stored; from += MAX_CHUNK_BYTES) {
    pieces.push({ file, start: start + from, end: start + Math.min(stored, from + MAX_CHUNK_BYTES) });
  }
  return pieces;
}

function notFinite(source: string, file: string, info: TensorInfo, index: number): BasinError {
  // Row-major index -> one index per dimension.
  const position: number[] = [];
  let rest = index;
  for (const size of [...info.shape].reverse()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return new BasinError({
    what: `The weight ${info.name}[${position.join(", ")}] is NaN or infinite`,
    where: `${source}: ${file}, tensor ${info.name}, element ${index}`,
    fix:
      "The checkpoint is broken: nothing computed with it would mean anything. Fetch it again, or save it again from " +
      "a run that did not diverge.",
  });
}

/** The format in which a tensor of a stored one is given out; null where it is not read. */
function readAs(stored: string): CheckpointDType | null {
  if (stored === "F64") return "F32";
  return stored === "F32" || stored === "F16" || stored === "BF16" ? stored : null;
}
