/**
 * @file Cosines between random directions. For isotropic directions in d dimensions cos has mean 0 and variance 1/d;
 * for large d it is close to a normal variable, so the mean of |cos| is √(2/(πd)).
 */

/** Cosines of `pairs` pairs of isotropic directions in `dimension` dimensions; the same ones at every call. */
export function randomCosines(dimension: number, pairs: number, seed = 1): readonly number[] {
  const normal = normals(seed);
  return Array.from({ length: pairs }, () => {
    let [dot, first, second] = [0, 0, 0];
    for (let index = 0; index < dimension; index += 1) {
      const [a, b] = [normal(), normal()];
      dot += a * b;
      first += a * a;
      second += b * b;
    }
    return dot / Math.sqrt(first * second);
  });
}

const EXACT_UP_TO = 1 << 15;

/**
 * Mean of |cos|: Γ(d/2) / (√π Γ((d+1)/2)), by E(d + 2) = E(d) · d/(d + 1) from E(1) = 1 and E(2) = 2/π; √(2/(πd)) for
 * very large d.
 */
export function expectedCosine(dimension: number): number {
  if (dimension > EXACT_UP_TO) return Math.sqrt(2 / (Math.PI * dimension));
  let mean = dimension % 2 === 1 ? 1 : 2 / Math.PI;
  for (let d = dimension % 2 === 1 ? 1 : 2; d < dimension; d += 2) mean *= d / (d + 1);
  return mean;
}

/** Standard normal values: Box and Muller's cosine half, over mulberry32. */
function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
