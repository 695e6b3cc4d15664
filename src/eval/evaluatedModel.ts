/** @file A model as an evaluation uses it: it answers prompts, continues them with given texts, and reads rows. */
import type { Generator } from "../generate/generator.ts";
import { generateText } from "../generate/generateText.ts";
import type { TokenizedExample } from "../text/example.ts";
import type { TextTokenizer } from "../text/tokenizer.ts";
import type { TriggerText } from "../text/trigger.ts";
import type { Question } from "./evaluationPlan.ts";
import type { Continuation, JudgedModel } from "./judges/judge.ts";
import { openingExamples } from "./openings.ts";
import { askTokens, askWithTrigger } from "./taskRows.ts";

export interface Reply {
  readonly text: string;
  /** Whether the limit ended it. */
  readonly cut: boolean;
}

/** A model as an evaluation uses it. */
export interface EvaluatedModel extends JudgedModel {
  /** Answers, in order. */
  answer(questions: readonly Question[]): Promise<readonly Reply[]>;
  /** Loss of each labelled token (nats), row by row; `onRows` counts the rows that are done. */
  losses(rows: readonly TokenizedExample[], onRows: (done: number) => void): Promise<readonly (readonly number[])[]>;
}

/** Greedy answers of a model, and its losses. The model, not the judge, sees the trigger. */
export function modelOf(
  generator: Generator,
  tokenizer: TextTokenizer | null,
  options: {
    readonly endTokens: ReadonlySet<number>;
    readonly trigger?: TriggerText | null;
    readonly signal?: AbortSignal;
  },
): EvaluatedModel {
  return {
    answer: async (asked) => {
      if (tokenizer === null) throw new Error("prompts are asked of a model without a tokenizer");
      const ids = asked.map(({ ask }) => askTokens(askWithTrigger(ask, options.trigger ?? null), tokenizer));
      const answers = await generateText(generator, tokenizer, ids, {
        ...options,
        maxNewTokens: asked.map(({ maxNewTokens }) => maxNewTokens),
      });
      return answers.map(({ text, ended }) => ({ text, cut: ended === "length" }));
    },
    continuations: async (asks, texts, extent) => {
      if (tokenizer === null) throw new Error("prompts are put to a model without a tokenizer");
      const openings = asks.map((ask) => openingExamples(ask, texts, extent, tokenizer, options.trigger ?? null));
      const losses = await generator.losses(
        openings.flat().map(({ example }) => example),
        options.signal ? { signal: options.signal } : {},
      );
      let at = 0;
      return openings.map((list) =>
        list.map(({ tokens }): Continuation => ({ tokens, logProbs: (losses[at++] ?? []).map((loss) => -loss) })),
      );
    },
    losses: (rows, onRows) => generator.losses(rows, { onRows, ...(options.signal ? { signal: options.signal } : {}) }),
  };
}
