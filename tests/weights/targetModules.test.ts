/** @file PEFT's rules for target_modules. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import {
  editDistance,
  matchTargetModules,
  patternMatches,
  type TargetModules,
} from "../../src/weights/targetModules.ts";

const PARTS = [
  "self_attn.q_proj",
  "self_attn.k_proj",
  "self_attn.v_proj",
  "self_attn.o_proj",
  "mlp.gate_proj",
  "mlp.up_proj",
  "mlp.down_proj",
];
const paths = [...[0, 1, 11].flatMap((layer) => PARTS.map((part) => `model.layers.${layer}.${part}`)), "lm_head"];

function failure(targets: TargetModules): BasinError {
  try {
    matchTargetModules(targets, paths);
  } catch (error) {
    if (error instanceof BasinError) return error;
  }
  throw new Error("no BasinError was thrown");
}

describe("target_modules", () => {
  it.each<[TargetModules, number]>([
    [["q_proj", "v_proj"], 6],
    [["self_attn.q_proj"], 3],
    [["layers.1.self_attn.q_proj"], 1], // not layer 11
    [["model.layers.0.mlp.up_proj", "up_proj"], 3], // each module once
    [["lm_head"], 1],
    ["all-linear", 21],
    ["ALL-LINEAR", 21],
    [".*\\.(q|v)_proj", 6],
    ["model\\.layers\\.(?P<n>\\d)\\.mlp\\..*", 6],
    ["lm_head", 1],
  ])("%j matches %i modules", (targets, count) => {
    const matched = matchTargetModules(targets, paths);
    expect(matched).toHaveLength(count);
    expect(matched).toEqual(paths.filter((path) => matched.includes(path)));
  });

  it("matches whole path components only", () => {
    expect(failure(["proj"]).what).toContain('"proj" matches no');
    expect(failure(["_proj"]).what).toContain("matches no");
  });

  it("suggests the nearest names for one that matches nothing, even beside one that does", () => {
    const error = failure(["v_proj", "qproj"]);
    expect(error.what).toContain('"qproj"');
    expect(error.fix).toMatch(/^Nearest: q_proj/);
    expect(error.fix).toContain("down_proj");
    expect(failure(["attn.q_proj"]).fix).toMatch(/^Nearest: self_attn\.q_proj/);
    expect(failure(["layers.7.mlp.up_proj"]).fix).toMatch(/layers\.[01]\.mlp\.up_proj/);
  });

  it("refuses an empty list, a pattern that matches nothing, and a broken pattern", () => {
    expect(failure([]).what).toContain("empty");
    expect(failure("q_proj").fix).toContain('["q_proj"]');
    expect(failure("(").what).toContain("not a regular expression");
  });

  it("skips an output head under any name", () => {
    expect(matchTargetModules("all-linear", ["a.x", "embed_out"], "embed_out")).toEqual(["a.x"]);
  });
});

describe("rank_pattern keys", () => {
  it("match the end of a path or, as a pattern, the whole path", () => {
    expect(patternMatches("q_proj", "model.layers.0.self_attn.q_proj")).toBe(true);
    expect(patternMatches("proj", "model.layers.0.self_attn.q_proj")).toBe(false);
    expect(patternMatches("model\\.layers\\.1\\..*", "model.layers.1.mlp.up_proj")).toBe(true);
    expect(patternMatches("model\\.layers\\.1\\..*", "model.layers.11.mlp.up_proj")).toBe(false);
  });
});

it("edit distance", () => {
  expect([editDistance("", "abc"), editDistance("kitten", "sitting"), editDistance("a", "a")]).toEqual([3, 3, 0]);
});
