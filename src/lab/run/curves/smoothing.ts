/** @file The exponential moving average of TensorBoard, debiased: the first values are not pulled towards 0. */

/**
 * s_n = (Σ_k w^(n-k) v_k) / (Σ_k w^(n-k)), over the values that there are.
 * @param weight w in [0, 1): 0 gives the values back
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  const average = new MovingAverage(weight);
  return values.map((value) => average.next(value));
}

/** The same, value by value. */
export class MovingAverage {
  readonly weight: number;
  #sum = 0;
  #weights = 0;

  constructor(weight: number) {
    this.weight = weight;
  }

  next(value: number | null): number | null {
    if (value === null || !Number.isFinite(value)) return value;
    this.#sum = this.weight * this.#sum + value;
    this.#weights = this.weight * this.#weights + 1;
    return this.#sum / this.#weights;
  }
}
