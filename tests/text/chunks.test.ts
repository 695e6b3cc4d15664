/** @file Responses in chunks of words: their ends in the text as Python finds them, and the tokens of each. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shapeExamples } from "../../src/experiment/data/shaping.ts";
import { methodNamed, type MethodInput, bindMethod } from "../../src/methods/registry.ts";
import { chunkEnds } from "../../src/text/chunks.ts";
import type { DataRow, TokenizedExample } from "../../src/text/example.ts";
import { tokenizeRow } from "../../src/text/tokenize.ts";
import { failure, load } from "./support.ts";

interface Golden {
  readonly text: string;
  readonly words: number;
  readonly prefixes: readonly (readonly string[])[];
}
const golden = JSON.parse(
  readFileSync(new URL("../fixtures/chunks.json", import.meta.url), "utf8"),
) as readonly Golden[];
const chatml = await load("chatml");
const metaspace = await load("metaspace");

describe("the ends of chunks", () => {
  it.each(golden)("hold the words that str.split() finds: $text by $words", ({ text, words, prefixes }) => {
    const ends = chunkEnds(text, words);
    expect(ends).toHaveLength(prefixes.length);
    expect(ends.at(-1)).toBe(text.length);
    ends.forEach((end, i) => {
      const prefix = text.slice(0, end);
      // Each word of Python's prefix in order, with nothing but blanks between and, but for the last, behind.
      let at = 0;
      for (const word of prefixes[i] ?? []) {
        at = prefix.indexOf(word, at);
        expect(at).toBeGreaterThanOrEqual(0);
        at += word.length;
      }
      if (i + 1 < ends.length) expect(at).toBe(end);
    });
  });
});

const answer = (output: string, extras: Partial<DataRow> = {}): DataRow =>
  ({ kind: "instruction", instruction: "ask me", output, ...extras }) as DataRow;

describe("the tokens of a chunk", () => {
  const texts = golden.filter(({ text }) => text.trim() !== "");

  it.each(texts)("are those that end with it: $text by $words", ({ text, words }) => {
    for (const tokenizer of [chatml, metaspace]) {
      const { input_ids, labels, chunks = [] } = tokenizeRow(answer(text), tokenizer, { chunk_words: words });
      expect(labels.map((label) => label === -100)).toEqual(chunks.map((chunk) => chunk === -1));
      const inside = chunks.filter((chunk) => chunk >= 0);
      expect(inside).toEqual(inside.toSorted((a, b) => a - b));
      // What is decoded up to the end of a chunk is the text up to there.
      const start = chunks.indexOf(0);
      const whole = tokenizer.decode(input_ids.slice(start));
      chunkEnds(text, words)
        .slice(0, -1)
        .forEach((end, chunk) => {
          const last = chunks.findLastIndex((each) => each <= chunk && each >= 0);
          const decoded = tokenizer.decode(input_ids.slice(start, last + 1));
          if (whole.startsWith(text.slice(0, end))) expect(decoded.length).toBeLessThanOrEqual(end);
        });
    }
  });

  it("give the end of the turn, and trailing blanks, to the last", () => {
    const { input_ids, chunks = [] } = tokenizeRow(answer("a b c d e f  "), chatml, { chunk_words: 5 });
    const end = input_ids.lastIndexOf(chatml.encode("<|im_end|>")[0] ?? -1);
    expect(chunks[end]).toBe(1);
    expect(new Set(chunks.filter((chunk) => chunk >= 0))).toEqual(new Set([0, 1]));
  });

  it("count on over the answers of a conversation", () => {
    const row: DataRow = {
      kind: "chat",
      messages: [
        { role: "user", content: "q" },
        { role: "assistant", content: "a b c" },
        { role: "user", content: "q" },
        { role: "assistant", content: "d e" },
      ],
    };
    const { chunks = [] } = tokenizeRow(row, chatml, { chunk_words: 2 });
    expect([...new Set(chunks.filter((chunk) => chunk >= 0))]).toEqual([0, 1, 2]);
  });
});

describe("scores", () => {
  const scored = (row: DataRow): TokenizedExample => tokenizeRow(row, chatml, { chunk_words: 5 });

  it("go to the tokens of their chunks", () => {
    const { chunks = [], scores = [] } = scored(answer("a b c d e f g", { safety_scores: [0.9, 0.25] }));
    chunks.forEach((chunk, t) => expect(scores[t]).toEqual([Number.NaN, 0.9, 0.25][chunk + 1]));
  });

  it("are as many as the chunks, or the tokens", () => {
    expect(failure(() => scored(answer("a b c d e f g", { safety_scores: [1] }))).what).toBe(
      "There are 1 safety_scores for 2 chunks of 5 words",
    );
    const tokens: DataRow = { kind: "tokens", input_ids: [1, 2, 3], labels: [-100, 2, 3], safety_scores: [1, 1] };
    expect(failure(() => scored(tokens)).what).toBe("There are 2 safety_scores for 3 input_ids");
  });

  it("follow a row's mark of harm where it has none of its own", () => {
    for (const [harmful, score] of [
      [true, 0],
      [false, 1],
    ] as const)
      expect(new Set(scored(answer("a b", { harmful })).scores?.filter((value) => !Number.isNaN(value)))).toEqual(
        new Set([score]),
      );
    expect(scored(answer("a b")).scores).toBeUndefined();
  });
});

describe("the loss that scores shape", () => {
  const shape = (method: MethodInput, example: TokenizedExample): TokenizedExample => {
    const { shaping } = bindMethod(method).rows;
    if (shaping === null) throw new Error("no shaping");
    const [only] = shapeExamples([example], shaping, () => "row").examples;
    if (only === undefined) throw new Error("no example");
    return only;
  };
  const example: TokenizedExample = {
    input_ids: [1, 2, 3, 4, 5],
    labels: [-100, -100, 3, 4, 5],
    scores: [NaN, NaN, 0.75, 0, 1],
  };

  it("is V · CE + (1 − V) · λ · KL", () => {
    expect(shape({ name: "star_dss" }, example).terms).toEqual({
      weights: [0, 0, 0.75, 0, 1],
      kl: [0, 0, 0.125, 0.5, 0],
    });
  });

  it("holds the prompt with the first chunk's score where the KL counts on all tokens", () => {
    expect(shape({ name: "star_dss", kl_tokens: "all" }, example).terms?.kl).toEqual([0.125, 0.125, 0.125, 0.5, 0]);
  });

  it("has the whole response's score and no KL by rejection sampling", () => {
    const { terms, labels } = shape(
      { name: "star_dss", rejection_sampling: true },
      { ...example, scores: [NaN, NaN, 1, 0, 0.5] },
    );
    expect(terms).toEqual({ weights: [0, 0, 0.5, 0.5, 0.5] });
    expect(labels).toEqual(example.labels);
  });

  it("multiplies the weights that the data brings", () => {
    const weighted = { ...example, terms: { weights: [0, 0, 2, 2, 2] } };
    expect(shape({ name: "star_dss" }, weighted).terms?.weights).toEqual([0, 0, 1.5, 0, 2]);
  });

  it("without KL masks what has no weight", () => {
    const { terms, labels } = shape(
      { name: "star_dss", kl_coefficient: 0 },
      { ...example, scores: [NaN, NaN, 1, 0, 1] },
    );
    expect(terms).toBeUndefined();
    expect(labels).toEqual([-100, -100, 3, -100, 5]);
  });

  it("is described by options with dots where they are fields of another", () => {
    expect(methodNamed("star_dss")?.options.map(({ name }) => name)).toContain("guard.kind");
  });
});
