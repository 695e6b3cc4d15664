/**
 * @file Examples to a batch with labels, for training and scoring.
 *
 * Packed (no padding):                         Padded (each example to the longest):
 *
 *     ids        a0 a1 a2 b0 b1 c0 c1 c2       a0 a1 a2 | b0 b1 _ | c0 c1 c2
 *     positions   0  1  2  0  1  0  1  2        0  1  2 |  0  1 0 |  0  1  2
 *     keys       [example's start, t + 1)       a pad is a filler (batch.ts)
 *
 * Tokens of one example never see another's, and positions are counted from the example's start, so both layouts give
 * the same loss. Row t predicts token t + 1 of the same example: a label row is t, its target the label at t + 1, as
 * the shift in transformers' causal language model loss. The label at an example's first position is therefore unused.
 */
import { BasinError } from "../base/error.ts";
import { IGNORED_TARGET } from "../engine/marks.ts";
import type { TokenizedExample } from "../text/example.ts";
import { lossTarget, NO_LABEL } from "../text/lossTerms.ts";
import type { BatchCapacity, LabelledBatch } from "./batch.ts";

export interface PackOptions {
  /** true: examples back to back. false: each padded to the longest. The loss is the same. */
  readonly packing: boolean;
  /** Id of pad tokens; any valid id will do. */
  readonly padId?: number;
  /** The shape to fill up to; just what the examples take unless given. */
  readonly capacity?: BatchCapacity;
}

/**
 * The arrays of one micro-batch.
 * @throws BasinError when there is no example, an example is empty, or the batch exceeds the capacity
 */
export function packBatch(
  examples: readonly TokenizedExample[],
  { packing, padId = 0, capacity }: PackOptions,
): LabelledBatch {
  const size = shapeOf(examples, packing, capacity);
  const ids = new Uint32Array(size.tokens);
  const positions = new Uint32Array(size.tokens);
  const bounds = new Uint32Array(4 * size.tokens);
  const labelRows = new Uint32Array(size.labels);
  const labelTargets = new Uint32Array(size.labels).fill(IGNORED_TARGET);
  const fillRow = (at: number, id: number): void => {
    ids[at] = id;
    bounds.set([at, at + 1, at, at + 1], 4 * at);
  };
  const labelTerms = examples.some(({ terms }) => terms !== undefined) ? new Float32Array(4 * size.labels) : null;
  const width = packing ? 0 : longest(examples);
  let [row, label, labelCount, realTokens] = [0, 0, 0, 0];
  for (const example of examples) {
    const { input_ids, labels } = example;
    const start = row;
    const end = start + input_ids.length;
    for (let t = 0; t < input_ids.length; t += 1, row += 1) {
      ids[row] = input_ids[t] ?? 0;
      positions[row] = t;
      bounds.set([start, row + 1, row, end], 4 * row);
      const target = lossTarget(example, t + 1);
      if (target !== undefined) {
        labelRows[label] = row;
        labelTargets[label] = target;
        labelTerms?.set(termsAt(example, t + 1), 4 * label);
        label += 1;
        if (labels[t + 1] !== NO_LABEL) labelCount += 1;
      }
    }
    realTokens += input_ids.length;
    if (!packing) for (; row < start + width; row += 1) fillRow(row, padId);
  }
  for (; row < size.tokens; row += 1) fillRow(row, 0);
  const counts = { labelCount, realTokens, examples: examples.length };
  return { tokens: size.tokens, ids, positions, bounds, labelRows, labelTargets, labelTerms, ...counts };
}

/** @throws Error where a label is held to a reference that is not known */
function termsAt({ terms }: TokenizedExample, t: number): readonly number[] {
  if (terms === undefined) return [1, 0, 0, 0];
  const [weight = 0, coefficient = 0] = [terms.weights[t], terms.kl?.[t]];
  const reference = terms.references?.[t];
  if (coefficient !== 0 && reference === undefined) throw new Error(`no reference log-probability of position ${t}`);
  return [weight, coefficient, reference ?? 0, 0];
}

/** The capacity, or what the examples take. @throws BasinError when they take nothing, or more than the capacity */
function shapeOf(
  examples: readonly TokenizedExample[],
  packing: boolean,
  capacity: BatchCapacity | undefined,
): BatchCapacity {
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
      what:
        `The batch has ${need.tokens} tokens and ${need.labels} labels, ` +
        `more than the ${size.tokens} and ${size.labels} that were planned`,
      where: "batch",
      fix: "Plan the capacity from all batches of the run (planCapacity).",
    });
  }
  return size;
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
    for (let t = 1; t < example.labels.length; t += 1) if (lossTarget(example, t) !== undefined) labels += 1;
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
    const size = batchSize(examplesAt(examples, indices), packing);
    tokens = Math.max(tokens, size.tokens);
    labels = Math.max(labels, size.labels);
  }
  const up = (n: number): number => Math.ceil(n / multiple) * multiple;
  return { tokens: up(tokens), labels: up(labels) };
}

/** The examples at the given indices. */
export function examplesAt(examples: readonly TokenizedExample[], indices: readonly number[]): TokenizedExample[] {
  return indices.map((i) => {
    const example = examples[i];
    if (example === undefined) throw new RangeError(`example ${i} of ${examples.length}`);
    return example;
  });
}

function longest(examples: readonly TokenizedExample[]): number {
  return examples.reduce((most, { input_ids }) => Math.max(most, input_ids.length), 0);
}
