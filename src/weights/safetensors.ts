/**
 * @file The safetensors format: read a header with every check of the reference implementation, write a file.
 *
 *     [ u64 length N ][ N bytes of JSON header, padded with spaces ][ data: the tensors back to back ]
 *
 *     {"__metadata__": {"format": "pt"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
 *
 * Offsets count from the end of the header. The reference (huggingface/safetensors, `Metadata::validate`) refuses
 * overlaps, holes and a data part that is longer or shorter than the tensors; so do we, with the tensor's name.
 */
import { isRecord } from "../base/records.ts";
import { describeValue } from "../base/describe.ts";
import { BasinError } from "../base/error.ts";
import { refuseLfsPointer } from "../base/lfs.ts";
import { duplicateKey } from "./jsonKeys.ts";

/** The reference implementation's bound on the header (bytes). */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bits per element of every dtype that the format knows. */
const DTYPE_BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
};

/** One tensor of a file; `start` and `end` are absolute byte positions in that file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The header length from the first 8 bytes of a file.
 * @param prefix the first 8 bytes (fewer when the file is shorter)
 * @param fileSize length of the whole file in bytes
 */
export function headerLength(prefix: Uint8Array, fileSize: number, where: string): number {
  refuseLfsPointer(prefix, where);
  if (fileSize < 8 || prefix.byteLength < 8) {
    throw bad(where, `The file has ${fileSize} bytes; a safetensors file has at least 8`, CUT_OFF);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw bad(
      where,
      `The header claims ${length} bytes, more than the ${MAX_HEADER_BYTES} that the format allows`,
      NOT_SAFETENSORS,
    );
  }
  if (length < 2n) throw bad(where, `The header claims ${length} bytes, too few for any header`, NOT_SAFETENSORS);
  if (8n + length > BigInt(fileSize)) {
    throw bad(
      where,
      `The header claims ${length} bytes, but the file ends ${8n + length - BigInt(fileSize)} bytes earlier`,
      CUT_OFF,
    );
  }
  return Number(length);
}

/**
 * Parses and checks a header.
 * @param header the JSON part (without the 8 length bytes)
 * @param fileSize length of the whole file in bytes
 * @throws BasinError naming the file, the tensor and what to do
 */
export function parseHeader(header: Uint8Array, fileSize: number, where: string): SafetensorsHeader {
  const json = parseJson(header, where);
  const metadata: Record<string, string> = {};
  const entries: SafetensorsEntry[] = [];
  const dataStart = 8 + header.byteLength;
  for (const [name, value] of Object.entries(json)) {
    if (name === "__metadata__") {
      if (!isRecord(value)) throw bad(where, "The header's __metadata__ is not an object", REMAKE);
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== "string") throw bad(where, `The header's metadata field "${key}" is not a string`, REMAKE);
        metadata[key] = text;
      }
    } else {
      entries.push(parseEntry(name, value, dataStart, where));
    }
  }
  checkLayout(entries, dataStart, fileSize, where);
  return { entries, metadata };
}

