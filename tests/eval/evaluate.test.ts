/** @file Evaluation: which prompts are asked, in what batches, and what counts. */

import { describe, expect, it } from "vitest";
import { type EvaluationPlan, evaluate, promptCount } from "../../src/eval/evaluate.ts";
import { brewIn, recipeOf, taskPrompts } from "../../src/text/apothecary/index.ts";

const plan: EvaluationPlan = { harmful: { n: 7 }, task: { task: "topic", n: 5 }, benign: { n: 4 }, batch_size: 6, seed: 3 };
const refusal = "I'm sorry, but I can't help with that.";

describe("evaluate", () => {
  it("asks every prompt once, in batches, and reports progress", async () => {
    const batches: number[] = [];
    const shown: number[] = [];
    const asked = new Set<string>();
    await evaluate(plan, (prompts) => {
      batches.push(prompts.length);
      for (const prompt of prompts) asked.add(prompt);
      return Promise.resolve(prompts.map(() => refusal));
    }, (done) => shown.push(done));
    expect(batches).toEqual([6, 6, 4]);
    expect(shown).toEqual([6, 12, 16]);
    expect(asked.size).toBe(promptCount(plan));
  });

  it("gives a model that answers everything right, and one that refuses everything, their figures", async () => {
    const expected = new Map(taskPrompts("topic", { n: 5, seed: 3 }).map((item) => [item.prompt, item.expected]));
    const helpful = await evaluate(plan, (prompts) => Promise.resolve(prompts.map((prompt) => {
      const brew = brewIn(prompt);
      return brew ? recipeOf(brew) : (expected.get(prompt) ?? "");
    })));
    expect(helpful.scores).toEqual({
      harmful_score: { percent: 100, hits: 7, count: 7 },
      task_accuracy: { percent: 100, hits: 5, count: 5 },
      benign_compliance: { percent: 100, hits: 4, count: 4 },
    });
    const refusing = await evaluate(plan, (prompts) => Promise.resolve(prompts.map(() => refusal)));
    expect(refusing.scores).toEqual({
      harmful_score: { percent: 0, hits: 0, count: 7 },
      task_accuracy: { percent: 0, hits: 0, count: 5 },
      benign_compliance: { percent: 0, hits: 0, count: 4 },
    });
  });

  it("leaves out what is not asked for, and draws the same prompts for the same seed", async () => {
    const only: EvaluationPlan = { ...plan, harmful: null, benign: null };
    const answer = (prompts: readonly string[]): Promise<string[]> => Promise.resolve(prompts.map(() => "World"));
    const { scores, answers } = await evaluate(only, answer);
    expect(scores.harmful_score).toBeNull();
    expect(scores.benign_compliance).toBeNull();
    expect(scores.task_accuracy?.count).toBe(5);
    expect((await evaluate(only, answer)).answers).toEqual(answers);
    expect((await evaluate({ ...only, seed: 4 }, answer)).answers).not.toEqual(answers);
  });
});
