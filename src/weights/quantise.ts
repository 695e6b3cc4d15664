/**
 * @file Quantises a frozen matrix while it streams in: chunks of stored bytes in, packed bytes out, scales at the end.
 * Never more of the matrix on the host than a chunk and a row (int8) or a block (NF4). Formats and sources:
 * engine/quantised.ts.
 *
 *     int8         q = round(w · (127 / absmax)), half to even; scale = absmax / 127
 *     nf4          q = the value of the table nearest to w · (1 / absmax); exactly between two: the smaller
 *     nf4_double   mean = mean(absmax);
 *                  a = the value of the dynamic 8-bit map nearest to (absmax − mean) · (1 / max |absmax − mean|)
 *
 * Arithmetic is rounded to float32 where bitsandbytes has float32 (the mean is summed in float64). Codes are those of
 * bitsandbytes but for weights within rounding of halfway between two codes, where its own backends differ (127 /
 * absmax is one division here, a reciprocal times 127 in PyTorch: 1 of 16,896 codes of a test matrix).
 */

import {
  DOUBLE_GROUP,
  DOUBLE_HEADER,
  NF4_BLOCK,
  NF4_VALUES,
  blockCount,
  codesBegin,
  scaleBytes,
} from "../engine/quantised.ts";
import type { QuantisedDType, Shape } from "../engine/tensor.ts";
import { DTYPE_BYTES, f16ToF32 } from "./dtypes.ts";
import type { CheckpointDType } from "./tensorReader.ts";

/** How far a quantised matrix is from the one that is stored. */
export interface QuantisationError {
  /** ‖Ŵ − W‖ / ‖W‖ (Frobenius); 0 for a zero matrix. */
  readonly relative_error: number;
  /** Largest |ŵ − w|; for nf4_double an upper bound (absmax is rounded when the weights have passed). */
  readonly max_abs_error: number;
}

export interface QuantisedScales extends QuantisationError {
  /** The last packed bytes (at most 3 bytes beyond a multiple of 4). */
  readonly rest: Uint8Array;
  /** As the kernels read them. */
  readonly scales: Uint8Array<ArrayBuffer>;
}

export interface Quantiser {
  /**
   * @param chunk whole elements, in order
   * @returns packed bytes, a multiple of 4; valid until the next call
   */
  push(chunk: Uint8Array): Uint8Array;
  /** @throws Error when not all elements have come */
  finish(): QuantisedScales;
}

/** @param stored the type that `push` gets */
export function createQuantiser(shape: Shape, stored: CheckpointDType, target: QuantisedDType): Quantiser {
  return new MatrixQuantiser(target === "int8" ? new Int8Units(shape) : new Nf4Units(shape, target), stored);
}

/** What is quantised in one piece. */
interface Units {
  /** Elements of a whole unit, and of all. */
  readonly unit: number;
  readonly total: number;
  /** Packed bytes of a unit of `count` elements. */
  bytes(count: number): number;
  /** Quantise values[at .. at + count) into `out`. */
  quantise(values: Float32Array, at: number, count: number, out: Uint8Array, outAt: number): void;
  finish(): Omit<QuantisedScales, "rest">;
}

/** Cuts chunks into units, carries what is left over. */
class MatrixQuantiser implements Quantiser {
  readonly #units: Units;
  readonly #read: ChunkReader;
  /** The beginning of a unit whose end has not come. */
  readonly #carry: Float32Array;
  #carried = 0;
  #seen = 0;
  #out = new Uint8Array(0);
  /** Packed bytes at the beginning of `#out` that were not handed out, fewer than 4. */
  #left = 0;
  #handed = 0;

  constructor(units: Units, stored: CheckpointDType) {
    this.#units = units;
    this.#read = new ChunkReader(stored);
    this.#carry = new Float32Array(units.unit);
  }

