/** @file The safetensors header: what the reference implementation accepts and refuses, and a round trip. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import { encodeSafetensors, headerLength, parseHeader, type SafetensorsHeader } from "../../src/weights/safetensors.ts";

/** A file with the given header text and this many zero bytes of data; `length` may lie. */
function file(json: string, dataBytes: number, length?: bigint): Uint8Array {
  const head = new TextEncoder().encode(json);
  const out = new Uint8Array(8 + head.byteLength + dataBytes);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(head.byteLength), true);
  out.set(head, 8);
  return out;
}

function parse(bytes: Uint8Array): SafetensorsHeader {
  const length = headerLength(bytes.subarray(0, 8), bytes.byteLength, "m.safetensors");
  return parseHeader(bytes.subarray(8, 8 + length), bytes.byteLength, "m.safetensors");
}

function failure(work: () => unknown): BasinError {
  try {
    work();
  } catch (error) {
    if (error instanceof BasinError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const tensor = (dtype: unknown, shape: unknown, offsets: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });

describe("a header", () => {
  it("is read with absolute positions, metadata and any order of names", () => {
    const json =
      `{"b":${tensor("BF16", [2, 3], [8, 20])},"__metadata__":{"format":"pt"},` +
      `"a":${tensor("F32", [2], [0, 8])},"empty":${tensor("I64", [0, 4], [8, 8])}}`;
    const header = parse(file(json, 20));
    const start = 8 + json.length;
    expect(header.metadata).toEqual({ format: "pt" });
    expect(header.entries).toEqual([
      { name: "b", dtype: "BF16", shape: [2, 3], start: start + 8, end: start + 20 },
      { name: "a", dtype: "F32", shape: [2], start, end: start + 8 },
      { name: "empty", dtype: "I64", shape: [0, 4], start: start + 8, end: start + 8 },
    ]);
  });

  const good = tensor("F32", [2], [0, 8]);
  const cases: [string, () => Uint8Array, RegExp][] = [
    ["no length", () => new Uint8Array(5), /has 5 bytes/],
    ["a length beyond the file", () => file("{}", 0, 500n), /claims 500 bytes, but the file ends/],
    ["a length above 100 MB", () => file("{}", 0, 100_000_001n), /more than the 100000000/],
    ["a length above 2^53", () => file("{}", 0, 2n ** 63n), /more than the 100000000/],
    ["a length of 0", () => file("", 0, 0n), /too few/],
    ["JSON that is cut", () => file('{"a":', 0), /not valid JSON/],
    ["JSON that does not begin with {", () => file(" {}", 0), /does not begin/],
    ["an HTML page", () => file("<!doctype html>", 0), /does not begin/],
    ["bytes that are not UTF-8", () => file("{}", 0).map((byte, i) => (i === 9 ? 0xff : byte)), /not UTF-8/],
    ["an unknown dtype", () => file(`{"a":${tensor("F33", [2], [0, 8])}}`, 8), /dtype "F33"/],
    ["an inherited name as dtype", () => file(`{"a":${tensor("toString", [2], [0, 8])}}`, 8), /dtype "toString"/],
    ["a shape that is no list", () => file(`{"a":${tensor("F32", 2, [0, 8])}}`, 8), /shape 2/],
    ["a negative size", () => file(`{"a":${tensor("F32", [-2], [0, 8])}}`, 8), /shape \[-2\]/],
    ["a shape too large to count", () => file(`{"a":${tensor("F32", [2 ** 40, 2 ** 40], [0, 8])}}`, 8), /too large/],
    [
      "a shape that does not fill its bytes",
      () => file(`{"a":${tensor("F32", [3], [0, 8])}}`, 8),
      /takes 12 bytes, but the offsets \[0, 8\] hold 8/,
    ],
    ["offsets that run backwards", () => file(`{"a":${tensor("F32", [2], [8, 0])}}`, 8), /run backwards/],
    [
      "offsets beyond the file",
      () => file(`{"a":${tensor("F32", [4], [0, 16])}}`, 8),
      /ends at byte 16 of the data part, which has only 8/,
    ],
    ["an overlap", () => file(`{"a":${good},"b":${tensor("F32", [2], [4, 12])}}`, 12), /overlaps that of a by 4 bytes/],
    [
      "a hole",
      () => file(`{"a":${good},"b":${tensor("F32", [2], [12, 20])}}`, 20),
      /hole of 4 bytes between a and this/,
    ],
    [
      "a hole at the start",
      () => file(`{"a":${tensor("F32", [2], [4, 12])}}`, 12),
      /hole of 4 bytes between the header/,
    ],
    ["bytes after the last tensor", () => file(`{"a":${good}}`, 11), /3 bytes after a that belong to no tensor/],
    ["a name twice", () => file(`{"a":${good},"\\u0061" : ${tensor("F32", [2], [8, 16])}}`, 16), /name "a" twice/],
    [
      "a field twice",
      () => file(`{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
      /name "dtype" twice/,
    ],
    ["an entry that is no object", () => file('{"a":[1]}', 0), /not an object/],
    ["metadata that is no text", () => file('{"__metadata__":{"n":1}}', 0), /metadata field "n"/],
  ];
  it.each(cases)("with %s is refused", (_, make, what) => {
    const error = failure(() => parse(make()));
    expect(error.what).toMatch(what);
    expect(error.where).toContain("m.safetensors");
    expect(error.fix.length).toBeGreaterThan(10);
  });

  it("names the tensor that is wrong", () => {
    expect(failure(() => parse(file(`{"model.norm.weight":${tensor("F32", [3], [0, 8])}}`, 8))).where).toBe(
      "m.safetensors, tensor model.norm.weight",
    );
  });

  it("may contain names as values, and braces in names", () => {
    const json = `{"x{\\"a":${good},"__metadata__":{"a":"x","b":"a"}}`;
    expect(parse(file(json, 8)).entries[0]?.name).toBe('x{"a');
  });
});

describe("a written file", () => {
  it("has a padded header, larger elements first, and reads back", () => {
    const bytes = encodeSafetensors([
      { name: "z", dtype: "F16", shape: [3], bytes: new Uint8Array([1, 2, 3, 4, 5, 6]) },
      { name: "2", dtype: "F32", shape: [1, 1], bytes: new Uint8Array([7, 8, 9, 10]) },
      { name: "10", dtype: "F32", shape: [], bytes: new Uint8Array([11, 12, 13, 14]) },
    ]);
    const header = parse(bytes);
    expect(header.metadata).toEqual({ format: "pt" });
    expect(header.entries.map(({ name, start, end }) => [name, ...bytes.subarray(start, end)]).sort()).toEqual([
      ["10", 11, 12, 13, 14],
      ["2", 7, 8, 9, 10],
      ["z", 1, 2, 3, 4, 5, 6],
    ]);
    const length = headerLength(bytes, bytes.byteLength, "");
    expect(length % 8).toBe(0);
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect([...text.matchAll(/"(z|2|10)":/g)].map((match) => match[1])).toEqual(["10", "2", "z"]);
  });

  it("is not written from a wrong shape or a repeated name", () => {
    expect(
      failure(() => encodeSafetensors([{ name: "a", dtype: "F32", shape: [2], bytes: new Uint8Array(4) }])).what,
    ).toMatch(/takes 8 bytes, 4/);
    const one = { name: "a", dtype: "F32", shape: [1], bytes: new Uint8Array(4) } as const;
    expect(failure(() => encodeSafetensors([one, one])).what).toMatch(/taken/);
  });
});
