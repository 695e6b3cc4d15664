/** @file Quantised weights for tests, and what their bytes mean, decoded here once more and in double precision. */

import { DOUBLE_GROUP, DOUBLE_HEADER, NF4_BLOCK, NF4_VALUES } from "../../src/engine/quantised.ts";
import { type QuantisedDType, type Shape, dtypeBytes } from "../../src/engine/tensor.ts";
import { type QuantisedScales, createQuantiser } from "../../src/weights/quantise.ts";
import type { CheckpointDType } from "../../src/weights/tensorReader.ts";

export interface Packed extends QuantisedScales {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Quantise `stored` in chunks of `chunk` bytes. */
export function quantise(
  stored: Uint8Array,
  type: CheckpointDType,
  shape: Shape,
  target: QuantisedDType,
  chunk = 4 << 20,
): Packed {
  const quantiser = createQuantiser(shape, type, target);
  const bytes = new Uint8Array(Math.ceil(shape.reduce((a, b) => a * b, 1) * dtypeBytes(target)));
  let filled = 0;
  const put = (piece: Uint8Array): void => {
    bytes.set(piece, filled);
    filled += piece.byteLength;
  };
  for (let at = 0; at < stored.byteLength; at += chunk) put(quantiser.push(stored.subarray(at, at + chunk)));
  const end = quantiser.finish();
  put(end.rest);
  if (filled !== bytes.byteLength) throw new Error(`${filled} packed bytes, ${bytes.byteLength} expected`);
  return { ...end, bytes };
}

export function quantisedWeight(
  values: ArrayLike<number>,
  shape: Shape,
  target: QuantisedDType,
): { readonly bytes: Uint8Array; readonly scales: Uint8Array<ArrayBuffer>; readonly values: Float64Array } {
  const packed = quantise(new Uint8Array(Float32Array.from(values).buffer), "F32", shape, target);
  return { bytes: packed.bytes, scales: packed.scales, values: dequantise(packed, shape, target) };
}

/** The numbers that packed bytes and scales stand for; `round` after each operation (float32, or none). */
export function dequantise(
  { bytes, scales }: Pick<Packed, "bytes" | "scales">,
  shape: Shape,
  type: QuantisedDType,
  round: (x: number) => number = (x) => x,
): Float64Array {
  const count = shape.reduce((a, b) => a * b, 1);
  const floats = new Float32Array(scales.buffer, scales.byteOffset, scales.byteLength / 4);
  if (type === "int8") {
    const width = count / (shape[0] ?? 1);
    const codes = new Int8Array(bytes.buffer, bytes.byteOffset, count);
    return Float64Array.from(codes, (code, i) => round(code * (floats[Math.floor(i / width)] ?? NaN)));
  }
  return Float64Array.from({ length: count }, (_, i) => {
    const byte = bytes[i >> 1] ?? NaN;
    const code = i % 2 === 0 ? byte >> 4 : byte & 15;
    return round((NF4_VALUES[code] ?? NaN) * absmaxOf(Math.floor(i / NF4_BLOCK), scales, type, round));
  });
}

function absmaxOf(
  block: number,
  scales: Uint8Array<ArrayBuffer>,
  type: "nf4" | "nf4_double",
  round: (x: number) => number,
): number {
  const floats = new Float32Array(scales.buffer, scales.byteOffset, scales.byteLength / 4);
  if (type === "nf4") return floats[block] ?? NaN;
  const begin = new Uint32Array(scales.buffer, scales.byteOffset)[DOUBLE_HEADER.codesBegin] ?? NaN;
  const code = scales[4 * begin + block] ?? NaN;
  const group = floats[DOUBLE_HEADER.groups + Math.floor(block / DOUBLE_GROUP)] ?? NaN;
  return round(round((floats[code] ?? NaN) * group) + (floats[DOUBLE_HEADER.mean] ?? NaN));
}
