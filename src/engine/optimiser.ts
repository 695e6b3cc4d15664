/**
 * @file AdamW and the global gradient norm over the flat buffers of a ParameterStore, as dispatches outside of a graph.
 *
 *     gradients ─ squares ─▶ partial sums ─ finish ─▶ stats[2]        one dispatch per range, then one
 *     values, moments, gradients, stats[2] ─ adamw ─▶ values, moments  one dispatch per range
 *
 * The padding between tensors has gradient 0 and value 0, so it stays 0. Numbers are those of torch.optim.AdamW and
 * torch.nn.utils.clip_grad_norm_ (tests/engine/optimiser.gpu.test.ts has torch's own).
 */

import { STATS } from "./batchScalars.ts";
import { type Dispatch, dispatchOf } from "./encoder.ts";
import { adamwFamily, reduceFamily } from "./kernels.ts";
import type { ParameterStore } from "./parameters.ts";
import type { BufferView } from "./storage.ts";

/** Floats in the `scalars` buffer. */
export const OPTIMISER_SCALARS = 12;

export interface OptimiserScalars {
  readonly learning_rate: number;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  readonly weight_decay: number;
  /** Read only by programs with `clip`. */
  readonly max_grad_norm: number;
  /** 1 for the first step. */
  readonly step: number;
}

/** The `scalars` buffer of one step. Everything is computed in double precision first, as torch does. */
export function encodeOptimiserScalars(scalars: OptimiserScalars): Float32Array<ArrayBuffer> {
  const { learning_rate: rate, adam_beta1: beta1, adam_beta2: beta2, step } = scalars;
  const encoded = new Float32Array(OPTIMISER_SCALARS);
  encoded.set([
    1 - rate * scalars.weight_decay,
    rate / (1 - beta1 ** step),
    1 - beta1,
    beta2,
    1 - beta2,
    Math.sqrt(1 - beta2 ** step),
    scalars.adam_epsilon,
    scalars.max_grad_norm,
  ]);
  return encoded;
}

/** Bytes that the gradient norm's partial sums take, of a number of parameters in one range. */
export function optimiserScratchBytes(parameters: number): number {
  return Math.max(16, 4 * Math.ceil(parameters / CHUNK));
}

/** Bytes of `OptimiserBuffers.partial`. */
export function partialSumBytes(parameters: ParameterStore): number {
  return Math.max(
    16,
    parameters.ranges("gradients").reduce((sum, { view }) => sum + 4 * chunksOf(view), 0),
  );
}

export interface OptimiserBuffers {
  /** OPTIMISER_SCALARS floats, see `encodeOptimiserScalars`. */
  readonly scalars: BufferView;
  /** See batchScalars.ts; the squared norm (before clipping) goes to index 2. */
  readonly stats: BufferView;
  /** Partial sums of the gradient norm; `partialSumBytes`. */
  readonly partial: BufferView;
  /** Scale the gradient down to `max_grad_norm`. */
  readonly clip: boolean;
}

/** Floats per workgroup of `squares`. */
const CHUNK = 4096;

/** Dispatches of one optimiser step: gradient norm, then AdamW. */
export function optimiserDispatches(parameters: ParameterStore, options: OptimiserBuffers): Dispatch[] {
  return [...normDispatches(parameters, options), ...adamwDispatches(parameters, options)];
}

function chunksOf({ size }: BufferView): number {
  return Math.ceil(size / 4 / CHUNK);
}

function normDispatches(parameters: ParameterStore, { stats, partial }: OptimiserBuffers): Dispatch[] {
  const ranges = parameters
    .ranges("gradients")
    .map(({ view }) => ({ view, count: view.size / 4, chunks: chunksOf(view) }));
  const chunks = ranges.reduce((sum, range) => sum + range.chunks, 0);
  const dispatches: Dispatch[] = [];
  let offset = 0;
  for (const { view, count, chunks: groups } of ranges) {
    dispatches.push(
      dispatchOf({
        family: reduceFamily,
        entry: "squares",
        constants: {},
        bindings: { x: view, partial },
        params: { count, offset, slot: 0 },
        groups,
        label: "gradient norm",
        flops: 2 * count,
      }),
    );
    offset += groups;
  }
  dispatches.push(
    dispatchOf({
      family: reduceFamily,
      entry: "finish",
      constants: {},
      bindings: { partial, result: stats },
      params: { count: chunks, offset: 0, slot: STATS.gradientNormSquared },
      groups: 1,
      label: "gradient norm",
      flops: chunks,
    }),
  );
  return dispatches;
}

function adamwDispatches(parameters: ParameterStore, { scalars, stats, clip }: OptimiserBuffers): Dispatch[] {
  const views = (["values", "gradients", "moment1", "moment2"] as const).map((which) => parameters.ranges(which));
  const [values = [], gradients = [], moment1 = [], moment2 = []] = views;
  return values.flatMap(({ view: w }, index) => {
    const gradient = gradients[index]?.view;
    const m = moment1[index]?.view;
    const v = moment2[index]?.view;
    if (!gradient || !m || !v) throw new Error("the flat buffers have different ranges");
    const count = w.size / 4;
    return dispatchOf({
      family: adamwFamily,
      entry: "adamw",
      constants: { CLIP: clip },
      bindings: { scalars, stats, gradient, w, m, v },
      params: { count, slot: STATS.gradientNormSquared },
      groups: Math.ceil(count / 256),
      label: "AdamW",
      flops: 15 * count,
    });
  });
}
