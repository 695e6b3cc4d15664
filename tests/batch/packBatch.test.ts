/** @file Order, grouping and packing: packed and padded batches ask for the same predictions from the same tokens. */
import { IGNORED_TARGET } from "../../src/engine/marks.ts";
import { describe, expect, it } from "vitest";
import { epochOrder, epochSteps, stepsPerEpoch } from "../../src/train/epochs.ts";
import { packBatch, examplesAt, planCapacity } from "../../src/batch/packBatch.ts";
import type { LabelledBatch } from "../../src/batch/batch.ts";
import type { TokenizedExample } from "../../src/text/example.ts";
import { failure } from "../text/support.ts";

const a: TokenizedExample = { input_ids: [10, 11, 12, 13], labels: [-100, -100, 12, 13] };
const b: TokenizedExample = { input_ids: [20, 21], labels: [20, 21] };
const c: TokenizedExample = { input_ids: [30, 31, 32], labels: [-100, 99, -100] };

describe("a packed batch", () => {
  const batch = packBatch([a, b, c], { packing: true });

  it("concatenates examples, each with its own positions and shifted labels", () => {
    expect([...batch.ids]).toEqual([10, 11, 12, 13, 20, 21, 30, 31, 32]);
    expect([...batch.positions]).toEqual([0, 1, 2, 3, 0, 1, 0, 1, 2]);
    expect([...batch.labelRows]).toEqual([1, 2, 4, 6]);
    expect([...batch.labelTargets]).toEqual([12, 13, 21, 99]);
    expect(batch).toMatchObject({ tokens: 9, labelCount: 4, realTokens: 9, examples: 3 });
  });

  it("limits attention to the example", () => {
    expect(rowsOf(batch.bounds)).toEqual([
      [0, 1, 0, 4],
      [0, 2, 1, 4],
      [0, 3, 2, 4],
      [0, 4, 3, 4],
      [4, 5, 4, 6],
      [4, 6, 5, 6],
      [6, 7, 6, 9],
      [6, 8, 7, 9],
      [6, 9, 8, 9],
    ]);
  });
});

describe("a padded batch", () => {
  const batch = packBatch([a, b, c], { packing: false, padId: 7 });

  it("fills each example up to the longest with rows that attend to themselves", () => {
    expect([...batch.ids]).toEqual([10, 11, 12, 13, 20, 21, 7, 7, 30, 31, 32, 7]);
    expect([...batch.positions]).toEqual([0, 1, 2, 3, 0, 1, 0, 0, 0, 1, 2, 0]);
    expect(rowsOf(batch.bounds)[6]).toEqual([6, 7, 6, 7]);
    expect([...batch.labelRows]).toEqual([1, 2, 4, 8]);
    expect(batch).toMatchObject({ tokens: 12, labelCount: 4, realTokens: 9, examples: 3 });
  });

  it("predicts the same labels as the packed one", () => {
    expect(predictions(batch)).toEqual(predictions(packBatch([a, b, c], { packing: true })));
  });
});

describe("capacity", () => {
  it("is filled up with rows and labels that change nothing", () => {
    const batch = packBatch([b, a], { packing: true, capacity: { tokens: 16, labels: 8 } });
    expect(batch).toMatchObject({ tokens: 16, labelCount: 3, realTokens: 6 });
    expect([
      batch.ids.length,
      batch.positions.length,
      batch.bounds.length,
      batch.labelRows.length,
      batch.labelTargets.length,
    ]).toEqual([16, 16, 64, 8, 8]);
    expect([...batch.ids.subarray(6)]).toEqual(Array(10).fill(0));
    expect(rowsOf(batch.bounds)[15]).toEqual([15, 16, 15, 16]);
    expect([...batch.labelTargets.subarray(3)]).toEqual(Array(5).fill(IGNORED_TARGET));
    expect(predictions(batch)).toEqual(predictions(packBatch([b, a], { packing: false })));
  });

  it("is planned over all micro-batches", () => {
    const examples = [a, b, c];
    expect(planCapacity(examples, [[0, 1], [2]], { packing: true })).toEqual({ tokens: 6, labels: 3 });
    expect(planCapacity(examples, [[0, 1], [2]], { packing: false })).toEqual({ tokens: 8, labels: 3 });
    expect(planCapacity(examples, [[0, 1], [2]], { packing: true, multiple: 16 })).toEqual({ tokens: 16, labels: 16 });
  });

  it("refuses a batch that exceeds it", () => {
    expect(failure(() => packBatch([a, b], { packing: true, capacity: { tokens: 5, labels: 8 } })).what).toContain(
      "6 tokens and 3 labels, more than the 5 and 8",
    );
    expect(failure(() => packBatch([], { packing: true })).what).toContain("no tokens");
    expect(failure(() => packBatch([{ input_ids: [1, 2], labels: [1] }], { packing: true })).what).toContain(
      "1 labels for 2",
    );
  });
});

