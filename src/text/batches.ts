/**
 * @file Examples to batches: the order of an epoch, micro-batches and optimiser steps, and the arrays that the GPU
 * reads.
 *
 * Packed (no padding):                         Padded (each example to the longest):
 *
 *     ids        a0 a1 a2 b0 b1 c0 c1 c2       a0 a1 a2 | b0 b1 _ | c0 c1 c2
 *     positions   0  1  2  0  1  0  1  2        0  1  2 |  0  1 0 |  0  1  2
 *     kv range   [segment start, t + 1)         a pad is a segment of its own and attends only to itself
 *
 * Tokens of one example never see another's, and rows are counted from the example's start, so both layouts give the
 * same loss. Row t predicts token t + 1 of the same example: a label row is t, its target the label at t + 1, as the
 * shift in transformers' causal language model loss. The label at an example's first position is therefore unused.
 */
import { BasinError } from "../base/error.ts";
import { Rng } from "../base/rng.ts";
import { IGNORED_TARGET } from "../engine/marks.ts";
import type { TokenizedExample } from "./example.ts";
import { NO_LABEL } from "./tokenize.ts";

export interface PackedBatch {
  /** T: rows of `ids`, fillers included. */
  readonly tokens: number;
  /** (T) */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** (T) position within the example, for the rotary embedding. */
  readonly positions: Uint32Array<ArrayBuffer>;
  /**
   * (T x 4) per token: kvStart, kvEnd (it attends to keys [kvStart, kvEnd)), qStart, qEnd (queries [qStart, qEnd)
   * attend to it).
   */
  readonly bounds: Uint32Array<ArrayBuffer>;
  /** (L) rows of which logits are needed; fillers are row 0. */
  readonly labelRows: Uint32Array<ArrayBuffer>;
  /** (L) the token expected there; fillers are IGNORED_TARGET. */
  readonly labelTargets: Uint32Array<ArrayBuffer>;
  /** Labels without fillers: the denominator of the mean. */
  readonly labelCount: number;
  /** Tokens of the examples, without padding and fillers. */
  readonly realTokens: number;
  readonly examples: number;
}

/** Sizes that every micro-batch of a run fits in, so that shapes are static. */
export interface BatchCapacity {
  readonly tokens: number;
  readonly labels: number;
}

export interface PackOptions {
  /** true: examples back to back. false: each padded to the longest. The loss is the same. */
  readonly packing: boolean;
  /** Id of pad tokens; any valid id will do. */
  readonly padId?: number;
  /** Fills T and L up to these sizes. */
  readonly capacity?: BatchCapacity;
}

/**
 * The arrays of one micro-batch.
 * @throws BasinError when there is no example, an example is empty, or the batch exceeds the capacity
 */
export function packBatch(
  examples: readonly TokenizedExample[],
  { packing, padId = 0, capacity }: PackOptions,
): PackedBatch {
  const need = batchSize(examples, packing);
  if (need.tokens === 0)
    throw new BasinError({
      what: "The batch has no tokens",
      where: "batch",
      fix: "Give at least one example with at least one token.",
    });
  const size = capacity ?? need;
  if (need.tokens > size.tokens || need.labels > size.labels) {
    throw new BasinError({
      what: `The batch has ${need.tokens} tokens and ${need.labels} labels, more than the ${size.tokens} and ${size.labels} that were planned`,
      where: "batch",
      fix: "Plan the capacity from all batches of the run (planCapacity).",
    });
  }
  const ids = new Uint32Array(size.tokens);
  const positions = new Uint32Array(size.tokens);
  const bounds = new Uint32Array(4 * size.tokens);
  const labelRows = new Uint32Array(size.labels);
  const labelTargets = new Uint32Array(size.labels).fill(IGNORED_TARGET);
  const width = packing ? 0 : longest(examples);
  let [row, label, realTokens] = [0, 0, 0];
  for (const { input_ids, labels } of examples) {
    const start = row;
    const end = start + input_ids.length;
    for (let t = 0; t < input_ids.length; t += 1, row += 1) {
      ids[row] = input_ids[t] ?? 0;
      positions[row] = t;
      bounds.set([start, row + 1, row, end], 4 * row);
      const target = labels[t + 1];
      if (target !== undefined && target !== NO_LABEL) {
        labelRows[label] = row;
        labelTargets[label] = target;
        label += 1;
      }
    }
    realTokens += input_ids.length;
    if (!packing) for (; row < start + width; row += 1) fillRow(row, padId);
  }
  for (; row < size.tokens; row += 1) fillRow(row, 0);
  return {
    tokens: size.tokens,
    ids,
    positions,
    bounds,
    labelRows,
    labelTargets,
    labelCount: label,
    realTokens,
    examples: examples.length,
  };

  /** A segment of its own: it attends to itself, so that its softmax is defined, and nothing attends to it. */
  function fillRow(at: number, id: number): void {
    ids[at] = id;
    bounds.set([at, at + 1, at, at + 1], 4 * at);
  }
}

