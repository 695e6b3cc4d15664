/**
 * @file The texts of a profile's kernels: each once, under a name that files can have; entry points are found in them.
 */
import { describe, expect, it } from "vitest";
import { kernelText } from "../../../src/engine/kernel.ts";
import { attentionFamily, loraFamily } from "../../../src/engine/kernels.ts";
import type { ProfileRow } from "../../../src/engine/profile.ts";
import { constantsText, entryAt, kernelName, sourced } from "../../../src/experiment/measure/kernelSources.ts";

function row(kernel: string, entry: string, wgsl: string): ProfileRow {
  return {
    operator: entry,
    shape: [1],
    kernel,
    entry,
    constants: {},
    count: 1,
    ms: 1,
    share: 0.1,
    flops: 0,
    gflops: undefined,
    wgsl,
  };
}

describe("kernel sources", () => {
  it("hold each text once, and rows name theirs", () => {
    const rows = [
      row("matmul", "nt", "one"),
      row("add", "add", "sum"),
      row("matmul", "nn", "two"),
      row("matmul", "nn", "one"),
      row("attention (pairs)", "forward", "pairs"),
    ];
    const { rows: named, sources } = sourced(rows);
    expect(named.map(({ entry, source }) => [entry, source])).toEqual([
      ["nt", "matmul-1.wgsl"],
      ["add", "add.wgsl"],
      ["nn", "matmul-2.wgsl"],
      ["nn", "matmul-1.wgsl"],
      ["forward", "attention_pairs.wgsl"],
    ]);
    expect(sources).toEqual({
      "matmul-1.wgsl": "one",
      "matmul-2.wgsl": "two",
      "add.wgsl": "sum",
      "attention_pairs.wgsl": "pairs",
    });
    expect(named.every((one) => !("wgsl" in one))).toBe(true);
    expect(named.map(({ operator, ms }) => [operator, ms])).toEqual(rows.map(({ operator, ms }) => [operator, ms]));
  });

  it("are named for people", () => {
    expect(kernelName({ kernel: "matmul", entry: "ntShared" })).toBe("matmul · ntShared");
    expect(constantsText({ HEAD_DIM: 64, SOFTCAP: true, BIAS: false })).toBe("HEAD_DIM 64, SOFTCAP");
    expect(constantsText({})).toBe("");
  });

  it("show where an entry point begins", () => {
    const wgsl = kernelText({ family: attentionFamily, constants: { HEAD_DIM: 64 } });
    expect(wgsl.slice(entryAt(wgsl, "row_delta"))).toMatch(/^@compute @workgroup_size\([^)]*\)\s*fn row_delta\(/);
    const lora = kernelText({ family: loraFamily, constants: {} });
    expect(lora.slice(entryAt(lora, "down"))).toMatch(/^@compute[^\n]*\n?fn down\(/);
    expect(entryAt("fn plain() {}\n", "nothing")).toBe(0);
    expect(entryAt("@compute\nfn a() {}\nfn b() {}\n", "b")).toBe(19);
  });
});
