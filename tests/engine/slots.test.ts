/** @file Activation buffers that several programs share. */

import { describe, expect, it } from "vitest";
import { assignSlots } from "../../src/engine/slots.ts";

describe("slots of programs that never run at the same time", () => {
  it("each take the smallest buffer that fits, the largest slot first", () => {
    const { bufferOf, pool } = assignSlots([64, 256, 128], [100, 200]);
    expect(bufferOf).toEqual([2, 1]);
    expect(pool).toEqual([64, 256, 128]);
  });

  it("add a buffer where none fits, in multiples of 16 bytes, and never share one within a program", () => {
    const { bufferOf, pool } = assignSlots([64], [64, 60, 100, 4]);
    expect(bufferOf).toEqual([0, 2, 1, 3]);
    expect(pool).toEqual([64, 112, 64, 16]);
    expect(new Set(bufferOf).size).toBe(4);
  });

  it("add nothing when the largest program came first", () => {
    const { pool } = assignSlots([], [512, 256, 128]);
    expect(assignSlots(pool, [200, 100, 500]).pool).toEqual(pool);
  });
});
