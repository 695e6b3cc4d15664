/**
 * @file Comparing runs without React: order, filter, the Pareto front, differences of specs, tags and notes, deletion
 * that is taken back.
 */
import { describe, expect, it } from "vitest";
import { resolveSpec, type SpecInput } from "../../src/experiment/spec/spec.ts";
import { paretoFront, type ParetoPoint } from "../../src/lab/runs/pareto.ts";
import {
  ALL_RUNS,
  filterChoices,
  filterRuns,
  NEWEST_FIRST,
  nextSort,
  sortRuns,
  cleanTags,
} from "../../src/lab/runs/runList.ts";
import { HistoryController } from "../../src/lab/runs/historyController.ts";
import { specDifferences, valueText } from "../../src/lab/runs/specDiff.ts";
import { toSummary } from "../../src/lab/runs/runSummary.ts";
import type { StoredRun } from "../../src/lab/runs/storedRun.ts";
import { runArchive, SharedRecords } from "./sharedRecords.ts";

const rate = (hits: number, count = 50) => ({ percent: (100 * hits) / count, hits, count });

/** A run that failed after an evaluation, which needs no report. */
function run(
  runId: string,
  endedAt: number,
  input: SpecInput,
  scores: { readonly harmful?: number; readonly task?: number } | null,
  words: Pick<StoredRun, "tags" | "note"> = {},
): StoredRun {
  const evaluations =
    scores === null
      ? []
      : [
          {
            when: "during" as const,
            step: 1,
            scores: {
              harmful_score: scores.harmful === undefined ? null : rate(scores.harmful),
              task_accuracy: scores.task === undefined ? null : rate(scores.task),
              benign_compliance: null,
            },
          },
        ];
  return {
    version: 1,
    runId,
    startedAt: endedAt - 1,
    endedAt,
    spec: resolveSpec(input),
    plan: null,
    steps: [],
    evaluations,
    adapter: null,
    ending: { kind: "failed", failure: { what: "The GPU was lost", where: "", fix: "" }, lastStep: 1 },
    ...words,
  };
}

const sft = run("a", 1, { method: { name: "sft" } }, { harmful: 48, task: 50 });
const asft = run(
  "b",
  2,
  { method: { name: "asft", lambda: 10 } },
  { harmful: 0, task: 40 },
  { tags: ["lecture", "Keeper"], note: "Holds." },
);
const weak = run(
  "c",
  3,
  { method: { name: "asft", lambda: 2 }, data: { train: { source: "apothecary", task: "sums" } } },
  { harmful: 9 },
);
const none = run("d", 4, { method: { name: "sft" }, data: { train: { source: "file", path: "rows.csv" } } }, null);
const all = [none, weak, asft, sft];
const listed = all.map(toSummary);
const ids = (runs: readonly Pick<StoredRun, "runId">[]): string => runs.map(({ runId }) => runId).join("");

describe("order", () => {
  it("sorts by any column; what has no value comes last in both directions", () => {
    expect(ids(sortRuns(listed, NEWEST_FIRST))).toBe("dcba");
    expect(ids(sortRuns(listed, { column: "harmful", descending: false }))).toBe("bcad");
    expect(ids(sortRuns(listed, { column: "harmful", descending: true }))).toBe("acbd");
    expect(ids(sortRuns(listed, { column: "task", descending: true }))).toBe("abdc");
    // By number within the text: lambda 2 before 10.
    expect(ids(sortRuns(listed, { column: "method", descending: false }))).toBe("cbda");
    expect(ids(sortRuns(listed, { column: "benign", descending: true }))).toBe("dcba");
    expect(ids(all)).toBe("dcba");
  });

  it("a second click turns the order; another column begins with its best", () => {
    expect(nextSort({ column: "task", descending: true }, "task")).toEqual({ column: "task", descending: false });
    expect(nextSort(NEWEST_FIRST, "harmful")).toEqual({ column: "harmful", descending: false });
    expect(nextSort(NEWEST_FIRST, "task")).toEqual({ column: "task", descending: true });
  });
});

describe("filter", () => {
  const found = (filter: Partial<typeof ALL_RUNS>): string => ids(filterRuns(listed, { ...ALL_RUNS, ...filter }));

  it("wants every word, wherever it stands", () => {
    expect(found({})).toBe("dcba");
    expect(found({ text: "  ASFT  keeper " })).toBe("b");
    expect(found({ text: "rows.csv" })).toBe("d");
    expect(found({ text: "holds lecture sft" })).toBe("b");
    expect(found({ text: "gpu lost" })).toBe("dcba");
    expect(found({ text: "nothing like it" })).toBe("");
  });

  it("by method, data and tag", () => {
    expect(found({ method: "SFT" })).toBe("da");
    expect(found({ method: "SFT", data: "rows.csv" })).toBe("d");
    expect(found({ tag: "Keeper" })).toBe("b");
    expect(filterChoices(listed)).toEqual({
      methods: ["AsFT", "SFT"],
      data: ["rows.csv", "sums, 1000 rows, 10 % harmful", "topic, 1000 rows, 10 % harmful"],
      tags: ["Keeper", "lecture"],
    });
  });
});

