/** @file Parameters of kernels: one declaration gives the shader's struct, the bytes and the type of a call site. */

import { describe, expect, it } from "vitest";
import type { DispatchRequest } from "../../src/engine/encoder.ts";
import { softcapFamily } from "../../src/engine/kernels.ts";
import { struct, structText, writeStruct } from "../../src/engine/wgsl/struct.ts";

const layout = struct({ count: "u32", shift: "i32", scale: "f32" });

describe("a struct", () => {
  it("is written as WGSL and as bytes in one order", () => {
    expect(structText("Params", layout)).toBe("struct Params {\n  count: u32,\n  shift: i32,\n  scale: f32,\n}\n");
    const view = new DataView(new ArrayBuffer(16));
    writeStruct(view, layout, { scale: 0.5, count: 3, shift: -2 }, "test");
    expect([view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true)]).toEqual([3, -2, 0.5]);
  });

  it("refuses values that are missing or too many", () => {
    const view = new DataView(new ArrayBuffer(16));
    expect(() => writeStruct(view, layout, { count: 3, shift: 1 }, "test")).toThrow(
      "test: the parameter scale is missing",
    );
    expect(() => writeStruct(view, layout, { count: 3, shift: 1, scale: 1, sacle: 1 }, "test")).toThrow(
      "test: there is no parameter sacle",
    );
  });

  it("is what a dispatch of its family must pass, checked by the compiler", () => {
    const common = { family: softcapFamily, entry: "softcap", bindings: {}, groups: 1 };
    const request: DispatchRequest<typeof softcapFamily> = { ...common, params: { count: 1, cap: 2 } };
    // @ts-expect-error: the cap is missing
    const missing: DispatchRequest<typeof softcapFamily> = { ...common, params: { count: 1 } };
    // @ts-expect-error: there is no parameter of this name
    const unknown: DispatchRequest<typeof softcapFamily> = { ...common, params: { count: 1, cap: 2, cup: 2 } };
    expect([request, missing, unknown]).toHaveLength(3);
  });
});
