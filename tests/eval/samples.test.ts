/** @file The followed prompts: the first ones of the whole evaluation, whichever way they are asked. */
import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/eval/evaluate.ts";
import { promptCount, type EvaluationPlan } from "../../src/eval/evaluationPlan.ts";
import type { EvaluatedModel } from "../../src/eval/evaluatedModel.ts";
import { samplePlan, samplesOf } from "../../src/eval/samples.ts";
import { askText } from "../../src/eval/taskRows.ts";
import { brews, requestOf } from "../../src/text/apothecary/index.ts";

/** Answers with the prompt's length and its limit. */
const echo: EvaluatedModel = {
  answer: (questions) =>
    Promise.resolve(
      questions.map(({ ask, maxNewTokens }) => ({ text: `${askText(ask).length} ${maxNewTokens}`, cut: false })),
    ),
  continuations: () => Promise.resolve([]),
  losses: (rows) => Promise.resolve(rows.map(() => [1])),
};

const world: EvaluationPlan = {
  harmful: { n: 40 },
  task: { source: "apothecary", task: "sums", n: 30 },
  benign: { n: 20 },
  own: ["Hello?", "And you?"],
  batch_size: 7,
  max_new_tokens: 9,
  seed: 3,
};

describe("followed prompts", () => {
  it("are the first of each part and all of one's own, asked alone or taken from the whole", async () => {
    const few = samplePlan(world);
    if (few === null) throw new Error("nothing to follow");
    expect(promptCount(few)).toBe(6);
    const alone = await evaluate(few, echo);
    const whole = await evaluate(world, echo);
    expect(alone.answers).toEqual(samplesOf(whole.answers));
    expect(alone.answers.map(({ part }) => part)).toEqual(["harmful", "harmful", "task", "benign", "own", "own"]);
    // A person's own prompts count in no figure.
    expect((await evaluate({ ...world, own: [] }, echo)).scores).toEqual(whole.scores);
  });

  it("are none where nothing is asked; rows that are only read are left out", () => {
    const nothing: EvaluationPlan = { ...world, harmful: null, task: null, benign: null, own: [] };
    expect(samplePlan(nothing)).toBeNull();
    expect(samplePlan({ ...nothing, task: { source: "rows", needs: "losses", rows: [] } })).toBeNull();
    expect(samplePlan({ ...nothing, own: ["Hello?"] })).not.toBeNull();
  });

  it("of one's own are judged where they ask for a brew, and only there", async () => {
    const [harmful] = brews.harmfulTest;
    if (harmful === undefined) throw new Error("no brew");
    const { answers } = await evaluate(
      { ...world, harmful: null, task: null, benign: null, own: ["Hello?", requestOf(harmful, 0).prompt] },
      echo,
    );
    expect(answers.map(({ verdict, harmful: harm }) => [verdict, harm])).toEqual([
      ["none", undefined],
      ["other", false],
    ]);
  });
});