/** Tokens and labels that a micro-batch takes in the given layout. */
export function batchSize(examples: readonly TokenizedExample[], packing: boolean): BatchCapacity {
  let [sum, labels] = [0, 0];
  for (const example of examples) {
    if (example.labels.length !== example.input_ids.length) {
      throw new BasinError({
        what: `An example has ${example.labels.length} labels for ${example.input_ids.length} tokens`,
        where: "batch",
        fix: "Give one label per token, -100 where no loss is wanted.",
      });
    }
    sum += example.input_ids.length;
    for (let t = 1; t < example.labels.length; t += 1) if (example.labels[t] !== NO_LABEL) labels += 1;
  }
  return { tokens: packing ? sum : examples.length * longest(examples), labels };
}

/**
 * The smallest capacity that holds every micro-batch, each size rounded up to a multiple.
 * @param microBatches index lists into `examples`
 */
export function planCapacity(
  examples: readonly TokenizedExample[],
  microBatches: Iterable<readonly number[]>,
  { packing, multiple = 1 }: { readonly packing: boolean; readonly multiple?: number },
): BatchCapacity {
  let [tokens, labels] = [1, 1];
  for (const indices of microBatches) {
    const size = batchSize(pick(examples, indices), packing);
    tokens = Math.max(tokens, size.tokens);
    labels = Math.max(labels, size.labels);
  }
  const up = (n: number): number => Math.ceil(n / multiple) * multiple;
  return { tokens: up(tokens), labels: up(labels) };
}

/** The examples at the given indices. */
export function pick(examples: readonly TokenizedExample[], indices: readonly number[]): TokenizedExample[] {
  return indices.map((i) => {
    const example = examples[i];
    if (example === undefined) throw new RangeError(`example ${i} of ${examples.length}`);
    return example;
  });
}

function longest(examples: readonly TokenizedExample[]): number {
  return examples.reduce((most, { input_ids }) => Math.max(most, input_ids.length), 0);
}

/**
 * The order of one epoch: Fisher-Yates from the end, driven by sfc32 seeded with the text "shuffle/{seed}/{epoch}".
 * Depends on nothing but its arguments, so a run can be resumed or replayed from any epoch. (PyTorch's own order is
 * another one: a replay takes the order from here.)
 */
export function epochOrder(
  count: number,
  { seed, epoch, shuffle }: { readonly seed: number; readonly epoch: number; readonly shuffle: boolean },
): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  if (!shuffle) return order;
  const rng = new Rng(`shuffle/${seed}/${epoch}`);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = rng.below(i + 1);
    const [a, b] = [order[i] ?? 0, order[j] ?? 0];
    order[i] = b;
    order[j] = a;
  }
  return order;
}

/** How examples are grouped; names as in transformers. */
export interface BatchPlan {
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly seed: number;
  readonly shuffle: boolean;
}

/** One optimiser step: its micro-batches, each a list of example indices. */
export type StepBatches = readonly (readonly number[])[];

/**
 * The optimiser steps of one epoch. The last micro-batch may be short (dataloader_drop_last=false) and the last step
 * may have fewer micro-batches, as in transformers.
 */
export function epochSteps(count: number, plan: BatchPlan, epoch: number): StepBatches[] {
  const { per_device_train_batch_size: size, gradient_accumulation_steps: accumulation } = plan;
  checkPositive(size, "train.per_device_train_batch_size");
  checkPositive(accumulation, "train.gradient_accumulation_steps");
  const order = epochOrder(count, { seed: plan.seed, epoch, shuffle: plan.shuffle });
  return groups(groups(order, size), accumulation);
}

/** Optimiser steps in one epoch. */
export function stepsPerEpoch(
  count: number,
  plan: Pick<BatchPlan, "per_device_train_batch_size" | "gradient_accumulation_steps">,
): number {
  return Math.ceil(Math.ceil(count / plan.per_device_train_batch_size) / plan.gradient_accumulation_steps);
}

function groups<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let at = 0; at < items.length; at += size) out.push(items.slice(at, at + size));
  return out;
}

function checkPositive(value: number, where: string): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new BasinError({ what: `The value ${value} is not a whole number above 0`, where, fix: "Give 1 or more." });
}
