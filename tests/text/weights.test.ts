/** @file Loss weights that a dataset brings: of rows, tokens and messages. */
import { describe, expect, it } from "vitest";
import { packBatch } from "../../src/batch/packBatch.ts";
import type { DataRow, TokenizedExample } from "../../src/text/example.ts";
import { chooseColumns, completeMapping, type MappingRequest } from "../../src/text/data/mapping.ts";
import { mapRows } from "../../src/text/data/rows.ts";
import { columnsOf, type TableRow } from "../../src/text/data/table.ts";
import { selectRows, WHOLE } from "../../src/text/data/selection.ts";
import { lossTarget } from "../../src/text/lossTerms.ts";
import { tokenizeRow, tokenizeRows } from "../../src/text/tokenize.ts";
import { describeReport } from "../../src/text/tokenizeReport.ts";
import { failure, load } from "./support.ts";

const chatml = await load("chatml");

function rowsOf(rows: readonly TableRow[], request: MappingRequest = {}): readonly DataRow[] {
  const table = {
    name: "f",
    rows,
    columns: columnsOf(rows),
    where: (row: number) => `f line ${row + 1}`,
    labelNames: new Map<string, readonly string[]>(),
  };
  const mapping = completeMapping(chooseColumns(table.columns, request, table.name), table, request);
  return mapRows(table, mapping).rows;
}

const one = (row: TableRow, request: MappingRequest = {}): DataRow => {
  const [first] = rowsOf([row], request);
  if (first === undefined) throw new Error("no row");
  return first;
};
const example = (row: TableRow): TokenizedExample => tokenizeRow(one(row), chatml);
const qa = { instruction: "ask", output: "answer now" };
const turns = (extras: readonly Record<string, unknown>[]): TableRow => ({
  messages: [
    { role: "user", content: "a" },
    { role: "assistant", content: "first", ...extras[0] },
    { role: "user", content: "b" },
    { role: "assistant", content: "second", ...extras[1] },
  ],
});
/** Words of a row that are trained on. */
const trained = ({ input_ids, labels }: TokenizedExample): string =>
  chatml.decode(
    input_ids.filter((_, t) => labels[t] !== -100),
    { skipSpecialTokens: false },
  );

describe("the weight of a row", () => {
  it("1 is as none, in numbers and in texts", () => {
    for (const weight of [1, "1", null, ""]) expect(example({ ...qa, weight })).toEqual(example(qa));
  });

  it("is that of each of its labels", () => {
    const { labels, terms } = example({ ...qa, weight: 0.25 });
    expect(labels).toEqual(example(qa).labels);
    expect(terms).toEqual({ weights: labels.map((label) => (label === -100 ? 0 : 0.25)) });
    expect(example({ ...qa, weight: "-0.5" }).terms?.weights).toContain(-0.5);
  });

  it("0 leaves the row out, and says so", () => {
    const rows = rowsOf([qa, { ...qa, weight: 0 }, { ...qa, weight: 0.5 }, { ...qa, weight: -2 }]);
    const { examples, report } = tokenizeRows(rows, chatml);
    expect(examples).toHaveLength(3);
    expect(describeReport(report, 512)).toEqual([
      expect.stringMatching(/^1 of 4 rows left out, their loss has the weight 0: row 2 /),
      "2 of 4 rows have loss weights other than 1, from -2 to 0.5; a negative weight trains away from its row.",
    ]);
    expect(failure(() => tokenizeRows(rows.slice(1, 2), chatml)).what).toContain("1 have the weight 0");
  });

  it("may stand in a column of another name, or be no weight at all", () => {
    expect(one({ ...qa, w: 2 }, { columns: { weight: "w" } }).weight).toBe(2);
    expect(one({ ...qa, weight: "70 kg" }, { columns: { weight: null } }).weight).toBeUndefined();
    const refused = failure(() => one({ ...qa, weight: "70 kg" }));
    expect(refused.what).toBe('The field weight is the string "70 kg", not a number');
    expect(refused.where).toBe("f line 1");
  });

  it("makes rows differ", () => {
    const rows = rowsOf([qa, { ...qa, weight: 1 }, { ...qa, weight: 2 }]);
    expect(selectRows(rows, { ...WHOLE, deduplicate: true }).train).toEqual([0, 2]);
  });
});

