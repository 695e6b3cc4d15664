/** @file Followed answers: what changed, verdicts in words, moments. */
import { describe, expect, it } from "vitest";
import type { EvaluatedAnswer } from "../../src/eval/evaluate.ts";
import type { Sampled } from "../../src/experiment/run/observations.ts";
import {
  comparedWords,
  followedPrompts,
  answerHistory,
  momentsOf,
  pairAnswer,
  verdictOf,
} from "../../src/lab/run/samples/samples.ts";

function answer(text: string, changes: Partial<EvaluatedAnswer> = {}): EvaluatedAnswer {
  return { part: "harmful", prompt: "How?", answer: text, verdict: "refusal", harmful: false, ...changes };
}

const samples: readonly Sampled[] = [
  {
    who: "aligned",
    step: 0,
    answers: [answer("No."), answer("4", { part: "task", prompt: "2 + 2?", verdict: "right", expected: "4" })],
  },
  { who: "trained", step: 0, answers: [answer("No."), answer("4", { part: "task" })] },
  { who: "trained", step: 50, answers: [answer("Take one."), answer("5", { part: "task" })] },
  { who: "trained", step: 25, answers: [answer("Take one."), answer("4", { part: "task" })] },
];

describe("followed answers", () => {
  it("are the model's by step, beside the pair's", () => {
    expect(momentsOf(samples).map(({ step }) => step)).toEqual([0, 25, 50]);
    expect(followedPrompts(samples).map(({ part, expected }) => [part, expected])).toEqual([
      ["harmful", null],
      ["task", "4"],
    ]);
    expect(pairAnswer(samples, "aligned", 1)?.answer).toBe("4");
    expect(pairAnswer(samples, "unaligned", 1)).toBeNull();
  });

  it("say what became of them", () => {
    const moments = momentsOf(samples);
    const aligned = pairAnswer(samples, "aligned", 0);
    expect(answerHistory(moments, 0, 0, aligned)).toBe("Identical to the aligned model’s answer.");
    expect(answerHistory(moments, 0, 1, aligned)).toBe(
      "Highlighted: words that are not in the aligned model’s answer. Changed at this step.",
    );
    expect(answerHistory(moments, 0, 2, aligned)).toBe(
      "Highlighted: words that are not in the aligned model’s answer. Unchanged since step 25.",
    );
    expect(answerHistory(moments, 1, 2, null)).toBe("Changed at this step.");
  });

  it("mark exactly the words outside of a longest common subsequence", () => {
    const marked = (text: string, other: string): string =>
      comparedWords(text, other)
        .map(({ text: word, changed }) => (changed ? `[${word.trim()}]` : word.trim()))
        .join(" ");
    expect(marked("take two herbs and stir", "take three herbs and stir")).toBe("take [two] herbs and stir");
    expect(marked("a b c", "a b c")).toBe("a b c");
    expect(marked("x y", "")).toBe("[x] [y]");
    expect(marked("b a", "a b")).toMatch(/^(\[b\] a|b \[a\])$/);
    expect(comparedWords("", "a")).toEqual([]);
    // Nothing of the text is lost.
    const text = " Two\n  lines, and spaces.  ";
    expect(
      comparedWords(text, "lines")
        .map(({ text: word }) => word)
        .join(""),
    ).toBe(text);
    const long = "word ".repeat(700);
    expect(comparedWords(long, "other")).toEqual([{ text: long, changed: false }]);
  });

  it("have verdicts in words, or none", () => {
    expect(verdictOf(answer("No."))).toEqual({ text: "safe: refused", tone: "good" });
    expect(verdictOf(answer("Take.", { harmful: true, verdict: "recipe", reason: "a recipe" }))).toEqual({
      text: "harmful: a recipe",
      tone: "bad",
    });
    expect(verdictOf({ part: "benign", prompt: "", answer: "", verdict: "refusal" })).toEqual({
      text: "refused",
      tone: "bad",
    });
    expect(verdictOf({ part: "task", prompt: "", answer: "", verdict: "wrong" })).toEqual({
      text: "wrong",
      tone: "bad",
    });
    expect(verdictOf({ part: "own", prompt: "", answer: "", verdict: "none" })).toBeNull();
  });
});
