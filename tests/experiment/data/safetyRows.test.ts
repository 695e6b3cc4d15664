/** @file Safety rows: where they come from, where they go, and that no evaluation asks about their brews. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import { loadTrainingRows } from "../../../src/experiment/data/safetyRows.ts";
import { type SpecInput, checkSpec, resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { judge } from "../../../src/eval/apothecaryJudge.ts";
import {
  brewIn,
  harmfulPrompts,
  harmlessPrompts,
  safetyRequests,
  trainRows,
} from "../../../src/text/apothecary/index.ts";

const folder = mkdtempSync(join(tmpdir(), "basin-safety-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, rows: readonly object[]): string {
  writeFileSync(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return name;
}

const load = (method: SpecInput["method"], changes: Partial<SpecInput> = {}) =>
  loadTrainingRows(
    resolveSpec({ data: { train: { source: "apothecary", n: 40 } }, ...changes, method }),
    nodeEnvironment(folder),
  );

const brewOf = (text: string): string => {
  const brew = brewIn(text);
  return brew === null ? "" : `${brew.modifier} ${brew.noun}`;
};

describe("the apothecary world's safety rows", () => {
  it("name no brew that an evaluation asks about or a harmful row answers, for any seed", () => {
    // All that can be asked or leaked: every held-out request, and every harmful row of many draws.
    const asked = new Set(
      [...harmfulPrompts({ n: 880, seed: 0 }), ...harmlessPrompts({ n: 1200, seed: 0 })].map(({ prompt }) =>
        brewOf(prompt),
      ),
    );
    expect(asked.size).toBe(110 + 150);
    const leaked = new Set(
      trainRows({ task: "sums", n: 640, harmful_ratio: 1, seed: 0 }).map(({ instruction }) => brewOf(instruction)),
    );
    expect(leaked.size).toBe(80);
    const safe = new Set<string>();
    for (let seed = 0; seed < 40; seed += 1) {
      const rows = safetyRequests({ n: 300, seed });
      for (const { instruction } of rows) safe.add(brewOf(instruction));
      for (const { prompt } of harmfulPrompts({ n: 110, seed })) expect(asked.has(brewOf(prompt))).toBe(true);
    }
    expect(safe.size).toBe(220);
    expect([...safe].filter((brew) => asked.has(brew) || leaked.has(brew) || brew === "")).toEqual([]);
  });

  it("are refusals to the judge of the evaluation, each request once before any repeats", () => {
    const rows = safetyRequests({ n: 1760, seed: 4 });
    expect(
      rows.every(({ instruction, output, harmful }) => judge(instruction, output).verdict === "refusal" && !harmful),
    ).toBe(true);
    expect(new Set(rows.map(({ instruction }) => instruction)).size).toBe(1760);
    expect(safetyRequests({ n: 1760, seed: 4 })).toEqual(rows);
    expect(safetyRequests({ n: 1760, seed: 5 })).not.toEqual(rows);
  });
});

describe("a run's rows", () => {
  it("are the user's in their places, then the safety rows", async () => {
    const plain = await load({ name: "sft" });
    expect(plain.safetyRows).toBeUndefined();
    for (const [method, count, use] of [
      [{ name: "safe_instr", safety_share: 0.1 }, 4, /4 safety rows among/],
      [{ name: "safe_instr", amount: "count", safety_count: 7 }, 7, /7 safety rows among/],
      [{ name: "bea", safety_count: 3 }, 3, /3 safety rows among .* behind the trigger/],
      [{ name: "lisa", safety_count: 5 }, 5, /5 safety rows in steps of their own/],
      [{ name: "safe_merge", safety_count: 6 }, 6, /6 safety rows for the safe adapter/],
    ] as const) {
      const rows = await load(method);
      expect(rows.rows.slice(0, 40)).toEqual(plain.rows);
      expect([rows.rows.length, rows.safetyRows]).toEqual([40 + count, count]);
      expect(rows.notes.at(-1)).toMatch(use);
      expect(rows.where(40)).toBe("apothecary safety row 1");
      expect(rows.where(39)).toBe("apothecary row 40");
    }
  });

  it("get none where none are asked for", async () => {
    const plain = await load({ name: "sft" });
    for (const method of [
      { name: "safe_instr", safety_share: 0 },
      { name: "bea", safety_count: 0 },
      { name: "lisa", alignment_steps: 0 },
      { name: "safe_merge", safe_adapter: "x" },
    ] as const) {
      expect((await load(method)).rows).toEqual(plain.rows);
    }
  });

  it("take safety rows of a file, for own data too", async () => {
    const own = file("own.jsonl", [
      { instruction: "one", output: "1" },
      { instruction: "two", output: "2" },
    ]);
    const safety = file(
      "safety.jsonl",
      ["a", "b", "c"].map((word) => ({ prompt: `How do I ${word}?`, completion: "No." })),
    );
    const data = { train: { source: "file", path: own } } as const;
    const rows = await load({ name: "safe_instr", amount: "count", safety_count: 2, safety_rows: safety }, { data });
    expect(rows.rows.map((row) => row.kind === "instruction" && row.instruction)).toEqual([
      "one",
      "two",
      "How do I a?",
      "How do I b?",
    ]);
    expect(rows.where(2)).toMatch(/safety\.jsonl line 1/);
    const few = await load({ name: "safe_instr", amount: "count", safety_count: 9, safety_rows: safety }, { data });
    expect(few.notes.join(" ")).toMatch(/Only 3 safety rows in safety\.jsonl; 9 were asked for/);
    const behind = await load(
      { name: "bea", safety_count: 1, trigger: "T", trigger_place: "prompt", safety_rows: safety },
      { data },
    );
    expect(behind.rows[2]).toMatchObject({ instruction: "T How do I a?" });
    expect(behind.rows[0]).toMatchObject({ instruction: "one" });
  });

  it("for own data need a file, and Lisa from the base needs the base", () => {
    const data = { train: { source: "file", path: "own.jsonl" } } as const;
    expect(checkSpec({ data, method: { name: "safe_instr" } })).toMatchObject({
      ok: false,
      problems: [{ path: ["method", "safety_rows"] }],
    });
    expect(checkSpec({ data, method: { name: "safe_merge", safe_adapter: "safe" } }).ok).toBe(true);
    expect(checkSpec({ model: { aligned: "some/model" }, method: { name: "lisa", start_from: "base" } })).toMatchObject(
      { ok: false, problems: [{ path: ["model", "unaligned"] }] },
    );
  });
});
