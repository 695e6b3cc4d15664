/** @file The exponential moving average of TensorBoard, debiased: the first values are not pulled towards 0. */

/**
 * s_n = (Σ_k w^(n-k) v_k) / (Σ_k w^(n-k)), over the values that there are.
 * @param weight w in [0, 1): 0 gives the values back
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let sum = 0;
  let weights = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return value;
    sum = weight * sum + value;
    weights = weight * weights + 1;
    return sum / weights;
  });
}
