/** @file Which column is what: the guess for the layouts that are common, and what a spec says against it. */
import { describe, expect, it } from "vitest";
import type { DataRow } from "../../src/text/example.ts";
import {
  chooseColumns,
  completeMapping,
  neededColumns,
  type Mapping,
  type MappingRequest,
} from "../../src/text/data/mapping.ts";
import { mapRows, type MapOptions } from "../../src/text/data/rows.ts";
import { columnsOf, type Table, type TableRow } from "../../src/text/data/table.ts";
import { failure } from "./support.ts";

function tableOf(
  rows: readonly TableRow[],
  name = "f",
  labelNames: ReadonlyMap<string, readonly string[]> = new Map(),
): Table {
  return { name, rows, columns: columnsOf(rows), where: (row) => `${name} line ${row + 1}`, labelNames };
}

function map(
  table: Table,
  wish: MappingRequest = {},
  options: MapOptions = {},
): { mapping: Mapping; rows: readonly DataRow[]; problems: readonly { where: string; why: string }[] } {
  const mapping = completeMapping(chooseColumns(table.columns, wish, table.name), table, wish);
  return { mapping, ...mapRows(table, mapping, options) };
}

const one = (row: TableRow, wish: MappingRequest = {}, name = "f"): DataRow | undefined =>
  map(tableOf([row], name), wish).rows[0];

describe("recognised", () => {
  it.each<[string, TableRow, DataRow]>([
    [
      "Alpaca",
      { instruction: "i", input: "x", output: "o", text: "all" },
      { kind: "instruction", instruction: "i", input: "x", output: "o" },
    ],
    [
      "Alpaca",
      { instruction: "i", context: "x", response: "o", category: "qa" },
      { kind: "instruction", instruction: "i", input: "x", output: "o" },
    ],
    ["prompt and completion", { prompt: "p", completion: "c" }, { kind: "instruction", instruction: "p", output: "c" }],
    ["question and answer", { Question: "q", Answer: "a" }, { kind: "instruction", instruction: "q", output: "a" }],
    ["question and answer", { question: "q", answer: 42 }, { kind: "instruction", instruction: "q", output: "42" }],
    [
      "ShareGPT",
      {
        id: 1,
        conversations: [
          { from: "human", value: "h" },
          { from: "gpt", value: "g" },
        ],
      },
      {
        kind: "chat",
        messages: [
          { role: "user", content: "h" },
          { role: "assistant", content: "g" },
        ],
      },
    ],
    [
      "chat messages",
      {
        messages: [
          { role: "user", content: [{ type: "text", text: "h" }] },
          { role: "assistant", content: "g" },
        ],
      },
      {
        kind: "chat",
        messages: [
          { role: "user", content: "h" },
          { role: "assistant", content: "g" },
        ],
      },
    ],
    [
      "chat messages",
      { messages: '[{"role": "user", "content": "h"}, {"role": "assistant", "content": "g"}]' },
      {
        kind: "chat",
        messages: [
          { role: "user", content: "h" },
          { role: "assistant", content: "g" },
        ],
      },
    ],
    [
      "chat messages",
      {
        system: "s",
        messages: [
          { role: "user", content: "h" },
          { role: "assistant", content: "g" },
        ],
      },
      {
        kind: "chat",
        messages: [
          { role: "system", content: "s" },
          { role: "user", content: "h" },
          { role: "assistant", content: "g" },
        ],
      },
    ],
    [
      "Alpaca",
      { system: "s", instruction: "i", input: "x", output: "o" },
      {
        kind: "chat",
        messages: [
          { role: "system", content: "s" },
          { role: "user", content: "i\nx" },
          { role: "assistant", content: "o" },
        ],
      },
    ],
    [
      "tokens",
      { input_ids: [1, 2], labels: [-100, 2], attention_mask: [1, 1] },
      { kind: "tokens", input_ids: [1, 2], labels: [-100, 2] },
    ],
    [
      "texts with classes",
      { sentence: "a fine film", label: "good" },
      {
        kind: "instruction",
        instruction: "Classify the text. Answer with one of: good.",
        input: "a fine film",
        output: "good",
      },
    ],
    ["plain text", { text: "Once upon a time", id: 3 }, { kind: "text", text: "Once upon a time" }],
  ])("%s: %j", (title, row, expected) => {
    const { mapping, rows } = map(tableOf([row]));
    expect(mapping.recognised).toBe(title);
    expect(rows).toEqual([expected]);
  });

  it("names classes by the file, by the spec, by a well-known dataset, or by the instruction", () => {
    const rows = [
      { text: "t", label: 3 },
      { text: "u", label: 0 },
    ];
    const outputs = (table: Table, wish: MappingRequest = {}): unknown[] =>
      map(table, wish).rows.map((row) => (row.kind === "instruction" ? row.output : null));
    expect(outputs(tableOf(rows, "f", new Map([["label", ["a", "b", "c", "d"]]])))).toEqual(["d", "a"]);
    expect(outputs(tableOf(rows), { label_names: ["w", "x", "y", "z"] })).toEqual(["z", "w"]);
    expect(outputs(tableOf(rows, "fancyzhx/ag_news"))).toEqual(["Sci/Tech", "World"]);
    expect(outputs(tableOf([{ idx: 0, sentence: "s", label: 1 }], "stanfordnlp/sst2"))).toEqual(["positive"]);
    expect(outputs(tableOf([{ instruction: "Say positive or negative", input: "s", label: "0" }]))).toEqual([
      "negative",
    ]);
    const error = failure(() => outputs(tableOf(rows)));
    expect(error.what).toContain("class numbers (0, 3)");
    expect(error.fix).toContain("label_names");
  });
});

