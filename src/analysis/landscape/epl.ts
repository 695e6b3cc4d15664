/**
 * @file Effective perturbation length (AsFT, arXiv 2506.08473, Eq. 5): how far a model can be moved along a direction
 * before it is unsafe, sup |a| such that S(W + a · d) ≤ τ.
 *
 * Here, on a grid: the largest |a| that is reached from the origin without a point where S > τ, in both senses of the
 * direction; the smaller of the two. The paper's τ, bound and normalisation are not known; d has the norm of the
 * weights over all tensors in scope, so a is the relative size of the perturbation.
 */

export interface EplOfDirection {
  readonly direction: string;
  /** null where the origin itself is unsafe. */
  readonly length: number | null;
  /** No point of the grid was unsafe: the true length is at least this. */
  readonly at_least: boolean;
}

export function eplOf(
  direction: string,
  curve: readonly { readonly a: number; readonly score: number }[],
  threshold: number,
): EplOfDirection {
  const reach = (sign: 1 | -1): { length: number | null; open: boolean } => {
    const side = curve.filter(({ a }) => a * sign >= 0).sort((p, q) => Math.abs(p.a) - Math.abs(q.a));
    const unsafe = side.findIndex(({ score }) => score > threshold);
    const last = unsafe < 0 ? side.at(-1) : side[unsafe - 1];
    return { length: last === undefined ? null : Math.abs(last.a), open: unsafe < 0 };
  };
  const [up, down] = [reach(1), reach(-1)];
  if (up.length === null || down.length === null) return { direction, length: null, at_least: false };
  const length = Math.min(up.length, down.length);
  // A side that ended early bounds the length, however far the other one reaches.
  return { direction, length, at_least: up.length <= down.length ? up.open : down.open };
}