describe("the Pareto front", () => {
  const front = (points: readonly (readonly [number, number])[]): string =>
    paretoFront(points.map(([harmful, accuracy]): ParetoPoint => ({ harmful, accuracy })))
      .map(({ harmful, accuracy }) => `${harmful}/${accuracy}`)
      .join(" ");

  it("keeps what no other beats, the safest first", () => {
    expect(
      front([
        [96, 100],
        [0, 90],
        [20, 100],
        [5, 95],
        [5, 94],
        [30, 80],
      ]),
    ).toBe("0/90 5/95 20/100");
    expect(front([[50, 50]])).toBe("50/50");
    expect(front([])).toBe("");
  });

  it("ties: equal pairs stay or go together; equal in one and worse in the other goes", () => {
    expect(
      front([
        [0, 98],
        [0, 98],
        [0, 97],
        [1, 98],
      ]),
    ).toBe("0/98 0/98");
    expect(
      front([
        [10, 90],
        [0, 95],
        [10, 90],
      ]),
    ).toBe("0/95");
  });

  it("equals the definition on random points", () => {
    let state = 7;
    const next = (): number => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor((state / 2147483648) * 12);
    };
    for (let round = 0; round < 200; round += 1) {
      const points = Array.from({ length: 1 + (round % 15) }, () => ({ harmful: next(), accuracy: next() }));
      const beaten = (a: ParetoPoint): boolean =>
        points.some(
          (b) =>
            b.harmful <= a.harmful && b.accuracy >= a.accuracy && (b.harmful < a.harmful || b.accuracy > a.accuracy),
        );
      expect(new Set(paretoFront(points))).toEqual(new Set(points.filter((point) => !beaten(point))));
    }
  });
});

describe("differences of specs", () => {
  it("lists the fields that differ, with their names, and nothing else", () => {
    const differences = specDifferences([sft.spec, asft.spec]);
    expect(differences.map(({ path }) => path)).toEqual([
      "method.name",
      "method.lambda",
      "method.projector",
      "method.rank",
      "method.penalty_scale",
    ]);
    expect(differences[1]).toMatchObject({ path: "method.lambda", values: [undefined, 10] });
    expect(specDifferences([asft.spec, weak.spec]).map(({ path, values }) => [path, ...values])).toEqual([
      ["method.lambda", 10, 2],
      ["data.train.task", "topic", "sums"],
      ["eval.task.task", "topic", "sums"],
    ]);
    expect(specDifferences([asft.spec, resolveSpec({ method: { name: "asft", lambda: 10 } })])).toEqual([]);
    expect(specDifferences([asft.spec])).toEqual([]);
  });

  it("names fields as the form does, and writes values as one reads them", () => {
    const other = resolveSpec({
      method: { name: "asft", lambda: 10 },
      train: { learning_rate: 1e-3 },
      lora: { target_modules: ["q_proj"], rank_pattern: { q_proj: 4 } },
    });
    const found = new Map(
      specDifferences([asft.spec, other]).map(({ path, title, values }) => [path, [title, ...values.map(valueText)]]),
    );
    expect(found.get("train.learning_rate")).toEqual(["Learning rate", "0.00005", "0.001"]);
    expect(found.get("lora.target_modules")).toEqual(["Target modules", "q_proj, v_proj", "q_proj"]);
    expect(found.get("lora.rank_pattern.q_proj")?.slice(1)).toEqual(["\u2013", "4"]);
    expect(valueText(null)).toBe("none");
  });
});

describe("the history", () => {
  const setUp = (): { readonly history: HistoryController; readonly kept: Map<string, StoredRun> } => {
    const shared = new SharedRecords<StoredRun>(({ runId }) => runId);
    for (const one of all) shared.records.set(one.runId, one);
    return {
      history: new HistoryController({
        archive: runArchive(shared.tab("this")),
        describeError: () => ({ what: "", where: "", fix: "" }),
      }),
      kept: shared.records,
    };
  };

  it("keeps tags and note, tidied", async () => {
    const { history, kept } = setUp();
    await history.load();
    await history.annotate("a", { tags: [" one ", "two  words", "one", ""], note: "  Broke.\n" });
    expect(kept.get("a")).toMatchObject({ tags: ["one", "two words"], note: "Broke." });
    await history.annotate("a", { tags: [] });
    expect(kept.get("a")).toMatchObject({ tags: [], note: "Broke." });
    expect(cleanTags(Array.from({ length: 40 }, (_, i) => `t${i}`))).toHaveLength(12);
  });

  it("brings the run that was deleted last back to its place", async () => {
    const { history, kept } = setUp();
    await history.load();
    await history.remove("b");
    expect([ids(history.runs), kept.has("b")]).toEqual(["dca", false]);
    await history.restore();
    expect([ids(history.runs), kept.get("b")]).toEqual(["dcba", asft]);
    expect(history.store.getState().removed).toBeNull();
    await history.restore();
    expect(ids(history.runs)).toBe("dcba");
  });
});