describe("every query and key agree", () => {
  it("q range and kv range are the same relation, for random batches in both layouts", () => {
    for (let n = 1; n < 9; n += 1) {
      const examples = epochOrder(n, { seed: n, epoch: 0, shuffle: true }).map((i) => ({
        input_ids: Array(1 + ((i * 5) % 7)).fill(i),
        labels: Array(1 + ((i * 5) % 7)).fill(i),
      }));
      for (const packing of [true, false]) {
        const { bounds, tokens } = packBatch(examples, { packing, capacity: { tokens: 64, labels: 64 } });
        const rows = rowsOf(bounds);
        for (let q = 0; q < tokens; q += 1) {
          for (let k = 0; k < tokens; k += 1) {
            const [kvStart = 0, kvEnd = 0] = rows[q] ?? [];
            const [, , qStart = 0, qEnd = 0] = rows[k] ?? [];
            expect(k >= kvStart && k < kvEnd).toBe(q >= qStart && q < qEnd);
          }
        }
      }
    }
  });
});

describe("the order of an epoch", () => {
  it("is a permutation that depends on seed and epoch alone", () => {
    const order = (seed: number, epoch: number): number[] => epochOrder(100, { seed, epoch, shuffle: true });
    expect([...order(42, 0)].sort((x, y) => x - y)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(order(42, 0)).toEqual(order(42, 0));
    expect(order(42, 1)).not.toEqual(order(42, 0));
    expect(order(43, 0)).not.toEqual(order(42, 0));
    expect(epochOrder(4, { seed: 1, epoch: 0, shuffle: false })).toEqual([0, 1, 2, 3]);
  });

  it("never changes, so that a stored run replays", () => {
    expect(epochOrder(12, { seed: 42, epoch: 0, shuffle: true })).toMatchInlineSnapshot(`
      [
        8,
        2,
        10,
        1,
        6,
        11,
        7,
        4,
        9,
        3,
        5,
        0,
      ]
    `);
  });

  it("puts each example first about equally often", () => {
    const counts = Array(8).fill(0) as number[];
    for (let epoch = 0; epoch < 8000; epoch += 1) {
      const first = epochOrder(8, { seed: 1, epoch, shuffle: true })[0] ?? 0;
      counts[first] = (counts[first] ?? 0) + 1;
    }
    // Binomial: mean 1000, deviation 30.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe("steps", () => {
  const plan = { per_device_train_batch_size: 4, gradient_accumulation_steps: 2, seed: 1, shuffle: false };

  it("keep the short last batch and the short last step", () => {
    expect(epochSteps(11, plan, 0)).toEqual([
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
      [[8, 9, 10]],
    ]);
    expect(stepsPerEpoch(11, plan)).toBe(2);
    for (let count = 1; count < 40; count += 1)
      expect(epochSteps(count, plan, 0)).toHaveLength(stepsPerEpoch(count, plan));
  });

  it("see every example once per epoch, in another order each", () => {
    const flat = (epoch: number): number[] => epochSteps(11, { ...plan, shuffle: true }, epoch).flat(2);
    expect([...flat(0)].sort((x, y) => x - y)).toEqual(Array.from({ length: 11 }, (_, i) => i));
    expect(flat(0)).not.toEqual(flat(1));
  });

  it("refuse sizes that are not positive integers", () => {
    expect(failure(() => epochSteps(11, { ...plan, per_device_train_batch_size: 0 }, 0)).where).toBe(
      "train.per_device_train_batch_size",
    );
    expect(failure(() => epochSteps(11, { ...plan, gradient_accumulation_steps: 1.5 }, 0)).where).toBe(
      "train.gradient_accumulation_steps",
    );
    expect(() => examplesAt([a], [1])).toThrow(RangeError);
  });
});

function rowsOf(bounds: Uint32Array): number[][] {
  return Array.from({ length: bounds.length / 4 }, (_, t) => [...bounds.subarray(4 * t, 4 * t + 4)]);
}

/** What the model is asked: for each label, the tokens it may look at (in order, with positions) and the target. */
function predictions({ ids, positions, bounds, labelRows, labelTargets }: LabelledBatch): string[] {
  const out: string[] = [];
  labelRows.forEach((row, i) => {
    if (labelTargets[i] === IGNORED_TARGET) return;
    const [start, end] = [bounds[4 * row] ?? 0, bounds[4 * row + 1] ?? 0];
    out.push(
      JSON.stringify({
        sees: [...ids.subarray(start, end)],
        at: [...positions.subarray(start, end)],
        target: labelTargets[i],
      }),
    );
  });
  return out;
}
