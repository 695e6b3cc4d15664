/** @file Names of runs, and what changed since the run before. */
import { describe, expect, it } from "vitest";
import { resolveSpec, type SpecInput } from "../../src/experiment/spec/spec.ts";
import { changesText, runsBefore } from "../../src/lab/runs/runChanges.ts";
import { runName } from "../../src/lab/runs/runName.ts";

const run = (runId: string, input: SpecInput) => ({ runId, spec: resolveSpec(input) });
const first = run("first", { method: { name: "asft", lambda: 1 }, train: { seed: 0 } });
const name = runName("first");

describe("the name of a run", () => {
  it("is two words, the same for the same id", () => {
    expect(name).toMatch(/^[a-z]+ [a-z]+$/);
    expect(runName("first")).toBe(name);
    expect(runName("2b1f6c1e-8a3d-4d34-9b59-0a6a3f7f2d11")).toBe("modest summit");
  });

  it("is spread over the words: a thousand ids have hundreds of names", () => {
    const names = new Set(Array.from({ length: 1000 }, (_, i) => runName(`run ${i}`)));
    expect(names.size).toBeGreaterThan(850);
    expect(new Set([...names].map((text) => text.split(" ")[0])).size).toBe(64);
  });
});

describe("what changed", () => {
  it("names the settings that differ from the run before, with both values", () => {
    const second = run("second", { method: { name: "asft", lambda: 10 }, train: { seed: 1 } });
    expect(changesText(second, first)).toBe(`Since ${name}: lambda 1 → 10, Seed 0 → 1`);
  });

  it("counts those beyond the third, and cuts long values", () => {
    const text = changesText(
      run("second", {
        method: { name: "sft" },
        lora: { r: 4, lora_alpha: 8, target_modules: ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj"] },
        train: { seed: 5 },
      }),
      first,
    );
    expect(text).toMatch(/^Since \w+ \w+: Method asft → sft, .*, \d+ more$/);
    const long = changesText(
      run("second", {
        method: { name: "asft", lambda: 1 },
        train: { seed: 0 },
        lora: { target_modules: ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj"] },
      }),
      first,
    );
    expect(long).toContain("…");
  });

  it("is nothing for the same settings under another name", () => {
    const again = { runId: "again", spec: { ...first.spec, name: "Once more" } };
    expect(changesText(again, first)).toBe(`Same settings as ${name}`);
  });

  it("is told of every run but the oldest", () => {
    const before = runsBefore([{ runId: "c" }, { runId: "b" }, { runId: "a" }]);
    expect([before.get("c"), before.get("b"), before.get("a")]).toEqual([{ runId: "b" }, { runId: "a" }, undefined]);
  });
});
