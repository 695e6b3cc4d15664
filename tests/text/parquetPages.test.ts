/** @file Pages of damaged Parquet files are refused before they are decoded; whole files of every layout are not. */
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { readTable } from "../../src/text/data/readTable.ts";
import { memoryFile } from "../../src/text/data/table.ts";
import { ByteReader, DamagedBytes } from "../../src/text/data/thriftReader.ts";

const read = (bytes: Uint8Array): ReturnType<typeof readTable> =>
  readTable(memoryFile("rows.parquet", Uint8Array.from(bytes)));

function file(rows: number, codec: "UNCOMPRESSED" | "SNAPPY"): Uint8Array {
  const of = <T>(value: (i: number) => T): T[] => Array.from({ length: rows }, (_, i) => value(i));
  return new Uint8Array(
    parquetWriteBuffer({
      codec,
      rowGroupSize: 700,
      columnData: [
        { name: "text", data: of((i) => `row ${i}`), type: "STRING" },
        { name: "class", data: of((i) => ["a", "b", "c"][i % 3] ?? ""), type: "STRING" },
        { name: "maybe", data: of((i) => (i % 7 < 3 ? null : `value ${i % 5}`)), type: "STRING", nullable: true },
        { name: "same", data: of(() => 7), type: "INT32" },
        { name: "flag", data: of((i) => i % 11 !== 0), type: "BOOLEAN" },
      ],
    }),
  );
}

describe("pages of a Parquet file", () => {
  it.each([
    [1, "UNCOMPRESSED"],
    [9, "SNAPPY"],
    [2000, "UNCOMPRESSED"],
    [2000, "SNAPPY"],
  ] as const)("a whole file of %i rows, %s, is read as it was written", async (rows, codec) => {
    const table = await read(file(rows, codec));
    expect(table.rows).toHaveLength(rows);
    for (const i of [0, Math.floor(rows / 2), rows - 1])
      expect(table.rows[i]).toEqual({
        text: `row ${i}`,
        class: ["a", "b", "c"][i % 3],
        maybe: i % 7 < 3 ? null : `value ${i % 5}`,
        same: 7,
        flag: i % 11 !== 0,
      });
  });

  it("no byte of a page, whatever it becomes, keeps the reader for a second", async () => {
    const whole = file(5, "UNCOMPRESSED");
    const pages = whole.length - 8 - new DataView(whole.buffer).getUint32(whole.length - 8, true);
    const refusals: string[] = [];
    for (let at = 4; at < pages; at += 1) {
      for (const byte of [0, 0x7f, 0xfe, 0xff]) {
        const bytes = Uint8Array.from(whole);
        bytes[at] = byte;
        await read(bytes).then(
          ({ rows }) => expect(rows).toHaveLength(5),
          (error: unknown) => refusals.push(String(error)),
        );
      }
    }
    for (const refusal of refusals) expect(refusal).toContain("The Parquet file cannot be read");
    expect(refusals.filter((refusal) => /a run of \d+ values in a page of \d+/.test(refusal))).not.toEqual([]);
  });
});

describe("Thrift's compact protocol", () => {
  it("reads integers, booleans and structs, and skips the rest", () => {
    const bytes = [0x15, 3, 0x18, 2, 65, 66, 0x11, 0x1c, 0x15, 8, 0, 0x19, 0x25, 2, 4, 0];
    const struct = new ByteReader(Uint8Array.from(bytes)).struct();
    expect(struct.get(1)).toBe(-2);
    expect(struct.get(2)).toBeUndefined();
    expect(struct.get(3)).toBe(true);
    expect(struct.get(4)).toEqual(new Map([[1, 4]]));
  });

  it.each([
    ["an end", [0x15]],
    ["an endless number", [0x15, ...Array.from({ length: 12 }, () => 0xff)]],
    ["a long list", [0x19, 0xf5, 0xff, 0xff, 0xff, 0x0f]],
    ["deep nesting", Array.from({ length: 40 }, () => 0x1c)],
    ["an unknown type", [0x1e]],
  ])("refuses %s", (_, bytes) => {
    expect(() => new ByteReader(Uint8Array.from(bytes)).struct()).toThrow(DamagedBytes);
  });
});
