/**
 * @file The few scalars that kernels read each step, and the few that they write back.
 *
 * `batch` (u32[4], one per micro-batch):  [0] dropout seed  [1] dropout counter  [2] loss scale (f32 bits)  [3] unused
 * `stats` (f32[STATS_LENGTH], cleared at the start of an optimiser step):
 *     [0] cross-entropy (sum over labelled tokens × loss scale)
 *     [1] penalty (unscaled by lambda)
 *     [2] squared gradient norm
 *     [16 + i] penalty of module i
 */

export const BATCH_SCALARS = 4;
export const BATCH = { seed: 0, counter: 1, lossScale: 2 } as const;
export const STATS = { crossEntropy: 0, penalty: 1, gradientNormSquared: 2, modules: 16 } as const;

export interface BatchScalars {
  /** Of dropout. */
  readonly seed: number;
  /** Micro-batches taken before this one: with the seed it decides the dropout masks. */
  readonly counter: number;
  /** 1 / (labelled tokens of the whole optimiser step). */
  readonly lossScale: number;
}

/** The bytes of the `batch` input. */
export function encodeBatchScalars(scalars: BatchScalars): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(4 * BATCH_SCALARS));
  view.setUint32(4 * BATCH.seed, scalars.seed >>> 0, true);
  view.setUint32(4 * BATCH.counter, scalars.counter >>> 0, true);
  view.setFloat32(4 * BATCH.lossScale, scalars.lossScale, true);
  return view.buffer;
}