describe("weights of tokens", () => {
  const row = { input_ids: [1, 2, 3, 4], labels: [-100, 2, 3, 4] };

  it("stand beside the labels; 0 masks one", () => {
    expect(example({ ...row, weights: [1, 1, 0.5, 0] })).toEqual({
      input_ids: [1, 2, 3, 4],
      labels: [-100, 2, 3, -100],
      terms: { weights: [0, 1, 0.5, 0] },
    });
    expect(example({ ...row, weights: [0, 1, 1, 0] })).toEqual({ input_ids: [1, 2, 3, 4], labels: [-100, 2, 3, -100] });
  });

  it("are as many as the tokens", () => {
    expect(failure(() => one({ ...row, weights: [1, 2] })).what).toBe("There are 2 weights for 4 input_ids");
    expect(failure(() => one({ ...row, weights: [1, 2, 3, "x"] })).what).toContain('weights[3] is the string "x"');
  });
});

describe("weights of messages", () => {
  it("train: false and weight 0 leave an answer untrained", () => {
    for (const extra of [{ train: false }, { weight: 0 }]) {
      const masked = example(turns([extra, {}]));
      expect(trained(masked)).toBe("second<|im_end|>");
      expect(masked.terms).toBeUndefined();
      expect(masked.input_ids).toEqual(example(turns([{}, {}])).input_ids);
    }
    expect(example(turns([{ train: true }, { weight: 1 }]))).toEqual(example(turns([{}, {}])));
  });

  it("fractions weigh an answer's tokens, and the row's weight multiplies them", () => {
    const weights = example({ ...turns([{ weight: 0.5 }, {}]), weight: 3 }).terms?.weights ?? [];
    expect(new Set(weights)).toEqual(new Set([0, 1.5, 3]));
  });

  it("are refused by name where they are none", () => {
    expect(failure(() => one(turns([{ train: "no" }, {}]))).what).toContain("messages[1].train is the string");
    expect(failure(() => one(turns([{}, { weight: [1] }]))).what).toContain("messages[3].weight is an array");
  });
});

describe("a batch with terms", () => {
  const plain: TokenizedExample = { input_ids: [1, 2, 3], labels: [-100, 2, 3] };
  const weighted: TokenizedExample = {
    input_ids: [4, 5, 6, 7],
    labels: [-100, -100, 6, 7],
    terms: { weights: [0, 0, 0.5, 0], kl: [0, 0.25, 0.5, 0], references: [0, -1, -2, 0] },
  };

  it("holds weight, coefficient and reference of each label, and counts labels alone", () => {
    const batch = packBatch([plain, weighted], { packing: true, capacity: { tokens: 8, labels: 8 } });
    // The prompt's second token is held to the reference; the last label has neither weight nor coefficient.
    expect([...batch.labelTargets.slice(0, 4)]).toEqual([2, 3, 5, 6]);
    expect(batch.labelCount).toBe(3);
    expect([...(batch.labelTerms ?? [])].slice(0, 20)).toEqual([
      ...[1, 0, 0, 0],
      ...[1, 0, 0, 0],
      ...[0, 0.25, -1, 0],
      ...[0.5, 0.5, -2, 0],
      ...[0, 0, 0, 0],
    ]);
    expect(lossTarget(weighted, 3)).toBeUndefined();
  });

  it("has none where no row has any", () => {
    expect(packBatch([plain], { packing: true }).labelTerms).toBeNull();
  });

  it("needs the reference of what is held to it", () => {
    const terms = { weights: [0, 1, 1], kl: [0, 1, 0] };
    expect(() => packBatch([{ ...plain, terms }], { packing: true })).toThrow("reference");
  });
});
