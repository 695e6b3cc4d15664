/** @file Log-probabilities and the likeliest tokens from logits. */
import { describe, expect, it } from "vitest";
import { tokenOdds } from "../../src/generate/tokenOdds.ts";
import { Rng } from "../../src/base/rng.ts";

describe("token odds", () => {
  it("are the log-softmax, and name the likeliest in order", () => {
    const rng = new Rng("odds");
    for (let i = 0; i < 50; i += 1) {
      const logits = Float32Array.from({ length: 1 + rng.below(300) }, () => 40 * (rng.uint32() / 2 ** 32 - 0.5));
      const token = rng.below(logits.length);
      const { logProb, top } = tokenOdds(logits, token, 5);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      expect(logProb).toBeCloseTo(Math.log(Math.exp(logits[token] ?? 0) / total), 10);
      const sorted = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b).slice(0, 5);
      expect(top.map((one) => one.token)).toEqual(sorted);
      expect(top.map((one) => one.logProb)).toEqual(sorted.map((id) => tokenOdds(logits, id, 1).logProb));
    }
  });

  it("of equal logits name the lowest ids, and bear large and masked ones", () => {
    expect(tokenOdds(Float32Array.from([1, 1, 1, 1]), 3, 2)).toEqual({
      token: 3,
      logProb: expect.closeTo(-Math.log(4), 12),
      top: [
        { token: 0, logProb: expect.closeTo(-Math.log(4), 12) },
        { token: 1, logProb: expect.closeTo(-Math.log(4), 12) },
      ],
    });
    const { logProb, top } = tokenOdds(Float32Array.from([1e30, -Infinity, 0]), 1, 5);
    expect(logProb).toBe(-Infinity);
    expect(top.map(({ logProb: value }) => value)).toEqual(
      [0, -1e30, -Infinity].map((value) => (Number.isFinite(value) ? expect.closeTo(value, -24) : value)),
    );
    expect(tokenOdds(Float32Array.from([3]), 0, 5)).toEqual({ token: 0, logProb: 0, top: [{ token: 0, logProb: 0 }] });
  });
});
