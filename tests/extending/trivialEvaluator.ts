/** @file An evaluator as somebody would add it: this file, and one line in the list of evaluators. */
import { z } from "zod";
import { answerEvaluator } from "../../src/eval/evaluator.ts";

export const sameLength = answerEvaluator({
  kind: "same_length",
  title: "Same length",
  choice: "the right length",
  counts: "answers of the right length",
  options: {
    slack: z
      .int()
      .min(0)
      .optional()
      .meta({ title: "Slack", description: "Characters that do not matter.", default: 0 }),
  },
  fits: () => false,
  bind: ({ slack = 0 }) => ({
    rule: `same length, give or take ${slack}`,
    maxNewTokens: null,
    judge: (answer, expected) => ({
      right: Math.abs(answer.length - expected.length) <= slack,
      read: String(answer.length),
    }),
  }),
});
