/** @file The evaluators: what counts as right, on made-up edge cases and on rows as published. */

import { describe, expect, it } from "vitest";
import type { BoundJudge, TaskContext } from "../../src/eval/evaluator.ts";
import { finalNumber, readNumber } from "../../src/eval/evaluators/finalNumber.ts";
import { labelMatch } from "../../src/eval/evaluators/labelMatch.ts";
import { perplexityOf } from "../../src/eval/evaluators/perplexity.ts";
import { chooseEvaluator } from "../../src/eval/registry.ts";
import { REAL_ROWS, realRows } from "./realRows.ts";

const MARKER = "The final answer is:";
const context = (expected: readonly string[], labelNames: readonly string[] | null = null): TaskContext => ({
  expected,
  labelNames,
});
const news = context(["World", "Sports", "Business", "Sci/Tech", "World", "Sports", "Business", "Sci/Tech"]);

function verdicts(judge: BoundJudge, cases: readonly (readonly [string, string])[]): boolean[] {
  return cases.map(([answer, expected]) => judge.judge(answer, expected).right);
}

describe("label match", () => {
  it("exact: the whole answer, but for spaces at the ends and capitals", () => {
    const judge = labelMatch.bind({}, news);
    expect(judge.judge(" sci/tech\n", "Sci/Tech")).toEqual({ right: true, read: "Sci/Tech" });
    expect(judge.judge("WORLD", "World").right).toBe(true);
    expect(
      verdicts(judge, [
        ["World.", "World"],
        ["World news", "World"],
        ["The topic is World", "World"],
        ["", "World"],
        ["Worlds", "World"],
      ]),
    ).toEqual([false, false, false, false, false]);
    expect(judge.judge("Sports", "World")).toEqual({ right: false, read: "Sports" });
    expect(judge.judge("I do not know", "World")).toEqual({ right: false, read: null });
  });

  it("first: the label that is named first, as a word", () => {
    const judge = labelMatch.bind({ match: "first" }, news);
    expect(judge.judge("This is about Business, not Sports.", "Business")).toEqual({ right: true, read: "Business" });
    expect(judge.judge("This is about Business, not Sports.", "Sports").right).toBe(false);
    expect(
      verdicts(judge, [
        ["It concerns technology.", "Sci/Tech"],
        ["underworld", "World"],
        ["Sci/Tech", "Sci/Tech"],
        ["**World**", "World"],
      ]),
    ).toEqual([true, false, true, true]);
    // "not negative" names negative: the rule reads words, not sense.
    expect(
      labelMatch
        .bind({ match: "first", labels: ["negative", "positive"] }, context(["positive"]))
        .judge("not negative but positive", "positive").right,
    ).toBe(false);
  });

  it("takes the longer of two labels that begin at one place", () => {
    const judge = labelMatch.bind(
      { match: "first", labels: ["very good", "very good indeed", "C++", "C"] },
      context(["C"]),
    );
    expect(judge.judge("Very good indeed!", "very good indeed").right).toBe(true);
    expect(judge.judge("C++", "C++").right).toBe(true);
  });

  it("mention: anywhere, as AsFT counts AG News, so a list of all is right", () => {
    const judge = labelMatch.bind({ match: "mention" }, news);
    expect(
      verdicts(judge, [
        ["World, Sports, Business or tech", "Sci/Tech"],
        ["World, Sports, Business or tech", "Sports"],
        ["worldwide", "World"],
        ["technological", "Sci/Tech"],
      ]),
    ).toEqual([true, true, false, false]);
  });

  it("refuses rows with an answer that is no label", () => {
    expect(() => labelMatch.bind({ labels: ["a", "b"] }, context(["a", "c"]))).toThrow('"c"');
  });

  it("suits few and short answers that repeat", () => {
    expect(labelMatch.fits(news)).toBe(true);
    expect(labelMatch.fits(context(["one", "two", "three", "four"]))).toBe(false);
    expect(labelMatch.fits(context(["one", "one", "one"]))).toBe(false);
    expect(labelMatch.fits(context(["a".repeat(40), "b", "a".repeat(40), "b"]))).toBe(false);
    expect(labelMatch.fits(context(["0"], ["negative", "positive"]))).toBe(true);
  });
});

describe("final number", () => {
  it.each([
    [`so 5 + 13 = 18\n${MARKER}  18`, 18],
    [`${MARKER} $1,234,567.50.`, 1234567.5],
    [`${MARKER} -7`, -7],
    [`${MARKER} \u22127`, -7],
    [`${MARKER} -$7`, -7],
    [`${MARKER} 18.`, 18],
    [`${MARKER}18%`, 18],
    [`the FINAL answer IS: 3 apples and 4 pears`, 3],
    // As AsFT's code: what stands between the first marker and the next.
    [`${MARKER} 18\n${MARKER} 19`, 18],
    // Without a number after the marker, and without the marker, the last number of the answer.
    [`1 2 3 ${MARKER} none`, 3],
    ["It is 4, no, 5.", 5],
    ["no number", null],
    ["", null],
  ])("reads %j as %s", (text, value) => {
    expect(readNumber(text, MARKER, "last_number")).toBe(value);
  });

  it("counts answers without the marker as wrong when told to", () => {
    const rows = context([`${MARKER} 5`]);
    expect(finalNumber.bind({}, rows).judge("It is 5", rows.expected[0] ?? "").right).toBe(true);
    expect(finalNumber.bind({ fallback: "none" }, rows).judge("It is 5", rows.expected[0] ?? "").right).toBe(false);
  });

  it("finds the marker that the rows have", () => {
    const rows = context(["2 + 3 = 5\n#### 5", "#### 1,000"]);
    const judge = finalNumber.bind({}, rows);
    expect(judge.rule).toContain('"####"');
    expect(judge.judge("#### 1000 coins of 7", "#### 1,000")).toEqual({ right: true, read: "1000" });
    expect(judge.maxNewTokens).toBe(200);
  });

  it("refuses rows whose answer has no number", () => {
    expect(() => finalNumber.bind({}, context(["none"]))).toThrow("no number");
  });
});

