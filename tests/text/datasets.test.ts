/** @file Dataset files: the three formats, and every malformed row named by file and line. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chooseColumns, completeMapping, type MappingRequest, type RowFormat } from "../../src/text/data/mapping.ts";
import { mapRows, type MapOptions } from "../../src/text/data/rows.ts";
import { jsonTable } from "../../src/text/data/jsonTable.ts";
import type { DataRow } from "../../src/text/example.ts";
import { tokenizeRows } from "../../src/text/tokenize.ts";
import { failure, load } from "./support.ts";

interface Parsed {
  readonly rows: readonly DataRow[];
  where(row: number): string;
}

function parse(
  text: string,
  format: RowFormat | "auto",
  { name = "dataset", ...options }: { name?: string } & MappingRequest & MapOptions = {},
): Parsed {
  const table = jsonTable(text, name);
  const wish = { format, ...options };
  const { rows, sources } =
    table.rows.length === 0
      ? mapRows(table, { format: "text", columns: {}, recognised: "", prompt: null, labelNames: null })
      : mapRows(table, completeMapping(chooseColumns(table.columns, wish, name), table, wish), options);
  return { rows, where: (row) => table.where(sources[row] ?? row) };
}

const lines = (...rows: unknown[]): string =>
  rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n");

describe("the formats", () => {
  it("tokens", () => {
    const { rows } = parse('{"input_ids":[1,2],"labels":[-100,2]}\n', "tokens", { vocab_size: 3 });
    expect(rows).toEqual([{ kind: "tokens", input_ids: [1, 2], labels: [-100, 2] }]);
  });

  it("instruction: with all optional fields", () => {
    const { rows } = parse(
      lines(
        { instruction: "a", output: "b", id: 7 },
        { instruction: "c", input: "", output: "d", harmful: true },
        { instruction: "e", input: null, output: "f" },
      ),
      "instruction",
    );
    expect(rows).toEqual([
      { kind: "instruction", instruction: "a", output: "b" },
      { kind: "instruction", instruction: "c", input: "", output: "d", harmful: true },
      { kind: "instruction", instruction: "e", output: "f" },
    ]);
  });

  it("chat", () => {
    const messages = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ];
    expect(parse(lines({ messages }), "chat").rows).toEqual([{ kind: "chat", messages }]);
  });

  it("are read as JSON Lines with blank lines, CRLF and a byte order mark, or as one array", () => {
    const row = '{"instruction":"a","output":"b"}';
    const withLines = parse(`\ufeff\r\n${row}\r\n\r\n${row}\r\n`, "instruction", { name: "f.jsonl" });
    expect(withLines.rows).toHaveLength(2);
    expect([withLines.where(0), withLines.where(1)]).toEqual(["f.jsonl line 2", "f.jsonl line 4"]);
    const array = parse(` [\n${row},\n${row}]`, "instruction", { name: "f.json" });
    expect(array.rows).toHaveLength(2);
    expect(array.where(1)).toBe("f.json row 2");
  });
});

describe("a bad row is named", () => {
  const good = { instruction: "a", output: "b" };
  const tokens = { input_ids: [1, 2], labels: [-100, 2] };
  const user = { role: "user", content: "a" };
  it.each<[string, string, RowFormat, RegExp, string, (MappingRequest & MapOptions)?]>([
    ["malformed JSON", lines(good, "", '{"instruction": "a",'), "instruction", /not valid JSON/, "f line 3"],
    [
      "a missing field",
      lines(good, { instruction: "a", answer: "b" }),
      "instruction",
      /field output is missing \(the row has instruction, answer\)/,
      "f line 2",
    ],
    [
      "a wrong type",
      lines({ instruction: 5, output: "b" }),
      "instruction",
      /instruction is the number 5, not a string/,
      "f line 1",
    ],
    [
      "a wrong input",
      lines({ instruction: "a", input: ["x"], output: "b" }),
      "instruction",
      /input is an array/,
      "f line 1",
    ],
    [
      "a harmful flag that is no flag",
      lines({ ...good, harmful: "yes" }),
      "instruction",
      /harmful is the string "yes"/,
      "f line 1",
    ],
    ["a row that is no object", lines(good, "[1]"), "instruction", /row is an array/, "f line 2"],
    ["null", lines(good, "null"), "instruction", /row is null/, "f line 2"],
    ["missing ids", lines(tokens, { labels: [1] }), "tokens", /input_ids is missing/, "f line 2"],
    [
      "labels of another length",
      lines(tokens, { input_ids: [1, 2, 3], labels: [1, 2] }),
      "tokens",
      /2 labels for 3 input_ids/,
      "f line 2",
    ],
    [
      "ids outside the vocabulary",
      lines({ input_ids: [1, 9], labels: [1, 2] }),
      "tokens",
      /input_ids\[1\] is 9/,
      "f line 1",
      { vocab_size: 9 },
    ],
    ["a negative id", lines({ input_ids: [-1], labels: [1] }), "tokens", /input_ids\[0\] is -1/, "f line 1"],
    [
      "a label outside",
      lines({ input_ids: [1, 2], labels: [-100, 9] }),
      "tokens",
      /labels\[1\] is 9, neither/,
      "f line 1",
      { vocab_size: 9 },
    ],
    [
      "another negative label",
      lines({ input_ids: [1, 2], labels: [-1, 2] }),
      "tokens",
      /labels\[0\] is -1/,
      "f line 1",
    ],
    [
      "an id that is no whole number",
      lines({ input_ids: [1.5], labels: [1] }),
      "tokens",
      /input_ids\[0\] is the number 1.5/,
      "f line 1",
    ],
    ["ids that are no list", lines({ input_ids: "1 2", labels: [1] }), "tokens", /input_ids is the string/, "f line 1"],
    ["no tokens", lines({ input_ids: [], labels: [] }), "tokens", /input_ids is empty/, "f line 1"],
    [
      "missing messages",
      lines({ messages: [user, { role: "assistant", content: "b" }] }, { talk: [] }),
      "chat",
      /messages is missing/,
      "f line 2",
    ],
    ["messages that are no list", lines({ messages: "a" }), "chat", /messages is the string/, "f line 1"],
    [
      "an unknown role",
      lines({ messages: [user, { role: "narrator", content: "" }] }),
      "chat",
      /messages\[1\].role is "narrator"/,
      "f line 1",
    ],
    [
      "content in parts",
      lines({ messages: [{ role: "user", content: [{ type: "text" }] }] }),
      "chat",
      /messages\[0\].content is an array/,
      "f line 1",
    ],
    ["no answer", lines({ messages: [user] }), "chat", /no assistant message/, "f line 1"],
    ["an empty file", " \n\n", "chat", /dataset is empty/, "f"],
    ["an empty array", "[]", "tokens", /dataset is empty/, "f"],
    [
      "a broken array",
      '[{"instruction":"a","output":"b"},\n{"instruction":"c" "output":"d"}]',
      "instruction",
      /not valid JSON/,
      "f line 2",
    ],
    [
      "a bad row in an array",
      JSON.stringify([good, { instruction: "a" }]),
      "instruction",
      /output is missing/,
      "f row 2",
    ],
    ["a label without names", lines({ instruction: "a", label: 1 }), "instruction", /holds class numbers \(1\)/, "f"],
    [
      "a label beyond the names",
      lines({ instruction: "a", label: 2 }),
      "instruction",
      /label is the number 2, but there are 2/,
      "f line 1",
      { label_names: ["no", "yes"] },
    ],
  ])("%s", (_, text, format, what, where, options = {}) => {
    const error = failure(() => parse(text, format, { name: "f", ...options }));
    expect(error.what).toMatch(what);
    expect(error.where).toBe(where);
    expect(error.fix.length).toBeGreaterThan(10);
  });
});

describe("real files", () => {
  const folder = new URL("../../../shared/data/", import.meta.url);
  const present = existsSync(folder);
  if (!present) console.warn("skipped: the real data files are not beside this checkout (../shared/data)");
  const polarity = ["negative", "positive"];
  const topics = ["World", "Sports", "Business", "Sci/Tech"];
  it.skipIf(!present).each<[string, number, string[]?]>([
    ["sst2-train", 900],
    ["sst2-test", 872, polarity],
    ["agnews-train-1k", 1000],
    ["agnews-test-1k", 1000, topics],
    ["gsm8k-train-1k", 1000],
    ["gsm8k-test-500", 500],
    ["alpaca-train-1k", 1000],
  ])("%s has %i rows that load and tokenise", async (name, count, label_names) => {
    const text = readFileSync(new URL(`${name}.jsonl`, folder), "utf8");
    const dataset = parse(text, "auto", { name });
    const answers = new Set(dataset.rows.map((row) => (row.kind === "instruction" ? row.output : "")));
    if (label_names !== undefined) expect([...answers].sort()).toEqual([...label_names].sort());
    expect(dataset.rows).toHaveLength(count);
    const { report } = tokenizeRows(dataset.rows, await load("chatml"), { max_length: 4096, where: dataset.where });
    expect(report.kept + report.noLabels.length).toBe(count);
    expect(report.labelledTokens).toBeGreaterThan(count);
  });
});
