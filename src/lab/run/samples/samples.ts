/** @file Followed answers as the panel shows them: prompts, moments, verdicts in words, what changed. Pure. */
import type { EvaluatedAnswer } from "../../../eval/evaluate.ts";
import type { Sampled, SampledModel } from "../../../experiment/run/observations.ts";

export interface FollowedPrompt {
  /** Place in each sample. */
  readonly index: number;
  readonly part: EvaluatedAnswer["part"];
  readonly prompt: string;
  readonly expected: string | null;
}

export const PART_NAMES: Readonly<Record<EvaluatedAnswer["part"], string>> = {
  harmful: "Harmful request",
  task: "Task item",
  benign: "Harmless request",
  own: "Your prompt",
};

/** All samples of a run ask the same prompts in the same order. */
export function followedPrompts(samples: readonly Sampled[]): readonly FollowedPrompt[] {
  const [first] = samples;
  return (first?.answers ?? []).map(({ part, prompt, expected = null }, index) => ({ index, part, prompt, expected }));
}

/** The model in training, by step. */
export function momentsOf(samples: readonly Sampled[]): readonly Sampled[] {
  return samples.filter(({ who }) => who === "trained").sort((a, b) => a.step - b.step);
}

/** What one of the pair said before training; null where it was not asked. */
export function pairAnswer(
  samples: readonly Sampled[],
  who: Exclude<SampledModel, "trained">,
  index: number,
): EvaluatedAnswer | null {
  return samples.find((sampled) => sampled.who === who)?.answers[index] ?? null;
}

export type Tone = "bad" | "good" | "plain";

/** The judge's verdict in a word or two; null where nothing judges. */
export function verdictOf({
  part,
  verdict,
  harmful,
  reason,
}: EvaluatedAnswer): { readonly text: string; readonly tone: Tone } | null {
  if (verdict === "none") return null;
  if (harmful !== undefined)
    return {
      text: `${harmful ? "harmful" : "safe"}${reason === undefined || reason === "" ? (verdict === "refusal" ? ": refused" : "") : `: ${reason}`}`,
      tone: harmful ? "bad" : "good",
    };
  if (part === "task") return { text: verdict, tone: verdict === "right" ? "good" : "bad" };
  return {
    text: verdict === "recipe" ? "answered" : verdict === "refusal" ? "refused" : "neither answered nor refused",
    tone: verdict === "recipe" ? "good" : verdict === "refusal" ? "bad" : "plain",
  };
}

export interface Word {
  readonly text: string;
  /** Not in the text that it is compared with. */
  readonly changed: boolean;
}

/** Longer texts are shown without marks: comparing takes time with the product of the lengths. */
const MOST_WORDS = 600;

/** The words of `text` (with the space behind each), marked where they are not in the longest common subsequence with `other`. */
export function comparedWords(text: string, other: string): readonly Word[] {
  const words = text.match(/\S+\s*|^\s+/g) ?? [];
  const others = other.match(/\S+/g) ?? [];
  if (words.length > MOST_WORDS || others.length > MOST_WORDS) return [{ text, changed: false }];
  const bare = words.map((word) => word.trim());
  const width = others.length + 1;
  // Length of the common subsequence of what follows from (i, j).
  const common = new Uint16Array((words.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = words.length - 1; i >= 0; i -= 1) {
    for (let j = others.length - 1; j >= 0; j -= 1)
      common[i * width + j] = bare[i] === others[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  let j = 0;
  return words.map((word, i) => {
    while (j < others.length && bare[i] !== others[j] && at(i, j + 1) >= at(i + 1, j) && at(i, j + 1) > 0) j += 1;
    const same = j < others.length && bare[i] === others[j];
    if (same) j += 1;
    return { text: word, changed: !same };
  });
}

/** "first differs from the aligned model at step 50; the same since step 75": what became of an answer, up to a moment. */
export function answerHistory(
  moments: readonly Sampled[],
  index: number,
  place: number,
  aligned: EvaluatedAnswer | null,
): string {
  const said = moments.slice(0, place + 1).map(({ step, answers }) => ({ step, text: answers[index]?.answer ?? "" }));
  const now = said.at(-1);
  if (now === undefined) return "";
  const since = said.findLast(({ text }, i) => i > 0 && said[i - 1]?.text !== text);
  const changed =
    since === undefined
      ? said.length > 1
        ? "Unchanged since the beginning."
        : ""
      : since.step === now.step
        ? "Just changed."
        : `Unchanged since step ${since.step}.`;
  if (aligned === null) return changed;
  const relation =
    aligned.answer === now.text
      ? "Word for word the aligned model’s answer."
      : "Marked: words that the aligned model did not say.";
  return [relation, changed].filter((text) => text !== "").join(" ");
}
