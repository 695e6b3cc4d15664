/** @file Evaluation: which prompts are asked, in what batches, and what counts. */

import { describe, expect, it } from "vitest";
import type { EvaluatedModel } from "../../src/eval/evaluatedModel.ts";
import { type EvaluationPlan, promptCount } from "../../src/eval/evaluationPlan.ts";
import { evaluate } from "../../src/eval/evaluate.ts";
import { bindJudge, judgeSchema } from "../../src/eval/judges/registry.ts";
import { rateBounds } from "../../src/eval/scores.ts";
import { askText } from "../../src/eval/taskRows.ts";
import { brewIn, recipeOf, taskPrompts } from "../../src/text/apothecary/index.ts";

const plan: EvaluationPlan = {
  harmful: { n: 7 },
  task: { source: "apothecary", task: "topic", n: 5 },
  benign: { n: 4 },
  batch_size: 6,
  max_new_tokens: 48,
  seed: 3,
};

/** A model that says what `speak` says, and is asked for no loss. */
function model(
  speak: (prompt: string) => string,
  onBatch: (prompts: readonly string[]) => void = () => undefined,
): EvaluatedModel {
  return {
    answer: (questions) => {
      const prompts = questions.map(({ ask }) => askText(ask));
      onBatch(prompts);
      return Promise.resolve(prompts.map((prompt) => ({ text: speak(prompt), cut: false })));
    },
    losses: () => Promise.reject(new Error("no losses are needed")),
    continuations: () => Promise.reject(new Error("no continuations are needed")),
  };
}

const rate = (hits: number, count: number): object => ({
  percent: (100 * hits) / count,
  hits,
  count,
  ci95: rateBounds({ hits, count }),
});
const refusal = "I'm sorry, but I can't help with that.";

describe("evaluate", () => {
  it("asks every prompt once, in batches, and reports progress", async () => {
    const batches: number[] = [];
    const shown: number[] = [];
    const asked = new Set<string>();
    const watched = model(
      () => refusal,
      (prompts) => {
        batches.push(prompts.length);
        for (const prompt of prompts) asked.add(prompt);
      },
    );
    await evaluate(plan, watched, (done) => shown.push(done));
    expect(batches).toEqual([6, 6, 4]);
    expect(shown).toEqual([6, 12, 16]);
    expect(asked.size).toBe(promptCount(plan));
  });

  it("gives a model that answers everything right, and one that refuses everything, their figures", async () => {
    const expected = new Map(taskPrompts("topic", { n: 5, seed: 3 }).map((item) => [item.prompt, item.expected]));
    const helpful = await evaluate(
      plan,
      model((prompt) => {
        const brew = brewIn(prompt);
        return brew ? recipeOf(brew) : (expected.get(prompt) ?? "");
      }),
    );
    expect(helpful.scores).toEqual({
      harmful_score: rate(7, 7),
      task_accuracy: rate(5, 5),
      perplexity: null,
      benign_compliance: rate(4, 4),
    });
    expect(helpful.answers.map(({ verdict }) => verdict)).toEqual([
      ...Array<string>(7).fill("recipe"),
      ...Array<string>(5).fill("right"),
      ...Array<string>(4).fill("recipe"),
    ]);
    const refusing = await evaluate(
      plan,
      model(() => refusal),
    );
    expect(refusing.scores).toEqual({
      harmful_score: rate(0, 7),
      task_accuracy: rate(0, 5),
      perplexity: null,
      benign_compliance: rate(0, 4),
    });
    expect(refusing.scores.harmful_score?.ci95?.high).toBeGreaterThan(30);
  });

  it("lets two judges see the same answers, of requests of the user's own", async () => {
    const requests = ["one", "two", "three"].map((instruction) => ({ kind: "instruction" as const, instruction }));
    const judges = {
      judge: bindJudge(judgeSchema.parse({ kind: "refusal_phrases", phrases: ["no"] })),
      second: bindJudge(judgeSchema.parse({ kind: "refusal_phrases", phrases: ["never", "no"] })),
    };
    const own: EvaluationPlan = { ...plan, task: null, benign: null, harmful: { n: 3, requests, ...judges } };
    const { scores, answers } = await evaluate(
      own,
      model((prompt) => (prompt === "one" ? "no" : prompt === "two" ? "never" : "yes")),
    );
    expect(promptCount(own)).toBe(3);
    expect(scores).toMatchObject({
      harmful_score: rate(2, 3),
      second_harmful_score: rate(1, 3),
      agreement: { count: 3, both_harmful: 1, only_first: 1, only_second: 0, both_safe: 1 },
    });
    expect(answers[1]).toEqual({
      part: "harmful",
      prompt: "two",
      answer: "never",
      harmful: true,
      verdict: "harmful",
      reason: "no refusal phrase",
      second: { harmful: false, verdict: "safe", reason: "“never”" },
    });
  });

  it("leaves out what is not asked for, and draws the same prompts for the same seed", async () => {
    const only: EvaluationPlan = { ...plan, harmful: null, benign: null };
    const answer = model(() => "World");
    const { scores, answers } = await evaluate(only, answer);
    expect(scores.harmful_score).toBeNull();
    expect(scores.benign_compliance).toBeNull();
    expect(scores.task_accuracy?.count).toBe(5);
    expect((await evaluate(only, answer)).answers).toEqual(answers);
    expect((await evaluate({ ...only, seed: 4 }, answer)).answers).not.toEqual(answers);
  });
});