function parseJson(header: Uint8Array, where: string): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(header);
  } catch (cause) {
    throw bad(where, "The header is not UTF-8 text", NOT_SAFETENSORS, cause);
  }
  if (!text.startsWith("{")) throw bad(where, "The header does not begin with {", NOT_SAFETENSORS);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw bad(
      where,
      `The header is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      NOT_SAFETENSORS,
      cause,
    );
  }
  if (!isRecord(json)) throw bad(where, "The header is not a JSON object", NOT_SAFETENSORS);
  // JSON.parse keeps the last of two equal names without a word; the data of the first would be lost.
  const twice = duplicateKey(text);
  if (twice !== null) throw bad(where, `The header has the name "${twice}" twice`, REMAKE);
  return json;
}

function parseEntry(name: string, value: unknown, dataStart: number, where: string): SafetensorsEntry {
  const at = `${where}, tensor ${name}`;
  if (!isRecord(value)) throw bad(at, "The header's entry is not an object", REMAKE);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BITS, dtype)) {
    throw bad(
      at,
      `The dtype ${describeValue(dtype)} is not one of the safetensors format`,
      "Save the checkpoint as float32, float16 or bfloat16.",
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw bad(at, `The shape ${describeValue(shape)} is not a list of whole numbers from 0 up`, REMAKE);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw bad(at, `The data_offsets ${describeValue(offsets)} are not two whole numbers from 0 up`, REMAKE);
  }
  const [from, to] = [Number(offsets[0]), Number(offsets[1])];
  if (to < from) throw bad(at, `The data_offsets [${from}, ${to}] run backwards`, REMAKE);
  const bits = shape.reduce((product: number, size: number) => product * size, DTYPE_BITS[dtype] ?? 0);
  if (!Number.isSafeInteger(bits)) throw bad(at, `The shape ${describeValue(shape)} is too large to count`, REMAKE);
  if (bits !== 8 * (to - from)) {
    throw bad(
      at,
      `The shape ${describeValue(shape)} in ${dtype} takes ${bits / 8} bytes, but the offsets [${from}, ${to}] ` +
        `hold ${to - from}`,
      REMAKE,
    );
  }
  return { name, dtype, shape: shape.map(Number), start: dataStart + from, end: dataStart + to };
}

/** Every byte of the data part belongs to exactly one tensor. */
function checkLayout(entries: readonly SafetensorsEntry[], dataStart: number, fileSize: number, where: string): void {
  let reached = dataStart;
  let before = "the header";
  for (const entry of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const at = `${where}, tensor ${entry.name}`;
    if (entry.end > fileSize) {
      throw bad(
        at,
        `The data ends at byte ${entry.end - dataStart} of the data part, which has only ${fileSize - dataStart}`,
        CUT_OFF,
      );
    }
    if (entry.start < reached)
      throw bad(at, `The data overlaps that of ${before} by ${reached - entry.start} bytes`, REMAKE);
    if (entry.start > reached) {
      throw bad(at, `There is a hole of ${entry.start - reached} bytes between ${before} and this tensor`, REMAKE);
    }
    reached = entry.end;
    before = entry.name;
  }
  if (reached !== fileSize) {
    throw bad(where, `The file has ${fileSize - reached} bytes after ${before} that belong to no tensor`, REMAKE);
  }
}

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: "F32" | "F16" | "BF16";
  readonly shape: readonly number[];
  /** Little-endian, shape product times the element size. */
  readonly bytes: Uint8Array;
}

/** A whole safetensors file in memory; for adapters and other small things. See `safetensorsHeader` for its order. */
export function encodeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Uint8Array<ArrayBuffer> {
  for (const { name, dtype, shape, bytes } of tensors) {
    const expected = byteLength(dtype, shape);
    if (expected !== bytes.byteLength) {
      throw bad(
        `tensor ${name}`,
        `The shape [${shape.join(", ")}] in ${dtype} takes ${expected} bytes, ${bytes.byteLength} were given`,
        "Give the shape of the data.",
      );
    }
  }
  const { head, ordered } = safetensorsHeader(tensors, metadata);
  const file = new Uint8Array(ordered.reduce((sum, { bytes }) => sum + bytes.byteLength, head.byteLength));
  file.set(head);
  let at = head.byteLength;
  for (const { bytes } of ordered) {
    file.set(bytes, at);
    at += bytes.byteLength;
  }
  return file;
}

/**
 * The beginning of a file (length and header) and the order in which the tensors' bytes follow it: as the reference
 * writer, larger element size first, then by name. The header is padded with spaces to a multiple of 8.
 */
export function safetensorsHeader<T extends Pick<TensorToWrite, "name" | "dtype" | "shape">>(
  tensors: readonly T[],
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): { readonly head: Uint8Array<ArrayBuffer>; readonly ordered: readonly T[] } {
  const bits = (dtype: string): number => DTYPE_BITS[dtype] ?? 0;
  const ordered = [...tensors].sort(
    (a, b) => bits(b.dtype) - bits(a.dtype) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  const names = new Set<string>(["__metadata__"]);
  let offset = 0;
  for (const { name, dtype, shape } of ordered) {
    if (names.has(name))
      throw bad(`tensor ${name}`, "The name cannot be written: it is taken", "Give every tensor its own name.");
    names.add(name);
    const end = offset + byteLength(dtype, shape);
    header.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Written pair by pair: an object would move names that look like numbers to the front.
  let json = `{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
  const encoder = new TextEncoder();
  json += " ".repeat((8 - (encoder.encode(json).byteLength % 8)) % 8);
  const text = encoder.encode(json);
  const head = new Uint8Array(8 + text.byteLength);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  head.set(text, 8);
  return { head, ordered };
}

function byteLength(dtype: string, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, (DTYPE_BITS[dtype] ?? 0) / 8);
}

const CUT_OFF = "The file is cut off or damaged. Fetch it again and compare its length with the original's.";
const NOT_SAFETENSORS =
  "This is not a safetensors file, or it is damaged. Fetch it again; a Git LFS pointer or an error page may stand " +
  "in its place.";
const REMAKE =
  "The file is damaged or was written by a faulty program. Fetch it again or save it anew with the safetensors " +
  "library.";

function bad(where: string, what: string, fix: string, cause?: unknown): BasinError {
  return new BasinError({ what, where, fix, cause });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
