/** @file Mistakes in JSON are named by line, column and spot. */
import { describe, expect, it } from "vitest";
import { BasinError } from "../../src/base/error.ts";
import { jsonSpot } from "../../src/base/jsonSpot.ts";
import { jsonTable } from "../../src/text/data/jsonTable.ts";

describe("the first mistake of a JSON text", () => {
  it.each([
    ["a trailing comma", '{"a": 1,}', 1, 9, "comma stands before the closing bracket", '{"a": 1,⟨}⟩'],
    ["a trailing comma in a list", "[1,\n 2,\n]", 3, 1, "comma stands before the closing bracket", "⟨]⟩"],
    ["NaN", '{"a": NaN}', 1, 7, "NaN is no JSON; write null", '{"a": ⟨NaN⟩}'],
    ["Python's None", '{"a": None}', 1, 7, "None is Python's", "⟨None⟩"],
    ["single quotes", "{'a': 1}", 1, 2, "single quotes", "{⟨"],
    ["a byte order mark", '{"a": 1}\n\ufeff{"a": 2}', 2, 1, "byte order mark (U+FEFF)", "⟨U+FEFF⟩"],
    ["a missing comma", '{"a": 1 "b": 2}', 1, 9, "a comma is expected", '⟨"b"⟩'],
    ["an open text", '{"a": "x', 1, 7, "a text is not closed", "⟨"],
  ])("%s", (_, text, line, column, what, spot) => {
    const found = jsonSpot(text);
    expect(found).toMatchObject({ line, column });
    expect(found?.what).toContain(what);
    expect(found?.spot).toContain(spot);
  });

  it("there is none in JSON", () => {
    expect(jsonSpot('{"a": [1, null, "x"]}')).toBeNull();
  });
});

describe("a dataset that is no JSON", () => {
  const failure = (text: string): BasinError => {
    try {
      jsonTable(text, "f.jsonl");
    } catch (error) {
      if (error instanceof BasinError) return error;
      throw error;
    }
    throw new Error("nothing was thrown");
  };

  it.each([
    ["lines with NaN", '{"a": 1}\n{"a": NaN}', "f.jsonl line 2", "at column 7"],
    ["a byte order mark between lines", '{"a": 1}\n\ufeff{"a": 2}', "f.jsonl line 2", "at column 1"],
    ["an array with a trailing comma", '[{"a": 1},\n {"a": 2,}]', "f.jsonl line 2", "at column 10"],
    ["lines that are arrays", '[{"role": "user"}]\n[{"role": "user"}]', "f.jsonl line 1", 'at column 1: [{"role"'],
  ])("%s", (_, text, where, what) => {
    const error = failure(text);
    expect(error.where).toBe(where);
    expect(error.what).toContain(what);
  });
});
