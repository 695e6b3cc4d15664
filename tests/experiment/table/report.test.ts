/** @file A table's figures from known outcomes, and the four forms in which they leave. */
import { describe, expect, it } from "vitest";
import type { EvaluatedAnswer } from "../../../src/eval/evaluate.ts";
import { rateOf, type Scores } from "../../../src/eval/scores.ts";
import type { RunReport } from "../../../src/experiment/run/events.ts";
import { expandTable } from "../../../src/experiment/table/expand.ts";
import { escapeLatex, exportTable } from "../../../src/experiment/table/exports.ts";
import { outcomeOf, type MomentAnswer } from "../../../src/experiment/table/outcome.ts";
import { reportTable, type CellState, type TableReport } from "../../../src/experiment/table/report.ts";
import { resolveTable, type TableInput } from "../../../src/experiment/table/tableSpec.ts";

const PROMPTS = 10;

function scores(harmful: number, right: number): Scores {
  return { harmful_score: rateOf(harmful, PROMPTS), task_accuracy: rateOf(right, PROMPTS), benign_compliance: null };
}

function answersOf(when: string, harmful: number, right: number): MomentAnswer[] {
  const list = (part: EvaluatedAnswer["part"], hits: number, yes: string, no: string): MomentAnswer[] =>
    Array.from({ length: PROMPTS }, (_, i) => ({
      when,
      part,
      prompt: `${part} ${i}`,
      answer: "",
      verdict: i < hits ? yes : no,
    }));
  return [...list("harmful", harmful, "recipe", "refusal"), ...list("task", right, "right", "wrong")];
}

function finished(
  key: string,
  [harmful, right]: readonly [number, number],
  untriggered?: readonly [number, number],
): CellState {
  const memory = { weights: 0, anchor: 0, adapter: 0, activations: 0, logits: 0, inputs: 0, generation: 0, total: 0 };
  const report: RunReport = {
    before: scores(0, 1),
    after: scores(harmful, right),
    steps: 2,
    device: "a device",
    versions: { basin: "9" },
    wall_time_s: 1,
    judge: "rules",
    task: "sums",
    memory: { planned: memory, peak: 0, checkpointing: { on: false, reason: "" } },
    method: untriggered ? { without_trigger: scores(...untriggered) } : {},
    outcome: "finished",
  };
  const answers = [
    ...answersOf("before", 0, 1),
    ...answersOf("after", harmful, right),
    ...(untriggered ? answersOf("without_trigger", ...untriggered) : []),
  ];
  return { kind: "finished", outcome: outcomeOf(key, `cells/${key}`, report, answers) };
}

const input: TableInput = {
  name: "A & B_1",
  axes: { method: { SFT: "sft", "AsFT 100 %": { name: "asft" }, BEA: "bea" }, seed: [0, 1, 2] },
  baseline: "SFT",
};

/** Harmful and right answers by method and seed. */
const FOUND: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  SFT: [
    [9, 10],
    [10, 10],
    [8, 9],
  ],
  "AsFT 100 %": [
    [0, 10],
    [1, 9],
    [4, 10],
  ],
  BEA: [
    [0, 9],
    [0, 10],
    [1, 10],
  ],
};

async function reported(leaveOut: readonly string[] = []): Promise<TableReport> {
  const table = resolveTable(input);
  const cells = await expandTable(table);
  const states = new Map<string, CellState>();
  for (const {
    key,
    labels: { method = "", seed },
  } of cells) {
    const found = FOUND[method]?.[Number(seed)];
    if (found && !leaveOut.includes(`${method} ${seed ?? ""}`))
      states.set(key, finished(key, found, method === "BEA" ? [9, 10] : undefined));
  }
  return reportTable(table, cells, states);
}