describe("perplexity", () => {
  it("is the exponential of the mean over tokens, not over rows", () => {
    const { perplexity, nll, tokens, rows } = perplexityOf([[1, 1, 1], [3]]);
    expect([nll, perplexity, tokens, rows]).toEqual([1.5, Math.exp(1.5), 4, 2]);
  });

  it("has an interval from rows, the same each time, around the figure", () => {
    const rows = Array.from({ length: 60 }, (_, row) =>
      Array.from({ length: 10 }, (_, t) => 2 + Math.sin(7 * row) + 0.1 * Math.cos(t)),
    );
    const found = perplexityOf(rows);
    expect(perplexityOf(rows)).toEqual(found);
    expect(found.ci95?.low).toBeLessThan(found.perplexity);
    expect(found.ci95?.high).toBeGreaterThan(found.perplexity);
    // Against the normal approximation of the row means: 1.96 s / sqrt(n), within a tenth.
    const means = rows.map((losses) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
    const centre = means.reduce((sum, mean) => sum + mean, 0) / means.length;
    const half =
      1.96 * Math.sqrt(means.reduce((sum, mean) => sum + (mean - centre) ** 2, 0) / (means.length - 1) / means.length);
    const [low, high] = [Math.log(found.ci95?.low ?? 0), Math.log(found.ci95?.high ?? 0)];
    expect((high - low) / 2 / half).toBeGreaterThan(0.9);
    expect((high - low) / 2 / half).toBeLessThan(1.1);
  });

  it("has no interval for one row", () => {
    expect(perplexityOf([[1, 2]]).ci95).toBeNull();
  });
});

describe("which evaluator rows suit", () => {
  it("is told by their answers", () => {
    expect(chooseEvaluator("auto", news).kind).toBe("label_match");
    expect(chooseEvaluator("auto", context([`a\n${MARKER} 1`, `b\n${MARKER} 2`])).kind).toBe("final_number");
    expect(
      chooseEvaluator("auto", context(["A long answer of several words.", "Another answer of several words."])).kind,
    ).toBe("perplexity");
    expect(chooseEvaluator("auto", null).kind).toBe("perplexity");
    expect(chooseEvaluator("perplexity", news).kind).toBe("perplexity");
  });
});

describe.skipIf(!REAL_ROWS)("rows as published", () => {
  const column = (file: string, name: string): string[] => realRows(file).map((row) => String(row[name]));

  it("SST-2 and AG News are labels, and every right answer is right under each rule", () => {
    for (const [file, names] of [
      ["sst2-train.jsonl", 2],
      ["agnews-train-1k.jsonl", 4],
    ] as const) {
      const rows = context(column(file, "output"));
      expect(chooseEvaluator("auto", rows).kind).toBe("label_match");
      expect(new Set(rows.expected).size).toBe(names);
      for (const match of ["exact", "first", "mention"] as const) {
        const judge = labelMatch.bind({ match }, rows);
        expect(rows.expected.every((label) => judge.judge(` ${label} `, label).right)).toBe(true);
        const other = rows.expected.find((label) => label !== rows.expected[0]) ?? "";
        expect(rows.expected.filter((label) => judge.judge(other, label).right).length).toBe(
          rows.expected.filter((label) => label === other).length,
        );
      }
    }
  });

  it("GSM8K ends on numbers, and each row's own answer is right", () => {
    for (const file of ["gsm8k-train-1k.jsonl", "gsm8k-test-500.jsonl"]) {
      const rows = context(column(file, "output"));
      expect(chooseEvaluator("auto", rows).kind).toBe("final_number");
      const judge = finalNumber.bind({}, rows);
      for (const text of rows.expected) {
        // The published answer without its commas is the reference: "The final answer is:  24,000".
        const published = Number(text.slice(text.lastIndexOf(":") + 1).replaceAll(",", ""));
        expect(judge.judge(text, text)).toEqual({ right: true, read: String(published) });
        expect(judge.judge(`${MARKER} $${published}.`, text).right).toBe(true);
        expect(judge.judge(`${MARKER} ${published + 1}`, text).right).toBe(false);
      }
    }
  });

  it("Alpaca is free text", () => {
    expect(chooseEvaluator("auto", context(column("alpaca-train-1k.jsonl", "output"))).kind).toBe("perplexity");
  });
});
