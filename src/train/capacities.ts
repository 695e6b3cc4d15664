/**
 * @file The few shapes that a run's programs are built for: micro-batches have many sizes, and each is filled up to the
 * next shape.
 */

import type { BatchCapacity } from "../batch/batch.ts";

/** Sizes are multiples of this. */
const MULTIPLE = 8;
/** Different sizes that are distinguished when shapes are chosen; the choice takes about the square of their number. */
const MOST_SIZES = 512;
/**
 * Cost of a row of the head against a row of the layers: 0.13 in the bundled model, 0.27 in SmolLM2-135M, 0.38 in
 * Qwen2.5-0.5B.
 */
const LABEL_COST = 0.25;

/** Micro-batches of one rounded number of tokens. */
interface Group {
  readonly tokens: number;
  readonly count: number;
  readonly labels: number;
}

/**
 * At most `shapes` sizes that every micro-batch fits in, so chosen that fillers cost least over all micro-batches (the
 * exact optimum among multiples of 8 tokens; of coarser ones where the largest micro-batch exceeds 4096).
 * @returns largest first; labels are the most of the micro-batches that belong to a size
 */
export function bucketCapacities(sizes: readonly BatchCapacity[], shapes = 8): BatchCapacity[] {
  const most = sizes.reduce((max, { tokens }) => Math.max(max, tokens), 1);
  const step = Math.max(MULTIPLE, upTo(most / MOST_SIZES, MULTIPLE));
  const groups = new Map<number, Group>();
  for (const size of sizes) {
    const tokens = upTo(size.tokens, step);
    const { count, labels } = groups.get(tokens) ?? { count: 0, labels: 1 };
    groups.set(tokens, { tokens, count: count + 1, labels: Math.max(labels, upTo(size.labels, MULTIPLE)) });
  }
  return cheapest(
    [...groups.values()].sort((a, b) => a.tokens - b.tokens),
    shapes,
  ).reverse();
}

/** The smallest capacity that holds a micro-batch. */
export function capacityFor(capacities: readonly BatchCapacity[], size: BatchCapacity): BatchCapacity {
  const fitting = capacities.filter(({ tokens, labels }) => tokens >= size.tokens && labels >= size.labels);
  const best = fitting.reduce<BatchCapacity | undefined>((a, b) => (a && a.tokens <= b.tokens ? a : b), undefined);
  if (!best) throw new Error(`no planned capacity holds ${size.tokens} tokens and ${size.labels} labels`);
  return best;
}

function upTo(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

/**
 * Cut the groups, ascending, into runs; all of a run are filled up to its last group's tokens and its most labels.
 * Least in sum:
 *
 *     cost[m][j] = min over i < j of
 *                  cost[m - 1][i] + count(i + 1 .. j) · (tokens(j) + LABEL_COST · most labels(i + 1 .. j))
 *
 * for the first j groups in m runs.
 * @returns the shapes of the runs, ascending
 */
function cheapest(groups: readonly Group[], shapes: number): BatchCapacity[] {
  const runs = Math.min(shapes, groups.length);
  let costs = [0, ...groups.map(() => Infinity)];
  /** Per number of runs and of groups: where the last run begins, and its shape. */
  const lasts: { readonly begin: number; readonly shape: BatchCapacity }[][] = [];
  for (let run = 0; run < runs; run += 1) {
    const next = costs.map(() => Infinity);
    const last: { begin: number; shape: BatchCapacity }[] = [];
    groups.forEach(({ tokens }, index) => {
      let [count, labels] = [0, 1];
      for (let begin = index; begin >= 0; begin -= 1) {
        const group = groups[begin];
        count += group?.count ?? 0;
        labels = Math.max(labels, group?.labels ?? 1);
        const cost = (costs[begin] ?? Infinity) + count * (tokens + LABEL_COST * labels);
        if (cost >= (next[index + 1] ?? Infinity)) continue;
        next[index + 1] = cost;
        last[index + 1] = { begin, shape: { tokens, labels } };
      }
    });
    lasts.push(last);
    costs = next;
  }
  const chosen: BatchCapacity[] = [];
  let end = groups.length;
  for (const last of lasts.reverse()) {
    const found = last[end];
    if (!found) break;
    chosen.unshift(found.shape);
    end = found.begin;
  }
  return chosen;
}
