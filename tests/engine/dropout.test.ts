/** @file The dropout generator on the processor: rate, independence, and the errors for impossible probabilities. */

import { describe, expect, it } from "vitest";
import { dropThreshold, dropoutKeeps, pcg4d } from "../../src/engine/operators/dropout.ts";

describe("dropout", () => {
  it("keeps the asked share, in every lane, to four standard deviations", () => {
    for (const p of [0.05, 0.1, 0.5]) {
      for (let lane = 0; lane < 4; lane++) {
        let kept = 0;
        const n = 50_000;
        for (let i = 0; i < n; i++) if (dropoutKeeps(42, 7, 3, 4 * i + lane, p)) kept++;
        expect(Math.abs(kept / n - (1 - p))).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n));
      }
    }
  });

  it("gives unrelated masks to neighbours, streams, counters and seeds", () => {
    const n = 20_000;
    const keep = (seed: number, counter: number, stream: number, i: number): number =>
      dropoutKeeps(seed, counter, stream, i, 0.5) ? 1 : -1;
    const correlation = (other: (i: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += keep(42, 5, 3, i) * other(i);
      return Math.abs(sum / n);
    };
    const limit = 4 / Math.sqrt(n);
    for (const distance of [1, 2, 3, 4, 64, 576])
      expect(correlation((i) => keep(42, 5, 3, i + distance))).toBeLessThan(limit);
    for (const step of [1, 2, 16]) {
      expect(correlation((i) => keep(42, 5, 3 + step, i))).toBeLessThan(limit);
      expect(correlation((i) => keep(42, 5 + step, 3, i))).toBeLessThan(limit);
      expect(correlation((i) => keep(42 + step, 5, 3, i))).toBeLessThan(limit);
    }
  });

  it("is pcg4d as published", () => {
    // Reference words computed with 64-bit integers from the paper's listing.
    const expected = reference(1, 2, 3, 4);
    expect(pcg4d(1, 2, 3, 4)).toEqual(expected);
    expect(pcg4d(0xffffffff, 0x80000000, 12345, 0xdeadbeef)).toEqual(
      reference(0xffffffff, 0x80000000, 12345, 0xdeadbeef),
    );
  });

  it("refuses impossible probabilities and drops nothing at 0", () => {
    expect(() => dropThreshold(1)).toThrow("lora_dropout");
    expect(() => dropThreshold(-0.1)).toThrow("lora_dropout");
    expect(() => dropThreshold(Number.NaN)).toThrow("lora_dropout");
    for (let i = 0; i < 100; i++) expect(dropoutKeeps(1, 2, 3, i, 0)).toBe(true);
  });
});

function reference(...input: readonly number[]): number[] {
  const M = 1n << 32n;
  const v = input.map((word) => (BigInt(word) * 1664525n + 1013904223n) % M);
  const mix = (to: number, a: number, b: number): void => {
    v[to] = ((v[to] ?? 0n) + (v[a] ?? 0n) * (v[b] ?? 0n)) % M;
  };
  const round = (): void => {
    mix(0, 1, 3);
    mix(1, 2, 0);
    mix(2, 0, 1);
    mix(3, 1, 2);
  };
  round();
  v.forEach((word, i) => (v[i] = word ^ (word >> 16n)));
  round();
  return v.map(Number);
}
