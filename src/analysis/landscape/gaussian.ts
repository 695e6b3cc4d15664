/**
 * @file Normal numbers by position: element i of a stream is a function of (key, i) alone, so that a random direction
 * of any size is never stored and any part of it can be computed anywhere. WGSL (shaders/perturb.wgsl) and Python
 * (python/basin_gaussian.py) give the same bits.
 *
 *     key      two 32-bit words, hashes of "landscape/<seed>/<tensor name>"
 *     word     Threefry-2x32-20 (Salmon et al., SC 2011) of the counter (i >> 1, 0); word i & 1 of its two
 *     normal   sign bit and 31 bits v: the two-sided quantile Q(v / 2^31), interpolated between tabulated values
 *
 * Only integers are computed until the last step, so nothing can be rounded differently. The table holds Q scaled by
 * 2^20 at 64 points of each octave of the tail: |g| is at most 5.6, the interpolation is off by at most 3e-5 (mean
 * and variance are those of the normal distribution to 1e-4).
 */
import { hashText } from "../../base/rng.ts";

/** Two 32-bit words. */
export type StreamKey = readonly [number, number];

/** Octaves of the tail that have 64 points each; beyond them the tail is cut off. */
const OCTAVES = 25;
/** Entries of the table of quantiles; the last is Q(1) = 0. */
export const QUANTILES = 64 * OCTAVES + 1;
/** Units of the integers per standard deviation. */
export const GAUSSIAN_UNIT = 2 ** 20;

/** The stream of a tensor's random direction. */
export function streamKey(seed: number, tensor: string): StreamKey {
  const name = `landscape/${seed}/${tensor}`;
  return [hashText(name), hashText(name, 0x9e3779b9)];
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

/** Threefry-2x32 of 20 rounds. */
export function threefry(key: StreamKey, counter: StreamKey): StreamKey {
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ PARITY];
  let a = (counter[0] + key[0]) | 0;
  let b = (counter[1] + key[1]) | 0;
  for (let round = 0; round < 20; round += 1) {
    const by = ROTATIONS[round % 8] ?? 0;
    a = (a + b) | 0;
    b = ((b << by) | (b >>> (32 - by))) ^ a;
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    a = (a + (schedule[injection % 3] ?? 0)) | 0;
    b = (b + (schedule[(injection + 1) % 3] ?? 0) + injection) | 0;
  }
  return [a >>> 0, b >>> 0];
}

/** A 32-bit word as a normal number in units of 2^-20. */
export function gaussianUnits(word: number, table: Int32Array): number {
  const v = Math.max(word & 0x7fffffff, 64);
  const octave = Math.clz32(v) - 1;
  const scaled = v << octave;
  const at = (OCTAVES - 1 - octave) * 64 + ((scaled >>> 24) & 63);
  const low = table[at] ?? 0;
  const value = low - (((low - (table[at + 1] ?? 0)) * ((scaled >>> 10) & 0x3fff)) >> 14);
  return word >>> 31 === 1 ? -value : value;
}

/** Elements `first` … of a stream, as float32 (exact). */
export function gaussians(key: StreamKey, count: number, first = 0): Float32Array<ArrayBuffer> {
  const table = quantileTable();
  const values = new Float32Array(count);
  let words: StreamKey = [0, 0];
  let block = -1;
  for (let i = 0; i < count; i += 1) {
    const element = first + i;
    if (element >>> 1 !== block) {
      block = element >>> 1;
      words = threefry(key, [block, 0]);
    }
    values[i] = gaussianUnits(words[element & 1] ?? 0, table) / GAUSSIAN_UNIT;
  }
  return values;
}

let tabulated: Int32Array<ArrayBuffer> | undefined;

/**
 * Entry i = 64 (24 - e) + j: Q(p) · 2^20 at p = 2^-(e+1) (1 + j / 64), in order of rising p. Computed with +, −, ×, ÷
 * and whole numbers only, which are the same in every language.
 */
export function quantileTable(): Int32Array<ArrayBuffer> {
  if (tabulated !== undefined) return tabulated;
  const table = new Int32Array(QUANTILES);
  let x = 5.5;
  for (let i = 0; i < QUANTILES - 1; i += 1) {
    const p = (1 + (i % 64) / 64) / 2 ** (OCTAVES - Math.floor(i / 64));
    // Newton's method: the tail is convex, so it closes in from below.
    for (let step = 0; step < 12; step += 1) x += (tail(x) - p) / (2 * density(x));
    table[i] = Math.floor(x * GAUSSIAN_UNIT + 0.5);
  }
  tabulated = table;
  return table;
}

/** The standard normal density. */
function density(x: number): number {
  return exponential((x * x) / 2) / 2.5066282746310002;
}

/** e^-y for y from 0 to 20: the series of e^(-y/4096), squared twelve times. */
function exponential(y: number): number {
  const small = -y / 4096;
  let [term, sum] = [1, 1];
  for (let n = 1; n <= 12; n += 1) {
    term = (term * small) / n;
    sum += term;
  }
  for (let n = 0; n < 12; n += 1) sum *= sum;
  return sum;
}

/** P(|X| > x) of a standard normal X. */
function tail(x: number): number {
  if (x >= 3) {
    let fraction = x;
    for (let n = 200; n >= 1; n -= 1) fraction = x + n / fraction;
    return (2 * density(x)) / fraction;
  }
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n += 1) {
    term = (term * x * x) / (2 * n + 1);
    sum += term;
  }
  return 1 - 2 * density(x) * sum;
}