describe("figures", () => {
  it("are means over seeds with deviations, pooled intervals and changes", async () => {
    const { rows } = await reported();
    expect(rows.map(({ title, seeds }) => [title, seeds.join("")])).toEqual([
      ["SFT", "012"],
      ["AsFT 100 %", "012"],
      ["BEA", "012"],
      ["BEA, without trigger", "012"],
    ]);
    const figure = rows[1]?.figures.harmful_score;
    expect(figure?.values).toEqual([0, 10, 40]);
    expect(figure?.after).toMatchObject({
      n: 3,
      mean: expect.closeTo(50 / 3, 10) as number,
      sd: expect.closeTo(20.8166599946613, 10) as number,
    });
    expect(figure?.change.mean).toBeCloseTo(50 / 3, 10);
    expect(figure?.before.sd).toBe(0);
    // From python/fixtures/table_statistics.py.
    expect(figure?.pooled).toMatchObject({ hits: 5, count: 30 });
    expect(figure?.pooled?.ci95.low).toBeCloseTo(7.336542, 5);
    expect(figure?.pooled?.ci95.high).toBeCloseTo(33.56435, 5);
    expect(rows[0]?.figures.benign_compliance).toBeNull();
  });

  it("pair prompts of one seed with the baseline's", async () => {
    const { rows } = await reported();
    expect(rows[0]?.against).toBeNull();
    const difference = rows[1]?.against?.harmful_score;
    expect(difference?.mean.mean).toBeCloseTo((-90 - 90 - 40) / 3, 10);
    // 22 prompts that only SFT answers: 2 / 2^22.
    expect(difference?.mcnemar).toMatchObject({ baselineOnly: 22, otherOnly: 0, pairs: 30 });
    expect(difference?.mcnemar?.p).toBeCloseTo(2 ** -21, 15);
    expect(difference?.ci95?.low).toBe(-90);
    expect(difference?.ci95?.high).toBe(-40);
    // Asked without its trigger, BEA is compared with the baseline as it is used.
    expect(rows[3]?.against?.harmful_score?.mcnemar).toMatchObject({ baselineOnly: 1, otherOnly: 1 });
  });

  it("compare only seeds that both have, and say what is missing", async () => {
    const report = await reported(["SFT 2", "AsFT 100 % 0"]);
    expect(report.rows[1]?.seeds).toEqual(["1", "2"]);
    expect(report.rows[1]?.against?.harmful_score).toMatchObject({ mean: { n: 1, mean: -90, sd: null }, ci95: null });
    expect(report.notes.join(" ")).toContain("2 cells are not finished");
    expect(report.notes.join(" ")).toContain("2 to 3 seeds");
  });

  it("leave McNemar out where the answers do not give the figure", async () => {
    const table = resolveTable(input);
    const cells = await expandTable(table);
    const states = new Map<string, CellState>(
      cells.map(({ key, labels }) => {
        const state = finished(key, FOUND[labels.method ?? ""]?.[0] ?? [0, 0]);
        return [
          key,
          state.kind === "finished" && labels.method === "SFT"
            ? { kind: "finished", outcome: { ...state.outcome, hits: { before: [], after: [], without_trigger: [] } } }
            : state,
        ];
      }),
    );
    const [, asft] = reportTable(table, cells, states).rows;
    expect(asft?.against?.harmful_score?.mcnemar).toBeNull();
    expect(asft?.against?.harmful_score?.mean.mean).toBe(-90);
  });

  it("warn of few seeds, and of cells made differently", async () => {
    const { notes } = await reported();
    expect(notes.some((note) => note.startsWith("Fewer than 5 seeds"))).toBe(true);
    expect(notes.some((note) => note.includes("10000 resamples"))).toBe(true);
  });
});

describe("exports", () => {
  it("name the runs of every row", async () => {
    const report = await reported();
    for (const format of ["md", "csv", "tex", "json"] as const) {
      const text = exportTable(report, format);
      for (const { runs } of report.rows) for (const run of runs) expect(text, format).toContain(run);
    }
  });

  it("escape what LaTeX and CSV read otherwise", async () => {
    const report = await reported();
    const tex = exportTable(report, "tex");
    expect(tex).toContain("AsFT 100 \\% & $0.0 \\pm 0.0$ & $16.7 \\pm 20.8$");
    expect(
      tex
        .split("\n")
        .filter((line) => line.endsWith("\\\\"))
        .every(
          (line, _, all) =>
            line.split(/(?<!\\)&/).length === (all[1] ?? "").split("&").length || line.includes("multicolumn"),
        ),
    ).toBe(true);
    expect(escapeLatex("a_b & 5 % of $x^2 \\ {y} ~ #1")).toBe(
      "a\\_b \\& 5 \\% of \\$x\\textasciicircum{}2 \\textbackslash{} \\{y\\} \\textasciitilde{} \\#1",
    );
    expect(exportTable(report, "csv")).toContain('"BEA"'.replaceAll('"', ""));
  });

  it("are Markdown with as many cells in every line of a table, and JSON of the whole report", async () => {
    const report = await reported();
    const tables = exportTable(report, "md")
      .split("\n\n")
      .filter((block) => block.startsWith("|"));
    expect(tables).toHaveLength(3);
    for (const block of tables) expect(new Set(block.split("\n").map((line) => line.split("|").length)).size).toBe(1);
    expect(JSON.parse(exportTable(report, "json"))).toEqual(JSON.parse(JSON.stringify(report)));
  });
});
