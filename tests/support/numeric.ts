/** @file Numbers for operator tests: seeded values, f64 matrices, relative errors, central differences. */

/** mulberry32: numbers in [0, 1), the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` values of a standard normal distribution times `scale` (Box–Muller), rounded to f32. */
export function normal(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = mulberry32(seed * 0x9e3779b9 + 1);
  return Float32Array.from(
    { length: count },
    () => scale * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

/** `count` values in [-scale, scale), exact in f32. */
export function uniform(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = mulberry32(seed);
  return Float32Array.from({ length: count }, () => scale * (2 * next() - 1));
}

/** a [m,k] · b, with b [k,n], or [n,k] when `transposed`; in f64. */
export function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  n: number,
  k: number,
  transposed = false,
): Float64Array {
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

/** [columns, rows] of [rows, columns]. */
export function transpose(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, i) => a[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}

/** a + scale · b, in f64. */
export function plus(a: ArrayLike<number>, b: ArrayLike<number>, scale = 1): Float64Array {
  return Float64Array.from({ length: a.length }, (_, i) => (a[i] ?? 0) + scale * (b[i] ?? 0));
}

export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** ‖a − b‖ / ‖b‖ (Frobenius); ‖a‖ where b is zero. @throws Error when the lengths differ */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += ((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) ** 2;
    norm += (b[i] ?? 0) ** 2;
  }
  return Math.sqrt(norm > 0 ? difference / norm : difference);
}

/** Central differences of `f` along the coordinates `at` of `x`. */
export function centralDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  at: readonly number[],
  h = 1e-4,
): number[] {
  const moved = Float64Array.from(x);
  return at.map((i) => {
    const value = x[i] ?? 0;
    moved[i] = value + h;
    const above = f(moved);
    moved[i] = value - h;
    const below = f(moved);
    moved[i] = value;
    return (above - below) / (2 * h);
  });
}

/** `count` coordinates spread over an array of `length`. */
export function spread(length: number, count = 24): number[] {
  const step = Math.max(1, Math.floor(length / count));
  return Array.from({ length: Math.min(count, length) }, (_, i) => (i * step + ((i * 7) % step)) % length);
}

export function pick(values: ArrayLike<number>, at: readonly number[]): number[] {
  return at.map((i) => values[i] ?? Number.NaN);
}
