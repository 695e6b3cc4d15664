/**
 * @file Choosing the next token from logits, when greedy is not wanted. Order of the filters as in transformers:
 * temperature, then top-k, then top-p.
 */

import { Rng } from "../text/apothecary/rng.ts";

export interface Sampling {
  /** > 0; logits are divided by it. */
  readonly temperature: number;
  /** Keep the k most likely tokens; 0 = all. */
  readonly top_k: number;
  /** Keep the smallest set whose probability reaches top_p; 1 = all. */
  readonly top_p: number;
  readonly seed: number;
}

export class Sampler {
  readonly #sampling: Sampling;
  readonly #rng: Rng;

  /** @param stream tells the rows of a batch apart, so that a row's draws do not depend on its neighbours */
  constructor(sampling: Sampling, stream: number) {
    this.#sampling = sampling;
    this.#rng = new Rng(`sample/${sampling.seed}/${stream}`);
  }

  next(logits: Float32Array): number {
    const { temperature, top_k, top_p } = this.#sampling;
    const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
    const kept = top_k > 0 ? order.slice(0, top_k) : order;
    const highest = logits[kept[0] ?? 0] ?? 0;
    const weights = kept.map((token) => Math.exp(((logits[token] ?? 0) - highest) / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let mass = 0;
    let count = 0;
    for (const weight of weights) {
      count += 1;
      mass += weight;
      if (mass >= top_p * total) break;
    }
    let draw = (this.#rng.uint32() / 2 ** 32) * mass;
    for (let index = 0; index < count; index++) {
      draw -= weights[index] ?? 0;
      if (draw < 0) return kept[index] ?? 0;
    }
    return kept[count - 1] ?? 0;
  }
}