describe("said by the spec", () => {
  it("overrides the guess, column by column", () => {
    const row = { instruction: "i", input: "x", output: "o", better: "b" };
    expect(one(row, { columns: { output: "better" } })).toEqual({
      kind: "instruction",
      instruction: "i",
      input: "x",
      output: "b",
    });
    expect(one(row, { columns: { input: null } })).toEqual({ kind: "instruction", instruction: "i", output: "o" });
    expect(one(row, { columns: { text: "better" } })).toEqual({ kind: "text", text: "b" });
    expect(one({ title: "t", body: "b" }, { columns: { instruction: "title", output: "body" } })).toEqual({
      kind: "instruction",
      instruction: "t",
      output: "b",
    });
    expect(
      map(tableOf([{ title: "t", body: "b" }]), { columns: { instruction: "title", output: "body" } }).mapping
        .recognised,
    ).toBe("as given");
  });

  it("a prompt fills in columns, or precedes the row's question", () => {
    const pair = { premise: "It rains {hard}", hypothesis: "It is wet", n: 2, gold: "yes" };
    expect(one(pair, { prompt: "{premise}\n{hypothesis} ({n})?", columns: { output: "gold" } })).toEqual({
      kind: "instruction",
      instruction: "It rains {hard}\nIt is wet (2)?",
      output: "yes",
    });
    expect(one({ question: "2+2?", answer: "4" }, { prompt: "Solve this." })).toEqual({
      kind: "instruction",
      instruction: "Solve this.",
      input: "2+2?",
      output: "4",
    });
    expect(one({ sentence: "fine", label: 1 }, { prompt: "Judge.", label_names: ["bad", "good"] })).toEqual({
      kind: "instruction",
      instruction: "Judge.",
      input: "fine",
      output: "good",
    });
    expect(
      neededColumns(
        chooseColumns(Object.keys(pair), { prompt: "{premise}?", columns: { output: "gold" } }, "f"),
        "{premise}?",
      ).sort(),
    ).toEqual(["gold", "premise"]);
  });

  it("reports an unknown column, with the nearest name", () => {
    const error = failure(() => one({ question: "q", answer: "a" }, { columns: { output: "Answer" } }));
    expect([error.what, error.fix]).toEqual([
      'columns.output is "Answer", but there is no such column',
      'The nearest is "answer". The columns are: question, answer.',
    ]);
    expect(failure(() => one({ question: "q", answer: "a" }, { prompt: "{quest}" })).fix).toContain(
      'The nearest is "question"',
    );
  });
});

describe("not recognised", () => {
  it("lists the columns that exist and what to write", () => {
    const error = failure(() => one({ premise: "p", gold: 1 }));
    expect(error.what).toBe("The columns are not recognised; there are: premise, gold");
    expect(error.fix).toContain('"columns"');
    expect(failure(() => one({ question: "q", answer: "a" }, { format: "chat" })).what).toContain('format "chat"');
    expect(
      failure(() => one({ question: "q", answer: "a" }, { columns: { answer: "x" } as never, format: "tokens" })).what,
    ).toContain("question, answer");
  });

  it("rows that do not fit are an error, or skipped with their reasons", () => {
    const table = tableOf([{ question: "q", answer: "a" }, { question: null, answer: "b" }, { question: "r" }]);
    expect(failure(() => map(table)).where).toBe("f line 2");
    const { rows, problems } = map(table, {}, { bad_rows: "drop" });
    expect(rows).toHaveLength(1);
    expect(problems).toEqual([
      { where: "f line 2", why: "The field question is null, not a string" },
      { where: "f line 3", why: "The field answer is missing (the row has question)" },
    ]);
    expect(failure(() => map(tableOf([{ question: 1, answer: "b" }]), {}, { bad_rows: "drop" })).what).toContain(
      "None of the 1 rows can be used; the first: The field question is the number 1",
    );
  });
});
