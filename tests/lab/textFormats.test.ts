/** @file Target modules and patterns as people type them. */
import { describe, expect, it } from "vitest";
import { fromPatternText, fromTargetsText, toPatternText, toTargetsText } from "../../src/lab/setup/textFormats.ts";

describe("target modules", () => {
  it.each([
    ["q_proj, v_proj", ["q_proj", "v_proj"]],
    ["q_proj", ["q_proj"]],
    ["all-linear", "all-linear"],
    [".*\\.(q|v)_proj", ".*\\.(q|v)_proj"],
    [
      "model.layers.1.mlp.up_proj, model.layers.1.self_attn.q_proj",
      ["model.layers.1.mlp.up_proj", "model.layers.1.self_attn.q_proj"],
    ],
  ])("%s", (text, value) => {
    expect(fromTargetsText(text)).toEqual(value);
    expect(fromTargetsText(toTargetsText(value))).toEqual(value);
  });
});

describe("ranks by module", () => {
  it("are JSON; what is not stays as typed, for the check to complain", () => {
    const value = { down_proj: 3, "layers\\.0\\..*": 4 };
    expect(fromPatternText(toPatternText(value))).toEqual(value);
    expect([
      toPatternText({}),
      fromPatternText(" "),
      fromPatternText("down_proj: 3"),
      toPatternText("down_proj: 3"),
    ]).toEqual(["", undefined, "down_proj: 3", "down_proj: 3"]);
  });
});
