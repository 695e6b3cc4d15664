/**
 * @file A quantile of the entries of a product X·A that is never formed: X [rows, r], A [r, columns].
 *
 * Entries are computed row by row in f64 and rounded to f32. The order statistics on both sides of the quantile are
 * found by their bits: f32 as an integer that sorts like the number, its upper 16 bits counted in a first pass over the
 * entries, its lower 16 bits in a second. Between the two it is linear (numpy's and torch's default), in f64.
 */

import { between } from "../../base/quantile.ts";

interface Product {
  /** [rows, r], row-major. */
  readonly left: Float32Array | Float64Array;
  /** [r, columns], row-major. */
  readonly right: Float32Array;
  readonly rows: number;
  readonly r: number;
  readonly columns: number;
}

const HALF = 1 << 16;

/** @param q in [0, 1]. The entries must be finite. */
export function productQuantile(product: Product, q: number): number {
  const count = product.rows * product.columns;
  const position = q * (count - 1);
  const [below, above] = orderStatistics(product, [Math.floor(position), Math.ceil(position)]);
  return between(below, above, position);
}

/** The entries at two 0-based places of the sorted entries. */
function orderStatistics(product: Product, places: readonly [number, number]): readonly [number, number] {
  const upper = new Float64Array(HALF);
  eachKey(product, (key) => {
    upper[key >>> 16] = (upper[key >>> 16] ?? 0) + 1;
  });
  const buckets = [bucketOf(upper, places[0]), bucketOf(upper, places[1])] as const;
  const lower = [new Float64Array(HALF), new Float64Array(HALF)] as const;
  eachKey(product, (key) => {
    const high = key >>> 16;
    for (const side of [0, 1] as const)
      if (high === buckets[side].index) lower[side][key & (HALF - 1)] = (lower[side][key & (HALF - 1)] ?? 0) + 1;
  });
  const value = (side: 0 | 1): number =>
    valueOf(((buckets[side].index << 16) | bucketOf(lower[side], buckets[side].place).index) >>> 0);
  return [value(0), value(1)];
}

/** The bucket that holds a place of the sorted entries, and the place within it. */
function bucketOf(counts: Float64Array, place: number): { readonly index: number; readonly place: number } {
  let left = place;
  for (const [index, count] of counts.entries()) {
    if (left < count) return { index, place: left };
    left -= count;
  }
  throw new RangeError(`No place ${place} among the entries`);
}

/** Calls `visit` with each entry as an unsigned integer that sorts as the entries do. */
function eachKey({ left, right, rows, r, columns }: Product, visit: (key: number) => void): void {
  const row = new Float64Array(columns);
  const rounded = new Float32Array(columns);
  const bits = new Int32Array(rounded.buffer);
  for (let i = 0; i < rows; i += 1) {
    row.fill(0);
    for (let j = 0; j < r; j += 1) {
      const factor = left[i * r + j] ?? 0;
      for (let c = 0; c < columns; c += 1) row[c] = (row[c] ?? 0) + factor * (right[j * columns + c] ?? 0);
    }
    rounded.set(row);
    for (let c = 0; c < columns; c += 1) {
      const value = bits[c] ?? 0;
      visit((value < 0 ? ~value : value | 0x80000000) >>> 0);
    }
  }
}

function valueOf(key: number): number {
  const bits = key >= 0x80000000 ? key & 0x7fffffff : ~key;
  return new Float32Array(Int32Array.of(bits).buffer)[0] ?? 0;
}
