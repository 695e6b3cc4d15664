/**
 * @file Sampling against transformers' own processors (python/fixtures/sampling.py), the draws, and the speed of the
 * selection.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Sampler, candidates, penalise, rowStreams, type Sampling } from "../../src/generate/sampling.ts";

const list = z.array(z.number());
const golden = z
  .object({
    logits: z.array(list),
    ids: z.array(list),
    cases: z.array(
      z.object({
        sampling: z.object({
          temperature: z.number(),
          top_k: z.number(),
          top_p: z.number(),
          repetition_penalty: z.number(),
        }),
        rows: z.array(z.union([z.object({ greedy: z.int() }), z.object({ tokens: list, probabilities: list })])),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("../fixtures/sampling.json", import.meta.url), "utf8")));

const plain: Sampling = { temperature: 1, top_k: 0, top_p: 1, repetition_penalty: 1, seed: 1 };

describe.each(golden.cases.map((each) => ({ ...each, name: JSON.stringify(each.sampling) })))(
  "transformers leaves the same with $name",
  ({ sampling, rows }) => {
    it.each(rows.map((row, index) => ({ row, index })))("row $index", ({ row, index }) => {
      const logits = Float32Array.from(golden.logits[index] ?? []);
      const ids = golden.ids[index] ?? [];
      if ("greedy" in row) {
        expect(new Sampler({ ...sampling, seed: 0 }, "", ids).next(logits)).toBe(row.greedy);
      } else {
        penalise(logits, new Set(ids), sampling.repetition_penalty);
        const { tokens, weights } = candidates(logits, sampling);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const probabilities = weights.map((weight) => weight / total);
        expect(tokens).toHaveLength(row.tokens.length);
        // In row 1 many logits are equal: which of them top-p keeps is not defined, how many is.
        if (index !== 1 || sampling.top_p === 1) expect(tokens).toEqual(row.tokens);
        const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
        const want = sorted(row.probabilities);
        sorted(probabilities).forEach((value, i) => expect(Math.abs(value - (want[i] ?? NaN))).toBeLessThan(1e-6));
      }
    });
  },
);

describe("draws", () => {
  const logits = [0, Math.log(2), Math.log(4), Math.log(1)];
  const draws = (change: Partial<Sampling>): number[] => {
    const sampler = new Sampler({ ...plain, ...change }, "0", []);
    return Array.from({ length: 4000 }, () => sampler.next(Float32Array.from(logits)));
  };
  const share = (tokens: readonly number[], token: number): number =>
    tokens.filter((each) => each === token).length / tokens.length;

  it("have the softmax's probabilities", () => {
    const tokens = draws({});
    expect(share(tokens, 2)).toBeCloseTo(0.5, 1);
    expect(share(tokens, 1)).toBeCloseTo(0.25, 1);
  });

  it("keep the k most likely, or the fewest that reach p", () => {
    expect(new Set(draws({ top_k: 2 }))).toEqual(new Set([1, 2]));
    expect(new Set(draws({ top_p: 0.4 }))).toEqual(new Set([2]));
    expect(new Set(draws({ top_p: 0.6 }))).toEqual(new Set([1, 2]));
    expect(new Set(draws({ top_p: 0 }))).toEqual(new Set([2]));
    expect(new Set(draws({ temperature: 0 }))).toEqual(new Set([2]));
  });

  it("repeat for the same seed and stream, and differ otherwise", () => {
    const of = (seed: number, stream: string): number[] => {
      const sampler = new Sampler({ ...plain, temperature: 3, seed }, stream, []);
      return Array.from({ length: 30 }, () => sampler.next(Float32Array.from(logits)));
    };
    expect(of(1, "a")).toEqual(of(1, "a"));
    expect(of(2, "a")).not.toEqual(of(1, "a"));
    expect(of(1, "b")).not.toEqual(of(1, "a"));
    expect(rowStreams([[1, 2], [3], [1, 2]])).toEqual(["1,2/0", "3/0", "1,2/1"]);
  });

  it("count the answer's own tokens as repeated", () => {
    const sampler = new Sampler({ ...plain, temperature: 0, repetition_penalty: 10 }, "", [3]);
    const row = [1, 2, 3, 4];
    expect([0, 1, 2, 3].map(() => sampler.next(Float32Array.from(row)))).toEqual([2, 1, 0, 3]);
  });

  it("refuse logits that are not finite", () => {
    expect(() => new Sampler(plain, "", []).next(Float32Array.of(1, NaN))).toThrow(/logit of token 1 is NaN/);
    expect(() => new Sampler(plain, "", []).next(Float32Array.of(1, Infinity))).toThrow(/Infinity/);
  });
});

it("selects in a large vocabulary without sorting it", () => {
  const size = 151_936;
  const logits = Float32Array.from({ length: size }, (_, i) => 8 * Math.sin(i * 12.9898) + (i % 97) / 97);
  /** The best of a few: others may be using the machine. */
  const fastest = (work: () => unknown): number =>
    Math.min(
      ...Array.from({ length: 4 }, () => {
        const started = performance.now();
        work();
        return performance.now() - started;
      }),
    );
  const sorting = fastest(() => Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)));
  for (const change of [
    { top_k: 50 },
    { top_p: 0.9 },
    { top_k: 0 },
    { top_k: 40, top_p: 0.95, repetition_penalty: 1.1 },
  ]) {
    const sampler = new Sampler({ ...plain, ...change }, "", [1, 2, 3]);
    const ms = fastest(() => sampler.next(Float32Array.from(logits)));
    console.log(`${JSON.stringify(change)}: ${ms.toFixed(1)} ms a token (sorting: ${sorting.toFixed(0)} ms)`);
    expect(ms).toBeLessThan(sorting);
  }
});