  push(chunk: Uint8Array): Uint8Array {
    const values = this.#read.values(chunk);
    const { unit, total } = this.#units;
    this.#shift(this.#left + this.#units.bytes(unit) * (Math.ceil(values.length / unit) + 1));
    let at = 0;
    if (this.#carried > 0) {
      at = Math.min(values.length, unit - this.#carried);
      this.#carry.set(values.subarray(0, at), this.#carried);
      this.#carried += at;
      if (this.#carried === unit) this.#put(this.#carry, 0, unit);
      if (this.#carried === unit) this.#carried = 0;
    }
    for (; at + unit <= values.length; at += unit) this.#put(values, at, unit);
    this.#carry.set(values.subarray(at), this.#carried);
    this.#carried += values.length - at;
    this.#seen += values.length;
    if (this.#seen > total) throw new Error(`${this.#seen} elements came, ${total} were expected`);
    // The last block may be short.
    if (this.#seen === total && this.#carried > 0) {
      this.#put(this.#carry, 0, this.#carried);
      this.#carried = 0;
    }
    this.#handed = this.#left - (this.#left % 4);
    return this.#out.subarray(0, this.#handed);
  }

  finish(): QuantisedScales {
    if (this.#seen !== this.#units.total)
      throw new Error(`${this.#seen} elements came, ${this.#units.total} were expected`);
    this.#shift(0);
    return { ...this.#units.finish(), rest: this.#out.subarray(0, this.#left) };
  }

  #put(values: Float32Array, at: number, count: number): void {
    this.#units.quantise(values, at, count, this.#out, this.#left);
    this.#left += this.#units.bytes(count);
  }

  /** Drop what was handed out, make room for `bytes`. */
  #shift(bytes: number): void {
    const kept = this.#out.slice(this.#handed, this.#left);
    if (this.#out.length < bytes) this.#out = new Uint8Array(bytes);
    this.#out.set(kept);
    this.#left = kept.length;
    this.#handed = 0;
  }
}

/** Stored bytes as float32, in a buffer that is used again. */
class ChunkReader {
  readonly #stored: CheckpointDType;
  #values = new Float32Array(0);

  constructor(stored: CheckpointDType) {
    this.#stored = stored;
  }

  values(chunk: Uint8Array): Float32Array {
    const size = DTYPE_BYTES[this.#stored];
    const count = chunk.byteLength / size;
    if (!Number.isInteger(count)) throw new Error(`${chunk.byteLength} bytes are no whole number of elements`);
    const aligned = chunk.byteOffset % size === 0 ? chunk : chunk.slice();
    if (this.#stored === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, count);
    if (this.#values.length < count) this.#values = new Float32Array(count);
    const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
    if (this.#stored === "BF16") {
      const words = new Uint32Array(this.#values.buffer);
      for (let i = 0; i < count; i += 1) words[i] = (halves[i] ?? 0) << 16;
    } else {
      const table = f16Table();
      for (let i = 0; i < count; i += 1) this.#values[i] = table[halves[i] ?? 0] ?? 0;
    }
    return this.#values.subarray(0, count);
  }
}

let knownF16: Float32Array | undefined;

function f16Table(): Float32Array {
  knownF16 ??= Float32Array.from({ length: 65536 }, (_, half) => f16ToF32(half));
  return knownF16;
}

function largest(values: Float32Array, at: number, count: number): number {
  let most = 0;
  for (let i = at; i < at + count; i += 1) {
    const size = Math.abs(values[i] ?? 0);
    if (size > most) most = size;
  }
  return most;
}

/** numerator / absmax in float32; 0 where that overflows (all is zero, or nearly), which makes every code that of 0. */
function inverseOf(numerator: number, absmax: number): number {
  const inverse = Math.fround(numerator / absmax);
  return inverse < Infinity ? inverse : 0;
}

/** Adding and subtracting it rounds a double of moderate size to a whole number, half to even. */
const ROUND = 3 * 2 ** 51;

class Int8Units implements Units {
  readonly unit: number;
  readonly total: number;
  readonly #scales: Float32Array<ArrayBuffer>;
  #row = 0;
  #square = 0;
  #error = 0;
  #most = 0;

  constructor(shape: Shape) {
    const rows = shape[0] ?? 1;
    this.unit = shape.slice(1).reduce((product, size) => product * size, 1);
    this.total = rows * this.unit;
    this.#scales = new Float32Array(rows);
  }

  bytes(count: number): number {
    return count;
  }

  quantise(values: Float32Array, at: number, count: number, out: Uint8Array, outAt: number): void {
    const absmax = largest(values, at, count);
    const scale = Math.fround(absmax / 127);
    const inverse = inverseOf(127, absmax);
    let [square, error, most] = [0, 0, this.#most];
    for (let i = 0; i < count; i += 1) {
      const w = values[at + i] ?? 0;
      const q = Math.fround(w * inverse) + ROUND - ROUND;
      out[outAt + i] = q;
      const difference = Math.abs(w - Math.fround(q * scale));
      square += w * w;
      error += difference * difference;
      if (difference > most) most = difference;
    }
    this.#scales[this.#row] = scale;
    this.#row += 1;
    this.#square += square;
    this.#error += error;
    this.#most = most;
  }

  finish(): Omit<QuantisedScales, "rest"> {
    return {
      scales: new Uint8Array(this.#scales.buffer),
      relative_error: relative(this.#error, this.#square),
      max_abs_error: this.#most,
    };
  }
}

const NF4 = Float64Array.from(NF4_VALUES);

/** Halfway between neighbours, float32 as in bitsandbytes: code q begins above the (q − 1)-th. */
const NF4_BOUNDS = NF4_VALUES.slice(1).map((value, i) => Math.fround((value + (NF4_VALUES[i] ?? 0)) / 2));

/**
 * [-1, 1] in bins of 1/128, so narrow that none holds two bounds: the code at a bin's beginning, and the bound in it.
 */
const BINS = 257;
const BIN_CODE = new Uint8Array(BINS);
const BIN_BOUND = new Float64Array(BINS).fill(Infinity);
for (let bin = 0; bin < BINS; bin += 1) {
  const begin = bin / 128 - 1;
  BIN_CODE[bin] = NF4_BOUNDS.filter((bound) => bound < begin).length;
  BIN_BOUND[bin] = NF4_BOUNDS.find((bound) => bound >= begin && bound < begin + 1 / 128) ?? Infinity;
}

class Nf4Units implements Units {
  readonly unit = NF4_BLOCK;
  readonly total: number;
  readonly #shape: Shape;
  readonly #double: boolean;
  readonly #absmax: Float32Array<ArrayBuffer>;
  /** nf4_double, per block: Σ w c, Σ c², and the largest error with an exact absmax. */
  readonly #products: Float64Array;
  readonly #squares: Float64Array;
  readonly #largest: Float32Array;
  readonly #codes = new Uint8Array(NF4_BLOCK + 1);
  #block = 0;
  #square = 0;
  #error = 0;
  #most = 0;

  constructor(shape: Shape, target: "nf4" | "nf4_double") {
    this.#shape = shape;
    this.#double = target === "nf4_double";
    this.total = shape.reduce((product, size) => product * size, 1);
    const blocks = blockCount({ shape });
    this.#absmax = new Float32Array(blocks);
    this.#products = new Float64Array(this.#double ? blocks : 0);
    this.#squares = new Float64Array(this.#double ? blocks : 0);
    this.#largest = new Float32Array(this.#double ? blocks : 0);
  }

  bytes(count: number): number {
    return Math.ceil(count / 2);
  }

  quantise(values: Float32Array, at: number, count: number, out: Uint8Array, outAt: number): void {
    const absmax = largest(values, at, count);
    const inverse = inverseOf(1, absmax);
    const codes = this.#codes;
    let [square, error, most, product, codeSquare] = [0, 0, 0, 0, 0];
    for (let i = 0; i < count; i += 1) {
      const w = values[at + i] ?? 0;
      const x = Math.max(-1, Math.min(1, Math.fround(w * inverse)));
      const bin = ((x + 1) * 128) | 0;
      const code = (BIN_CODE[bin] ?? 0) + (x > (BIN_BOUND[bin] ?? 0) ? 1 : 0);
      codes[i] = code;
      const c = NF4[code] ?? 0;
      const difference = Math.abs(w - Math.fround(c * absmax));
      square += w * w;
      error += difference * difference;
      if (difference > most) most = difference;
      product += w * c;
      codeSquare += c * c;
    }
    codes[count] = 0;
    for (let i = 0; i < count; i += 2) out[outAt + (i >> 1)] = ((codes[i] ?? 0) << 4) | (codes[i + 1] ?? 0);
    const block = this.#block;
    this.#absmax[block] = absmax;
    if (this.#double) {
      this.#products[block] = product;
      this.#squares[block] = codeSquare;
      this.#largest[block] = most;
    }
    this.#block += 1;
    this.#square += square;
    this.#error += error;
    this.#most = Math.max(this.#most, most);
  }

  finish(): Omit<QuantisedScales, "rest"> {
    if (!this.#double) {
      return {
        scales: new Uint8Array(this.#absmax.buffer),
        relative_error: relative(this.#error, this.#square),
        max_abs_error: this.#most,
      };
    }
    const { scales, absmax } = quantiseAbsmax(this.#absmax, this.#shape);
    let error = this.#square;
    let most = 0;
    for (let block = 0; block < absmax.length; block += 1) {
      const a = absmax[block] ?? 0;
      error += a * a * (this.#squares[block] ?? 0) - 2 * a * (this.#products[block] ?? 0);
      most = Math.max(most, (this.#largest[block] ?? 0) + Math.abs(a - (this.#absmax[block] ?? 0)));
    }
    return { scales, relative_error: relative(Math.max(0, error), this.#square), max_abs_error: most };
  }
}

/** Scales of nf4_double, and each block's absmax as the kernels will compute it. */
function quantiseAbsmax(absmax: Float32Array, shape: Shape): { scales: Uint8Array<ArrayBuffer>; absmax: Float32Array } {
  const bytes = new ArrayBuffer(scaleBytes({ shape, dtype: "nf4_double" }));
  const floats = new Float32Array(bytes);
  const begin = codesBegin({ shape });
  const map = dynamicMap();
  floats.set(map);
  const mean = Math.fround(absmax.reduce((sum, value) => sum + value, 0) / absmax.length);
  floats[DOUBLE_HEADER.mean] = mean;
  new Uint32Array(bytes)[DOUBLE_HEADER.codesBegin] = begin;
  const codes = new Uint8Array(bytes, 4 * begin);
  const restored = new Float32Array(absmax.length);
  const centred = absmax.map((value) => value - mean);
  for (let from = 0; from < centred.length; from += DOUBLE_GROUP) {
    const group = centred.subarray(from, from + DOUBLE_GROUP);
    const most = largest(group, 0, group.length);
    const inverse = inverseOf(1, most);
    floats[DOUBLE_HEADER.groups + from / DOUBLE_GROUP] = most;
    for (let i = 0; i < group.length; i += 1) {
      const code = nearest(map, Math.max(-1, Math.min(1, Math.fround((group[i] ?? 0) * inverse))));
      codes[from + i] = code;
      restored[from + i] = Math.fround(Math.fround((map[code] ?? 0) * most) + mean);
    }
  }
  return { scales: new Uint8Array(bytes), absmax: restored };
}

/** Index of the value of an ascending table that is nearest to x; exactly between two: the smaller. */
function nearest(table: Float32Array, x: number): number {
  let [low, high] = [0, table.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x > ((table[middle] ?? 0) + (table[middle + 1] ?? 0)) / 2) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The dynamic 8-bit data type (Dettmers, arXiv 1511.04561) as bitsandbytes builds it for signed numbers, ascending: for
 * each exponent e = 0..6 the 2^e midpoints of a division of [0.1, 1] into equal parts, times 10^(e − 6), with both
 * signs; 0 and 1.
 */
export function dynamicMap(): Float32Array<ArrayBuffer> {
  const values = [0, 1];
  for (let e = 0; e < 7; e += 1) {
    const parts = 2 ** e;
    for (let i = 0; i < parts; i += 1) {
      const middle = (0.1 + (0.9 * i) / parts + (0.1 + (0.9 * (i + 1)) / parts)) / 2;
      values.push(10 ** (e - 6) * middle, -(10 ** (e - 6)) * middle);
    }
  }
  return Float32Array.from(values).sort();
}

function relative(error: number, square: number): number {
  return square > 0 ? Math.sqrt(error / square) : 0;
}
