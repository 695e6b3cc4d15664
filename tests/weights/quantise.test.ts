/**
 * @file The quantiser against PyTorch (python/fixtures/quantised.py): codes, scales and values bit for bit, errors as
 * told.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DOUBLE_HEADER, codesBegin, scaleBytes } from "../../src/engine/quantised.ts";
import { createQuantiser, dynamicMap } from "../../src/weights/quantise.ts";
import type { CheckpointDType } from "../../src/weights/tensorReader.ts";
import { dequantise, quantise } from "../support/quantised.ts";
import { readSafetensors } from "../support/safetensorsFile.ts";

const folder = fileURLToPath(new URL("../fixtures/quantised", import.meta.url));
const kinds = ["int8", "nf4", "nf4_double"] as const;
const fact = z.object({ values_sha256: z.string(), relative_error: z.number(), max_abs_error: z.number() });
const facts = z
  .record(z.string(), z.object({ shape: z.array(z.int()), kinds: z.record(z.enum(kinds), fact) }))
  .parse(JSON.parse(await readFile(`${folder}/codes.json`, "utf8")));
const arrays = await readSafetensors(`${folder}/codes.safetensors`);

function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  const array = arrays.get(name);
  if (!array) throw new Error(`the fixture has no ${name}`);
  return array.bytes;
}

function storedType(name: string): CheckpointDType {
  const dtype = arrays.get(name)?.dtype;
  if (dtype !== "F32" && dtype !== "BF16" && dtype !== "F16") throw new Error(`${name} is stored as ${dtype}`);
  return dtype;
}

describe.each(Object.entries(facts))("matrix %s", (name, { shape, kinds: expected }) => {
  const stored = bytesOf(`${name}/weight`);
  const type = storedType(`${name}/weight`);

  it.each(kinds)("%s: PyTorch's codes, scales and values, bit for bit", (kind) => {
    const packed = quantise(stored, type, shape, kind);
    if (name !== "many" && kind !== "nf4_double")
      expect(packed.bytes).toEqual(new Uint8Array(bytesOf(`${name}/${kind}/codes`)));
    expect(packed.scales.byteLength).toBe(scaleBytes({ shape, dtype: kind }));
    if (kind === "int8") expect(packed.scales).toEqual(bytesOf(`${name}/int8/scale`));
    if (kind === "nf4") expect(packed.scales).toEqual(bytesOf(`${name}/nf4/absmax`));
    if (kind === "nf4_double") {
      const groups = bytesOf(`${name}/nf4_double/groups`);
      const codes = bytesOf(`${name}/nf4_double/codes`);
      const { mean, groups: at } = DOUBLE_HEADER;
      expect(packed.scales.slice(4 * mean, 4 * mean + 4)).toEqual(bytesOf(`${name}/nf4_double/mean`));
      expect(packed.scales.slice(4 * at, 4 * codesBegin({ shape }))).toEqual(groups);
      expect(packed.scales.subarray(4 * codesBegin({ shape })).slice(0, codes.length)).toEqual(codes);
    }
    const values = Float32Array.from(dequantise(packed, shape, kind, Math.fround));
    expect(createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")).toBe(expected[kind].values_sha256);
  });

  it.each(kinds)("%s: reports its error", (kind) => {
    const { relative_error, max_abs_error } = quantise(stored, type, shape, kind);
    expect(relative_error).toBeCloseTo(expected[kind].relative_error, 6);
    if (kind === "nf4_double") expect(max_abs_error).toBeGreaterThanOrEqual(expected[kind].max_abs_error * (1 - 1e-6));
    else expect(max_abs_error).toBeCloseTo(expected[kind].max_abs_error, 6);
    expect(max_abs_error).toBeLessThan(1.2 * expected[kind].max_abs_error);
  });

  it.each(kinds)("%s: gives the same codes whatever the chunks", (kind) => {
    const whole = quantise(stored, type, shape, kind);
    for (const chunk of [4, 60, 252, 1024]) {
      const { bytes, scales } = quantise(stored, type, shape, kind, chunk);
      expect(bytes).toEqual(whole.bytes);
      expect(scales).toEqual(whole.scales);
    }
  });
});

describe("quantiser", () => {
  it("uses bitsandbytes' dynamic map", () => {
    expect(new Uint8Array(dynamicMap().buffer)).toEqual(bytesOf("odd/nf4_double/map"));
  });

  it("quantises a zero matrix to zeros, of every type", () => {
    for (const kind of kinds) {
      const packed = quantise(new Uint8Array(4 * 130), "F32", [2, 65], kind);
      expect(dequantise(packed, [2, 65], kind).every((value) => value === 0)).toBe(true);
      expect(packed.relative_error).toBe(0);
    }
  });

  it("treats numbers whose inverse scale overflows as zeros", () => {
    for (const kind of kinds) {
      const packed = quantise(new Uint8Array(new Float32Array(64).fill(1e-40).buffer), "F32", [1, 64], kind);
      expect(dequantise(packed, [1, 64], kind).every((value) => Math.abs(value) < 1e-38)).toBe(true);
    }
  });

  it("emits whole words until the end", () => {
    const quantiser = createQuantiser([3, 5], "F32", "int8");
    expect(quantiser.push(new Uint8Array(4 * 7)).byteLength).toBe(4);
    expect(quantiser.push(new Uint8Array(4 * 8)).byteLength).toBe(8);
    expect(quantiser.finish().rest.byteLength).toBe(3);
  });

  it("refuses too few and too many elements", () => {
    const quantiser = createQuantiser([2, 64], "F32", "nf4");
    quantiser.push(new Uint8Array(4 * 64));
    expect(() => quantiser.finish()).toThrow("128 were expected");
    expect(() => quantiser.push(new Uint8Array(4 * 65))).toThrow("128 were expected");
  });
});
