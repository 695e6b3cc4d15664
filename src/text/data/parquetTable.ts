/**
 * @file Parquet as a table, read by ranges: the footer, then of each needed row group the chunks of the needed columns.
 *
 *     | row group 1: col a | col b | col c | row group 2: col a | col b | col c | … | footer |
 *                    ^^^^^                                ^^^^^                      ^^^^^^
 *
 * hyparquet reads the format, hyparquet-compressors unpacks (snappy, gzip, brotli, zstd, lz4); both are loaded when the
 * first Parquet file is opened. Chunks are checked before they are decoded (parquetPages.ts).
 */
import type { Compressors, FileMetaData, SchemaTree } from "hyparquet";
import { isRecord } from "../../base/records.ts";
import { BasinError } from "../../base/error.ts";
import { checkPages } from "./parquetPages.ts";
import { messageOf, type DataFile, type ReadLimits, type Table, type TableRow } from "./table.ts";

/** Bytes that are asked for at the end of the file at first; enough for the footer of most files. */
const FOOTER_BYTES = 64 * 1024;

/** Whether the first bytes are those of a Parquet file. */
export function isParquet(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && head[3] === 0x31; // PAR1
}

/** @throws BasinError when the file is cut off, encrypted, or of a kind that the library does not read */
export async function parquetTable(
  file: DataFile,
  { maxRows = Infinity, pickColumns, signal }: ReadLimits = {},
): Promise<Table> {
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ]);
  const buffer = {
    byteLength: file.size,
    slice: async (start: number, end = file.size): Promise<ArrayBuffer> => (await file.read(start, end, signal)).buffer,
  };
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof BasinError) throw cause;
      throw unreadable(file, cause);
    }
  };
  if (file.size < 12) throw unreadable(file, new Error(`it has only ${file.size} bytes`));
  const metadata = await attempt(() =>
    parquetMetadataAsync(buffer, { initialFetchSize: Math.min(FOOTER_BYTES, file.size) }),
  );
  const columns = await attempt(() => parquetSchema(metadata).children.map(({ element }) => element.name));
  const wanted =
    pickColumns === undefined ? columns : columns.filter((column) => pickColumns(columns).includes(column));
  const count = Math.min(Number(metadata.num_rows), maxRows);
  const raw: unknown[] =
    count === 0 || wanted.length === 0
      ? []
      : await attempt(() =>
          parquetReadObjects({
            file: checkedBuffer(buffer, metadata, parquetSchema(metadata), compressors),
            metadata,
            columns: wanted,
            rowStart: 0,
            rowEnd: count,
            compressors,
          }),
        );
  const rows = await attempt(() =>
    raw.map(
      (row): TableRow =>
        isRecord(row) ? Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])) : {},
    ),
  );
  const declared: unknown = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  return {
    name: file.name,
    columns,
    rows,
    where: (row) => `${file.name} row ${row + 1}`,
    labelNames: classNames(typeof declared === "string" ? declared : undefined),
  };
}

interface Buffer {
  readonly byteLength: number;
  readonly slice: (start: number, end?: number) => Promise<ArrayBuffer>;
}

/** The same bytes; every column chunk that lies in what is read is checked first. */
function checkedBuffer(
  { byteLength, slice }: Buffer,
  metadata: FileMetaData,
  schema: SchemaTree,
  compressors: Compressors,
): Buffer {
  const chunks = metadata.row_groups.flatMap(({ columns }) =>
    columns.flatMap(({ meta_data: meta }) => {
      if (meta === undefined) return [];
      // As hyparquet: a dictionary that would begin at 0 is none.
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      return [{ meta, start, end: start + Number(meta.total_compressed_size) }];
    }),
  );
  const checked = async (start: number, end: number): Promise<ArrayBuffer> => {
    const bytes = await slice(start, end);
    for (const { meta, start: from, end: to } of chunks) {
      if (from < start || to > end || to - start > bytes.byteLength) continue;
      const path = pathOf(schema, meta.path_in_schema);
      if (path !== null) checkPages(new Uint8Array(bytes, from - start, to - from), { meta, path }, compressors);
    }
    return bytes;
  };
  return {
    byteLength,
    slice: (start, end = byteLength) => {
      const reading = checked(start, end);
      // hyparquet reads several ranges at once, and after a failure looks at no other.
      reading.catch(() => undefined);
      return reading;
    },
  };
}

/** From the root to a column; null where the schema has none of that name, which hyparquet refuses. */
function pathOf(root: SchemaTree, names: readonly string[]): readonly SchemaTree[] | null {
  const path = [root];
  for (const name of names) {
    const child = path.at(-1)?.children.find(({ element }) => element.name === name);
    if (child === undefined) return null;
    path.push(child);
  }
  return path;
}

/** 64-bit numbers, dates and typed arrays as JSON would have them. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new RangeError("a date lies beyond the calendar");
    return value.toISOString();
  }
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}

/**
 * The hub's datasets library writes {"info": {"features": {"label": {"names": ["World", …], "_type": "ClassLabel"}}}}.
 */
function classNames(declared: string | undefined): Map<string, readonly string[]> {
  const out = new Map<string, readonly string[]>();
  if (declared === undefined) return out;
  let value: unknown;
  try {
    value = JSON.parse(declared);
  } catch {
    return out; // a note of another tool under the same key
  }
  const features = isRecord(value) && isRecord(value.info) && isRecord(value.info.features) ? value.info.features : {};
  for (const [column, feature] of Object.entries(features)) {
    const names: unknown = isRecord(feature) && feature._type === "ClassLabel" ? feature.names : null;
    if (Array.isArray(names)) out.set(column, names.map(String));
  }
  return out;
}

function unreadable(file: DataFile, cause: unknown): BasinError {
  return new BasinError({
    what: `The Parquet file cannot be read: ${messageOf(cause)}`,
    where: file.name,
    fix:
      "Fetch the file again: it may be cut off. If it is whole, save it anew, e.g. in Python with " +
      "DataFrame.to_parquet(…).",
    cause,
  });
}
