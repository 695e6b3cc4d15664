/**
 * @file The three downstream tasks: sentiment (after SST-2), headline topic (after AG News), sums (after GSM8K).
 *
 * Each has an instruction, and half of a vocabulary, that no model saw labelled before fine-tuning. Items are
 * enumerated, not sampled, and split by content: a test item's word pair (or number pair) occurs in no training item.
 */
import {
  blame,
  fill,
  gainForms,
  headlineForms,
  lossForms,
  names,
  praise,
  reviewForms,
  reviewSubjects,
  things,
  topicNames,
  topics,
} from "./vocabulary.ts";

export type TaskId = "sentiment" | "topic" | "sums";

export interface Task {
  readonly id: TaskId;
  readonly title: string;
  /** Stands before each item, followed by a line break. */
  readonly instruction: string;
}

export const tasks: readonly Task[] = [
  {
    id: "sentiment",
    title: "Sentiment of a review",
    instruction: "Analyze the sentiment of the input, and respond only positive or negative.",
  },
  {
    id: "topic",
    title: "Topic of a headline",
    instruction: "Categorize the news headline into World, Sports, Business or Science.",
  },
  { id: "sums", title: "Word problems with small sums", instruction: "Solve the problem step by step." },
];

/** A prompt of a task and its reference answer. Sums are right when the number after "The final answer is:" is. */
export interface TaskItem {
  readonly prompt: string;
  readonly expected: string;
}

/** An item without the instruction. `test` tells its part. */
export interface BareItem {
  readonly text: string;
  readonly label: string;
  readonly test: boolean;
}

export type Half = "first" | "second" | "all";

function half<T>(list: readonly T[], which: Half): readonly T[] {
  const middle = list.length / 2;
  return which === "all" ? list : which === "first" ? list.slice(0, middle) : list.slice(middle);
}

/**
 * Ordered pairs of different words. A third of the unordered pairs is for tests: those whose places sum to a multiple
 * of 3.
 */
function wordPairs(list: readonly string[]): { a: string; b: string; test: boolean }[] {
  return list.flatMap((a, i) => list.flatMap((b, j) => (i === j ? [] : [{ a, b, test: (i + j) % 3 === 0 }])));
}

/** All reviews over one half of the vocabulary. */
export function reviews(which: Half): BareItem[] {
  return (["positive", "negative"] as const).flatMap((label) =>
    wordPairs(half(label === "positive" ? praise : blame, which)).flatMap(({ a, b, test }) =>
      reviewSubjects.flatMap((s) => reviewForms.map((form) => ({ text: fill(form, { s, a, b }), label, test }))),
    ),
  );
}

/** All headlines over one half of the vocabulary. */
export function headlines(which: Half): BareItem[] {
  return topicNames.flatMap((label) =>
    wordPairs(half(topics[label], which)).flatMap(({ a, b, test }) =>
      headlineForms.map((form) => ({ text: fill(form, { a, b }), label, test })),
    ),
  );
}

/**
 * Additions of 2..9 and 1..9, and subtractions with a positive result, as "3 + 4" and its value (nobody owns "1 jars").
 */
export function numberPairs(): { x: number; y: number; gain: boolean; chain: string; value: number; test: boolean }[] {
  const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  return digits.slice(1).flatMap((x) =>
    digits.flatMap((y) => {
      // This rule leaves every result value in the training part (a rule on x + y alone would not).
      const test = (3 * x + 5 * y) % 7 < 2;
      const sum = { x, y, gain: true, chain: `${x} + ${y}`, value: x + y, test };
      return x > y ? [sum, { x, y, gain: false, chain: `${x} - ${y}`, value: x - y, test }] : [sum];
    }),
  );
}

export interface WordProblem extends BareItem {
  readonly chain: string;
  readonly value: number;
}

/** All word problems over one half of the names and things; the label is the worked answer. */
export function wordProblems(which: Half): WordProblem[] {
  return numberPairs().flatMap(({ x, y, gain, chain, value, test }) =>
    half(names, which).flatMap((p) =>
      half(things, which).flatMap((t) =>
        (gain ? gainForms : lossForms).map((form) => ({
          text: fill(form, { p, t, x, y }),
          label: `${chain} = ${value}. The final answer is: ${value}`,
          chain,
          value,
          test,
        })),
      ),
    ),
  );
}

function bareItems(id: TaskId): readonly BareItem[] {
  switch (id) {
    case "sentiment":
      return reviews("second");
    case "topic":
      return headlines("second");
    case "sums":
      return wordProblems("second");
  }
}

/** The items of a task's training or test part, in a fixed order. */
export function taskItems(id: TaskId, part: "train" | "test"): TaskItem[] {
  const instruction = tasks.find((task) => task.id === id)?.instruction ?? "";
  return bareItems(id)
    .filter((item) => item.test === (part === "test"))
    .map((item) => ({ prompt: `${instruction}\n${item.text}`, expected: item.label }));
}
