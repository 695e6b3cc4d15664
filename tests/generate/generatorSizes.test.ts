/** @file How a generator's buffers grow. */

import { describe, expect, it } from "vitest";
import { GeneratorSizes } from "../../src/generate/generatorSizes.ts";

describe("a generator's buffers", () => {
  it("grow only where something is too small, and say what has to be allocated anew", () => {
    const sizes = new GeneratorSizes();
    expect(sizes.grow({ positions: 100, cacheRows: 64 })).toEqual({
      rotary: true,
      cache: true,
      inputs: false,
      any: true,
    });
    expect([sizes.positions, sizes.cacheRows, sizes.inputBytes]).toEqual([128, 64, 0]);
    expect(sizes.grow({ positions: 128, cacheRows: 32 }).any).toBe(false);
    expect(sizes.grow({ inputBytes: 512 })).toEqual({ rotary: false, cache: false, inputs: true, any: true });
    expect(sizes.inputBytes).toBe(1024);
    expect(sizes.grow({ inputBytes: 1024 }).any).toBe(false);
    expect([sizes.positions, sizes.cacheRows, sizes.inputBytes]).toEqual([128, 64, 1024]);
  });
});
