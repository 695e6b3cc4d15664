/**
 * @file The first left singular vectors of a matrix V (rows x columns), in f64 on the CPU.
 *
 * Randomised block Krylov iteration on V Vᵀ (Musco and Musco, 2015) with full reorthogonalisation and thick restarts:
 *
 *     Q_0 = orth(random block),  Q_{j+1} = orth(V Vᵀ Q_j, against all earlier blocks)
 *     Rayleigh-Ritz in span(Q_0 … Q_j):  Qᵀ V Vᵀ Q y = θ y,  u = Q y,  σ = √θ
 *
 * The block is a few vectors wider than asked for (oversampling), so that equal singular values are found with their
 * multiplicity. It needs far fewer products with V than plain subspace iteration when the spectrum is flat, as that of
 * a fine-tuning difference is. Converged when ‖V Vᵀ u - θ u‖ <= tolerance · θ_1 for every wanted vector.
 */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { BasinError } from "../../base/error.ts";

export interface LeftSingular {
  /** Descending; only those above the numerical rank, at most k. */
  readonly values: readonly number[];
  /** One unit vector of length `rows` per value. */
  readonly vectors: readonly Float64Array[];
  /** Largest ‖V Vᵀ u - θ u‖ / θ_1 of the wanted vectors. */
  readonly residual: number;
  /** Products with V and with Vᵀ that were needed. */
  readonly products: number;
}

export interface SingularOptions {
  /** Bound for the residual. */
  readonly tolerance?: number;
  /** Extra vectors in a block. */
  readonly oversampling?: number;
  /** Blocks of products before it gives up. */
  readonly maxBlocks?: number;
}

/** Relative to θ_1: below it a direction of V Vᵀ counts as zero (V in f32: σ below about 1e-7 of σ_1). */
const ZERO = 1e-14;

/**
 * First `k` left singular vectors of `v`, row-major.
 * @throws BasinError when the iteration does not converge.
 */
export function leftSingularVectors(
  v: Float32Array,
  rows: number,
  columns: number,
  k: number,
  options: SingularOptions = {},
): LeftSingular {
  const tolerance = options.tolerance ?? 1e-9;
  const wanted = Math.min(k, rows, columns);
  const width = Math.min(rows, wanted + (options.oversampling ?? 2));
  const limit = Math.max(6 * width, 96);
  const maxBlocks = options.maxBlocks ?? 2000;
  const random = normals(0x5eed);
  let block: Float64Array[] = Array.from({ length: width }, () => Float64Array.from({ length: rows }, random));
  block = orthonormalise(block, [], 0);
  let basis: Float64Array[] = [];
  let images: Float64Array[] = [];
  let products = 0;
  let residual = Infinity;
  for (let count = 1; count <= maxBlocks; count += 1) {
    const fresh = applyGram(v, rows, columns, block);
    products += 2 * block.length;
    basis.push(...block);
    images.push(...fresh);
    const scale = Math.max(...fresh.map(norm));
    const next = basis.length >= rows ? [] : orthonormalise(fresh, basis, ZERO * scale);
    const full = basis.length + next.length > limit;
    if (count % 3 === 0 || full || next.length === 0) {
      const pairs = ritz(basis, images, full ? Math.min(basis.length, wanted + width) : wanted);
      const top = pairs[0]?.value ?? 0;
      if (top <= 0) return { values: [], vectors: [], residual: 0, products };
      const found = pairs.slice(0, wanted);
      residual = Math.max(...found.map(({ value, vector, image }) => distance(image, vector, value))) / top;
      // An empty next block means an invariant subspace, with a random start: the one that holds every direction of V.
      if (residual <= tolerance || next.length === 0) {
        const kept = found.filter(({ value }) => value > ZERO * top);
        return {
          values: kept.map(({ value }) => Math.sqrt(value)),
          vectors: kept.map(({ vector }) => vector),
          residual,
          products,
        };
      }
      if (full) {
        basis = pairs.map(({ vector }) => vector);
        images = pairs.map(({ image }) => image);
      }
    }
    block = next;
  }
  throw new BasinError({
    what:
      `The first ${wanted} singular vectors did not converge: ` +
      `residual ${residual.toExponential(1)} after ${products} products`,
    where: "projector rank",
    fix: "Choose another rank, or the projector safe_lora.",
  });
}

