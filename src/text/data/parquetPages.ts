/**
 * @file Whether the pages of a Parquet column chunk are what they say, before hyparquet decodes them.
 *
 *     chunk   page header | page | page header | page | …
 *     page    repetition levels | definition levels | values        (compressed; in version 2 the levels are not)
 *
 * Levels and indices into a dictionary are runs: a count and one value, or a count and that many packed values.
 * hyparquet 1.31 believes those counts: damaged ones let it write thousands of millions of values. Here the counts are
 * added up, nothing is decoded, and what cannot be is refused. Values in other encodings are bounded by the page's own
 * bytes and count.
 */
import type { ColumnMetaData, Compressors, SchemaTree } from "hyparquet";
import { ByteReader, DamagedBytes, type ThriftStruct } from "./thriftReader.ts";

/** More than any writer puts into one page: pages are a megabyte by default. */
const MAX_PAGE_VALUES = 2 ** 26;
const MAX_PAGE_BYTES = 2 ** 29;

/** Numbers of the format. */
const PAGE = { data: 0, dictionary: 2, dataV2: 3 };
const RLE = 3;
/** PLAIN_DICTIONARY and RLE_DICTIONARY. */
const DICTIONARY: readonly number[] = [2, 8];

export interface PageColumn {
  readonly meta: Pick<ColumnMetaData, "codec" | "type">;
  /** From the root of the schema to the column. */
  readonly path: readonly SchemaTree[];
}

/** @throws DamagedBytes saying what is wrong with a page */
export function checkPages(bytes: Uint8Array, column: PageColumn, compressors: Compressors): void {
  const reader = new ByteReader(bytes);
  // As hyparquet, which takes a single byte at the end for padding.
  while (reader.left > 1) {
    const header = reader.struct();
    const packed = size(header, 3, "compressed page");
    const from = reader.offset;
    reader.skip(packed);
    checkPage(bytes.subarray(from, reader.offset), header, column, compressors);
  }
}

function checkPage(packed: Uint8Array, header: ThriftStruct, column: PageColumn, compressors: Compressors): void {
  const unpacked = size(header, 2, "page");
  const { meta } = column;
  const unpack = (bytes: Uint8Array, length: number): Uint8Array =>
    meta.codec === "UNCOMPRESSED" ? bytes : (compressors[meta.codec]?.(bytes, length) ?? new Uint8Array(0));
  switch (header.get(1)) {
    case PAGE.dictionary:
      valuesOf(part(header, 7));
      return;
    case PAGE.data:
      return checkData(unpack(packed, unpacked), part(header, 5), column);
    case PAGE.dataV2: {
      const data = part(header, 8);
      const levels = size(data, 6, "repetition levels") + size(data, 5, "definition levels");
      if (levels > packed.length || levels > unpacked) throw new DamagedBytes("its levels are longer than their page");
      checkLevelsV2(packed, data, column);
      const values = packed.subarray(levels);
      const count = valuesOf(data) - valuesOf(data, 2);
      const page = new ByteReader(data.get(7) === false ? values : unpack(values, unpacked - levels));
      return checkValues(page, { count, encoding: data.get(4) }, column);
    }
    default:
      return; // hyparquet refuses it
  }
}

function checkData(page: Uint8Array, data: ThriftStruct, column: PageColumn): void {
  const reader = new ByteReader(page);
  let count = valuesOf(data);
  for (const kind of ["repetition", "definition"] as const) {
    const most = maxLevel(column.path, kind);
    if (most === 0) continue;
    const length = reader.uint32();
    const defined = checkRuns(new ByteReader(page, reader.offset), bitWidth(most), count, most);
    reader.skip(length);
    // Where a level is not the highest there is no value.
    if (kind === "definition") count = defined;
  }
  checkValues(reader, { count, encoding: data.get(2) }, column);
}

function checkLevelsV2(page: Uint8Array, data: ThriftStruct, { path }: PageColumn): void {
  const [repetition, definition] = [maxLevel(path, "repetition"), maxLevel(path, "definition")];
  const count = valuesOf(data);
  if (repetition > 0) checkRuns(new ByteReader(page), bitWidth(repetition), count);
  if (definition > 0) checkRuns(new ByteReader(page, size(data, 6, "repetition levels")), bitWidth(definition), count);
}

interface PageValues {
  readonly count: number;
  readonly encoding: unknown;
}

function checkValues(reader: ByteReader, { count, encoding }: PageValues, { meta }: PageColumn): void {
  if (encoding === RLE && meta.type === "BOOLEAN") {
    reader.skip(4); // the length of the runs
    checkRuns(reader, 1, count);
  } else if (typeof encoding === "number" && (encoding === RLE || DICTIONARY.includes(encoding))) {
    const width = reader.byte();
    if (width > 32) throw new DamagedBytes(`its indices have ${width} bits`);
    if (width > 0) checkRuns(reader, width, count);
  }
}

/**
 * @param width bits of a value @param count values that the runs are for
 * @returns how many of them are `wanted`
 */
function checkRuns(reader: ByteReader, width: number, count: number, wanted = -1): number {
  let [seen, found] = [0, 0];
  while (seen < count) {
    const head = reader.varint();
    const packed = head % 2 === 1;
    const run = packed ? ((head - 1) / 2) * 8 : head / 2;
    // The last of packed values, which come in eights, may be padding.
    if (run > count + 7) throw new DamagedBytes(`a run of ${run} values in a page of ${count}`);
    const used = Math.min(run, count - seen);
    if (packed) {
      const at = reader.offset;
      // A file may end within the padding.
      reader.skip(Math.min((run / 8) * width, Math.max(reader.left, Math.ceil((used * width) / 8))));
      if (wanted >= 0) found += countPacked(reader.bytes.subarray(at), width, used, wanted);
    } else {
      let value = 0;
      for (let i = 0; i < (width + 7) >> 3; i += 1) value += reader.byte() * 2 ** (8 * i);
      if (value === wanted) found += used;
    }
    seen += run;
  }
  return found;
}

/** How many of the first `count` values of `width` bits are `wanted`. */
function countPacked(bytes: Uint8Array, width: number, count: number, wanted: number): number {
  let found = 0;
  for (let i = 0; i < count; i += 1) {
    let value = 0;
    for (let bit = 0; bit < width; bit += 1) {
      const at = i * width + bit;
      value += (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) * 2 ** bit;
    }
    if (value === wanted) found += 1;
  }
  return found;
}

function maxLevel(path: readonly SchemaTree[], kind: "repetition" | "definition"): number {
  return path
    .slice(1)
    .filter(({ element: { repetition_type: type } }) =>
      kind === "repetition" ? type === "REPEATED" : type !== "REQUIRED",
    ).length;
}

function bitWidth(most: number): number {
  return 32 - Math.clz32(most);
}

function part(header: ThriftStruct, id: number): ThriftStruct {
  const value = header.get(id);
  if (!(value instanceof Map)) throw new DamagedBytes("a page header is incomplete");
  return value;
}

/** @param id of the field: how many values there are, or how many of them are null */
function valuesOf(data: ThriftStruct, id = 1): number {
  const count = data.get(id);
  if (typeof count !== "number" || !(count >= 0 && count <= MAX_PAGE_VALUES))
    throw new DamagedBytes(`a page of ${String(count)} values`);
  return count;
}

function size(header: ThriftStruct, id: number, what: string): number {
  const bytes = header.get(id);
  if (typeof bytes !== "number" || !(bytes >= 0 && bytes <= MAX_PAGE_BYTES))
    throw new DamagedBytes(`a ${what} of ${String(bytes)} bytes`);
  return bytes;
}
