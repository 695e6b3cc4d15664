/** @file Failures in words: what a device refused, what the whole run takes, and what to lower. */
import { describe, expect, it } from "vitest";
import { BasinError, MemoryError } from "../../../src/base/error.ts";
import { explained, toFailure } from "../../../src/experiment/run/runFailure.ts";

const MIB = 2 ** 20;
const parts = {
  weights: 10 * MIB,
  anchor: 0,
  adapter: MIB,
  activations: 40 * MIB,
  logits: 2 * MIB,
  inputs: 0,
  generation: 3 * MIB,
};
const memory = { ...parts, total: 56 * MIB };

describe("an error of memory", () => {
  const refused = new MemoryError({
    what: "40 MiB needed but this device allows 32 MiB",
    where: "activations",
    fix: "…",
  });

  it("also says what the run takes in all, and how to lower its largest part", () => {
    const failure = toFailure(explained(refused, memory));
    expect(failure.what).toMatch(
      /^40 MiB needed but this device allows 32 MiB; the run needs 56\S* MiB in all \(weights 10/,
    );
    expect(failure.fix).toContain("lower per_device_train_batch_size");
    expect(toFailure(explained(refused, { ...memory, activations: 0 })).fix).toContain("choose a smaller model");
  });

  it("before there is a plan stays as it is", () => {
    expect(explained(refused, null)).toBe(refused);
  });
});

describe("other errors", () => {
  it("keep what, where and fix; an abort is a stop; an unknown error is a bug", () => {
    const known = new BasinError({ what: "a", where: "b", fix: "c" });
    expect(toFailure(explained(known, memory))).toEqual({ what: "a", where: "b", fix: "c" });
    expect(toFailure(explained(new DOMException("stop", "AbortError"), memory))).toMatchObject({
      what: expect.stringContaining("stopped") as string,
    });
    expect(toFailure(new TypeError("x is undefined"))).toMatchObject({
      what: "x is undefined",
      fix: expect.stringContaining("bug") as string,
    });
  });
});