/** V Vᵀ q for each q of a block; V is read twice, whatever the block's width. */
function applyGram(v: Float32Array, rows: number, columns: number, block: readonly Float64Array[]): Float64Array[] {
  const transposed = block.map(() => new Float64Array(columns));
  for (let row = 0; row < rows; row += 1) {
    const line = v.subarray(row * columns, (row + 1) * columns);
    block.forEach((q, index) => {
      const target = transposed[index];
      const factor = q[row] ?? 0;
      if (target) for (let c = 0; c < columns; c += 1) target[c] = (target[c] ?? 0) + factor * (line[c] ?? 0);
    });
  }
  const result = block.map(() => new Float64Array(rows));
  for (let row = 0; row < rows; row += 1) {
    const line = v.subarray(row * columns, (row + 1) * columns);
    transposed.forEach((s, index) => {
      let sum = 0;
      for (let c = 0; c < columns; c += 1) sum += (line[c] ?? 0) * (s[c] ?? 0);
      const target = result[index];
      if (target) target[row] = sum;
    });
  }
  return result;
}

interface RitzPair {
  readonly value: number;
  readonly vector: Float64Array;
  readonly image: Float64Array;
}

/** The `count` largest Ritz pairs of V Vᵀ in the span of `basis`, with V Vᵀ applied to each vector. */
function ritz(basis: readonly Float64Array[], images: readonly Float64Array[], count: number): RitzPair[] {
  const size = basis.length;
  const projected = Matrix.zeros(size, size);
  basis.forEach((q, i) => {
    images.slice(0, i + 1).forEach((w, j) => {
      const value = dot(q, w);
      projected.set(i, j, value);
      projected.set(j, i, value);
    });
  });
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(projected, { assumeSymmetric: true });
  const order = realEigenvalues.map((value, index) => ({ value, index })).sort((a, b) => b.value - a.value);
  return order.slice(0, count).map(({ value, index }) => {
    const weights = eigenvectorMatrix.getColumn(index);
    return { value: Math.max(0, value), vector: combine(basis, weights), image: combine(images, weights) };
  });
}

/** Orthonormal vectors that span `block` outside `basis`; those shorter than `floor` after projection are dropped. */
function orthonormalise(block: readonly Float64Array[], basis: readonly Float64Array[], floor: number): Float64Array[] {
  const result: Float64Array[] = [];
  for (const original of block) {
    const vector = original.slice();
    const before = norm(vector);
    // Twice is enough (Giraud et al., 2005).
    for (let pass = 0; pass < 2; pass += 1) {
      for (const q of [...basis, ...result]) axpy(-dot(q, vector), q, vector);
    }
    const length = norm(vector);
    if (length <= floor || length <= 1e-13 * before) continue;
    const inverse = 1 / length;
    for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] ?? 0) * inverse;
    // After heavy cancellation one more pass restores orthogonality.
    if (length < 1e-6 * before) for (const q of [...basis, ...result]) axpy(-dot(q, vector), q, vector);
    result.push(vector);
  }
  return result;
}

function combine(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const result = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((vector, index) => axpy(weights[index] ?? 0, vector, result));
  return result;
}

function axpy(factor: number, x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < y.length; i += 1) y[i] = (y[i] ?? 0) + factor * (x[i] ?? 0);
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) sum += (x[i] ?? 0) * (y[i] ?? 0);
  return sum;
}

function norm(x: Float64Array): number {
  return Math.sqrt(dot(x, x));
}

/** ‖image - value · vector‖ */
function distance(image: Float64Array, vector: Float64Array, value: number): number {
  let sum = 0;
  for (let i = 0; i < image.length; i += 1) {
    const difference = (image[i] ?? 0) - value * (vector[i] ?? 0);
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

/** Standard normal numbers from a fixed seed (mulberry32, Box-Muller): the start block, so that runs repeat. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
