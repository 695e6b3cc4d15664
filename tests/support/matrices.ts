/** @file Small f64 matrices for CPU references: flat arrays, row-major. */

export type Vector = Float64Array;

/** Uniform numbers in [-1, 1), the same for the same seed (mulberry32), exact in f32. */
export function uniform(count: number, seed: number, scale = 1): Vector {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.fround(scale * (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1));
  });
}

/** a [m,k] · b, with b [k,n], or [n,k] when `transposed`. */
export function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  n: number,
  k: number,
  transposed = false,
): Vector {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += (a[i * k + l] ?? 0) * (b[transposed ? j * k + l : l * n + j] ?? 0);
      y[i * n + j] = sum;
    }
  }
  return y;
}

export function transpose(a: ArrayLike<number>, rows: number, columns: number): Vector {
  return Float64Array.from({ length: rows * columns }, (_, i) => a[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}

export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** ‖a - b‖ / ‖b‖ (Frobenius), or ‖a‖ where b is zero. NaN and lengths that differ give Infinity. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
    size += (b[i] ?? 0) ** 2;
  }
  const error = Math.sqrt(size > 0 ? difference / size : difference);
  return Number.isNaN(error) ? Infinity : error;
}

/** Central differences of `f` at `x`, in the entries `which`. */
export function finiteDifferences(f: (x: Vector) => number, x: Vector, which: readonly number[], step = 1e-4): Vector {
  return Float64Array.from(which, (index) => {
    const at = (delta: number): number => {
      const moved = x.slice();
      moved[index] = (moved[index] ?? 0) + delta;
      return f(moved);
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}

export function pick(x: ArrayLike<number>, which: readonly number[]): Vector {
  return Float64Array.from(which, (index) => x[index] ?? 0);
}

/** Up to `count` indices spread over `length`. */
export function spread(length: number, count: number): number[] {
  return Array.from({ length: Math.min(count, length) }, (_, i) => Math.floor((i * length) / Math.min(count, length)));
}
