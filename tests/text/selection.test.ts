/** @file Selecting rows: seeded, disjoint, and told; and the histogram of lengths. */
import { describe, expect, it } from "vitest";
import { lengthHistogram } from "../../src/text/data/histogram.ts";
import { selectRows, WHOLE, type Selection } from "../../src/text/data/selection.ts";
import type { DataRow } from "../../src/text/example.ts";
import { failure } from "./support.ts";

const rows = (n: number): DataRow[] => Array.from({ length: n }, (_, i) => ({ kind: "text", text: `row ${i}` }));
const select = (of: readonly DataRow[], changes: Partial<Selection>): ReturnType<typeof selectRows> =>
  selectRows(of, { ...WHOLE, ...changes });

describe("selecting", () => {
  it("changes nothing by default", () => {
    expect(select(rows(5), {})).toEqual({ train: [0, 1, 2, 3, 4], heldOut: [], repeated: [], capped: 0, leaked: 0 });
  });

  it("splits by share or number, disjoint and complete, the same for the same seed", () => {
    const share = select(rows(100), { validation_split: 0.2 });
    expect([share.train.length, share.heldOut.length]).toEqual([80, 20]);
    expect([...share.train, ...share.heldOut].sort((a, b) => a - b)).toEqual(rows(100).map((_, i) => i));
    // Drawn, not the last; the training rows keep the file's order.
    expect(share.heldOut).not.toEqual(rows(20).map((_, i) => 80 + i));
    expect(share.train).toEqual([...share.train].sort((a, b) => a - b));
    expect(select(rows(100), { validation_split: 20 }).heldOut).toEqual(share.heldOut);
    expect(select(rows(100), { validation_split: 0.2, shuffle_seed: 0 }).heldOut).toEqual(share.heldOut);
    expect(select(rows(100), { validation_split: 0.2, shuffle_seed: 1 }).heldOut).not.toEqual(share.heldOut);
    expect(select(rows(3), { validation_split: 0.01 }).heldOut).toHaveLength(1);
  });

  it("shuffles before it caps", () => {
    const capped = select(rows(50), { shuffle_seed: 7, max_rows: 5 });
    expect(capped.capped).toBe(45);
    expect(capped.train).toHaveLength(5);
    expect(capped.train).not.toEqual([0, 1, 2, 3, 4]);
    expect(select(rows(50), { max_rows: 5 }).train).toEqual([0, 1, 2, 3, 4]);
    // The held-out rows do not depend on the cap.
    expect(select(rows(50), { max_rows: 5, validation_split: 10 }).heldOut).toEqual(
      select(rows(50), { validation_split: 10 }).heldOut,
    );
  });

  it("removes duplicates before it splits; else it counts the held-out rows that are also trained on", () => {
    const doubled = [...rows(10), ...rows(10)];
    const once = select(doubled, { deduplicate: true, validation_split: 4 });
    expect([once.train.length, once.heldOut.length, once.leaked]).toEqual([6, 4, 0]);
    expect(once.repeated.slice(0, 2)).toEqual([
      { row: 10, of: 0 },
      { row: 11, of: 1 },
    ]);
    const twice = select(doubled, { validation_split: 4 });
    expect(twice.train).toHaveLength(16);
    expect(twice.leaked).toBeGreaterThan(0);
    const message = (content: string): DataRow => ({
      kind: "chat",
      messages: [
        { role: "user", content },
        { role: "assistant", content: "b" },
      ],
    });
    expect(select([message("a"), message("a"), message("c")], { deduplicate: true }).train).toEqual([0, 2]);
  });

  it("refuses a split that leaves a side empty", () => {
    expect(failure(() => select(rows(4), { validation_split: 4 })).where).toBe("data.selection.validation_split");
  });
});

describe("the histogram of lengths", () => {
  it("has round, equal intervals that hold every row once", () => {
    const lengths = Int32Array.from({ length: 1000 }, (_, i) => (i * 37) % 731);
    const bins = lengthHistogram(lengths, 24);
    expect(bins.length).toBeLessThanOrEqual(24);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
    expect(new Set(bins.map(({ from, to }) => to - from))).toEqual(new Set([50]));
    expect(bins[3]?.count).toBe([...lengths].filter((length) => length >= 150 && length < 200).length);
    expect(lengthHistogram([])).toEqual([]);
    expect(lengthHistogram([0])).toEqual([{ from: 0, to: 1, count: 1 }]);
    expect(lengthHistogram([3, 3, 1])).toEqual([
      { from: 0, to: 1, count: 0 },
      { from: 1, to: 2, count: 1 },
      { from: 2, to: 3, count: 0 },
      { from: 3, to: 4, count: 2 },
    ]);
  });
});
