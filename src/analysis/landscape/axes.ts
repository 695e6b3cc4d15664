/**
 * @file The axes of a landscape as combinations of directions, from a few sums per tensor:
 *
 *     W(a, b) = W + a · d1 + b · d2,     d_axis = Σ factor(tensor, direction) · direction
 *
 *     layer scaled     ‖d‖ = ‖W‖ in each tensor ("layer" normalisation; random directions)
 *     as it is         factor 1: coordinate 1 is the other model
 *     model scaled     ‖d‖ = ‖W‖ over all tensors together (directions that are compared with each other)
 *
 * Gram-Schmidt takes the part of the first axis out of the second: in each tensor for layer-scaled axes (which are
 * then orthogonal as a whole, too, and keep their norms), over all tensors for others.
 */

/** What the axes need to know of one tensor. Sums over its elements, in f64. */
export interface TensorSums {
  readonly tensor: string;
  /** ‖W‖² of the originals. */
  readonly weights: number;
  /** products[i][j]: inner product of the directions i and j. */
  readonly products: readonly (readonly number[])[];
}

/** Factors of the directions, by tensor and direction. */
export type Axis = readonly (readonly number[])[];

/** One direction, scaled to the norm of each tensor; 0 where the direction is. */
export function layerScaled(sums: readonly TensorSums[], direction: number): Axis {
  return sums.map((tensor) => single(tensor, direction, ratio(tensor.weights, product(tensor, direction, direction))));
}

/** One direction as it is. */
export function asItIs(sums: readonly TensorSums[], direction: number): Axis {
  return sums.map((tensor) => single(tensor, direction, 1));
}

/** One direction, scaled so that its norm over all tensors is that of the weights. */
export function modelScaled(sums: readonly TensorSums[], direction: number): Axis {
  const weights = sums.reduce((sum, tensor) => sum + tensor.weights, 0);
  const own = sums.reduce((sum, tensor) => sum + product(tensor, direction, direction), 0);
  return sums.map((tensor) => single(tensor, direction, ratio(weights, own)));
}

/** `axis` without its part along `first` in each tensor, at the norm that it had there. */
export function orthogonalInLayers(sums: readonly TensorSums[], axis: Axis, first: Axis): Axis {
  return sums.map((tensor, t) => {
    const [own = [], other = []] = [axis[t], first[t]];
    const rest = without(own, other, tensor);
    const scale = ratio(inner(tensor, own, own), inner(tensor, rest, rest));
    return rest.map((factor) => factor * scale);
  });
}

/** `axis` without its part along `first`, over all tensors together. */
export function orthogonalAsWhole(sums: readonly TensorSums[], axis: Axis, first: Axis): Axis {
  const along = innerOfAxes(sums, first, first);
  const share = along > 0 ? innerOfAxes(sums, axis, first) / along : 0;
  return axis.map((factors, t) => factors.map((factor, i) => factor - share * (first[t]?.[i] ?? 0)));
}

/** Inner product over all tensors. */
export function innerOfAxes(sums: readonly TensorSums[], a: Axis, b: Axis): number {
  return sums.reduce((sum, tensor, t) => sum + inner(tensor, a[t] ?? [], b[t] ?? []), 0);
}

/** null where an axis is zero. */
export function cosineOfAxes(sums: readonly TensorSums[], a: Axis, b: Axis): number | null {
  const norms = Math.sqrt(innerOfAxes(sums, a, a) * innerOfAxes(sums, b, b));
  return norms > 0 ? innerOfAxes(sums, a, b) / norms : null;
}

/** Where a vector of the directions' space lies on a line or plane, and what of it lies outside. */
export interface Projection {
  readonly coordinates: readonly number[];
  /** ‖vector − its projection‖ / ‖vector‖; 0 for the zero vector. */
  readonly outside: number;
}

/** The nearest point of the line or plane of `axes` (least squares). */
export function project(sums: readonly TensorSums[], vector: Axis, axes: readonly Axis[]): Projection {
  const [first, second] = axes;
  const along = axes.map((axis) => innerOfAxes(sums, vector, axis));
  const norm = innerOfAxes(sums, vector, vector);
  const aa = first === undefined ? 0 : innerOfAxes(sums, first, first);
  const [p = 0, q = 0] = along;
  let coordinates: readonly number[] = [aa > 0 ? p / aa : 0];
  if (first !== undefined && second !== undefined) {
    const [ab, bb] = [innerOfAxes(sums, first, second), innerOfAxes(sums, second, second)];
    const determinant = aa * bb - ab * ab;
    coordinates =
      determinant > 1e-12 * aa * bb
        ? [(p * bb - q * ab) / determinant, (q * aa - p * ab) / determinant]
        : [aa > 0 ? p / aa : 0, 0];
  }
  const inside = coordinates.reduce((sum, at, i) => sum + at * (along[i] ?? 0), 0);
  return { coordinates, outside: norm > 0 ? Math.sqrt(Math.max(0, 1 - inside / norm)) : 0 };
}

function single({ products }: TensorSums, direction: number, factor: number): number[] {
  return products.map((_, i) => (i === direction ? factor : 0));
}

function product({ products }: TensorSums, i: number, j: number): number {
  return products[i]?.[j] ?? 0;
}

/** √(wanted / own) of two squared norms; 0 where there is nothing to scale. */
function ratio(wanted: number, own: number): number {
  return own > 0 ? Math.sqrt(wanted / own) : 0;
}

function inner(tensor: TensorSums, a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  a.forEach((left, i) => {
    b.forEach((right, j) => {
      if (left !== 0 && right !== 0) sum += left * right * product(tensor, i, j);
    });
  });
  return sum;
}

function without(own: readonly number[], other: readonly number[], tensor: TensorSums): number[] {
  const along = inner(tensor, other, other);
  const share = along > 0 ? inner(tensor, own, other) / along : 0;
  return own.map((factor, i) => factor - share * (other[i] ?? 0));
}
