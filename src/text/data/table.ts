/**
 * @file What every dataset file becomes before its columns get a meaning: rows of named values, each with its place.
 *
 *     JSON, JSON Lines  -> jsonTable.ts     \
 *     CSV, TSV          -> csvTable.ts       }  Table  -> mapping.ts (which column is what) -> rows.ts -> DataRow
 *     Parquet           -> parquetTable.ts  /
 *     plain text        -> textTable.ts
 */
import { BasinError } from "../../base/error.ts";
import { decodeUtf8 } from "../../base/textFormats.ts";

/** A file that can be read by range: on disk, in a tab, on a server or in memory. */
export interface DataFile {
  /** As people call it; stands in every error. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes [start, end). @throws BasinError when they cannot be had */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

export type TableRow = Readonly<Record<string, unknown>>;

export interface Table {
  readonly name: string;
  /** Column names in the file's order (JSON: in order of first appearance). */
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Where a row stands: "file.jsonl line 12", "file.parquet row 12". */
  where(row: number): string;
  /** Texts of a column's class numbers, where the file itself says so (Parquet files of the hub do). */
  readonly labelNames: ReadonlyMap<string, readonly string[]>;
}

/** How much of a file is wanted. */
export interface ReadLimits {
  /** Only the first so many rows. */
  readonly maxRows?: number;
  /** Only these columns are needed, as a function of those that there are. Formats by column read nothing else. */
  readonly pickColumns?: (columns: readonly string[]) => readonly string[];
  readonly signal?: AbortSignal;
}

/** Longer texts than this are read with Parquet, by ranges (bytes). */
const MAX_TEXT_BYTES = 512 * 1024 * 1024;
const PIECE = 4 * 1024 * 1024;

/**
 * A file as text.
 * @throws BasinError when it is no UTF-8 text, and names what it is where the first bytes tell
 */
export async function readTextFile(file: DataFile, signal?: AbortSignal): Promise<string> {
  if (file.size > MAX_TEXT_BYTES) {
    throw new BasinError({
      what:
        `The file has ${Math.ceil(file.size / 2 ** 20)} MiB, more than the ${MAX_TEXT_BYTES / 2 ** 20} that a text ` +
        "file may have",
      where: file.name,
      fix: "Save it as Parquet, of which only the needed parts are read, or split it.",
    });
  }
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.size; at += PIECE) {
      const bytes = await file.read(at, Math.min(file.size, at + PIECE), signal);
      if (at === 0) refuseKnownBinary(bytes, file.name);
      yield bytes;
    }
  }
  return decodeUtf8(pieces(), {
    where: file.name,
    fix: "Save it as UTF-8 (spreadsheets: “CSV UTF-8”), or give a Parquet file.",
  });
}

/** Files that people take for text. */
const MAGIC: readonly { readonly bytes: readonly number[]; readonly what: string; readonly fix: string }[] = [
  { bytes: [0x1f, 0x8b], what: "The file is compressed (gzip)", fix: "Unpack it first (gunzip)." },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: "The file is compressed (zstd)", fix: "Unpack it first (unzstd)." },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: "The file is a zip archive or a spreadsheet (.xlsx)",
    fix: "Unpack it, or save the sheet as CSV.",
  },
  { bytes: [0xff, 0xfe], what: "The file is UTF-16 text", fix: "Save it as UTF-8." },
  { bytes: [0xfe, 0xff], what: "The file is UTF-16 text", fix: "Save it as UTF-8." },
  {
    bytes: [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31],
    what: "The file is an Arrow (Feather) file",
    fix: "Save it as Parquet: Dataset.to_parquet(…) or DataFrame.to_parquet(…).",
  },
];

function refuseKnownBinary(bytes: Uint8Array, where: string): void {
  const found = MAGIC.find(({ bytes: magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (found !== undefined) throw new BasinError({ what: found.what, where, fix: found.fix });
}

/** A file whose bytes are in memory already. */
export function memoryFile(name: string, bytes: Uint8Array): DataFile {
  return {
    name,
    size: bytes.byteLength,
    read: (start, end) => Promise.resolve(new Uint8Array(bytes.subarray(start, end))),
  };
}

/** Names of the columns of rows that are objects, in order of first appearance. */
export function columnsOf(rows: readonly TableRow[]): string[] {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  return [...names];
}

/** "null", "an array", "the string "x"": what a value is, for errors. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `the ${typeof value} ${JSON.stringify(typeof value === "bigint" ? String(value) : value).slice(0, 40)}`;
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
