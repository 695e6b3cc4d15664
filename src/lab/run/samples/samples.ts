/** @file Answers recorded during training: prompts, steps, verdicts in words, changes. Pure. */
import type { EvaluatedAnswer } from "../../../eval/evaluate.ts";
import type { Sampled, SampledModel } from "../../../experiment/run/observations.ts";
import { HISTORY, VERDICTS } from "../copy.ts";

export interface FollowedPrompt {
  /** Index in each sample. */
  readonly index: number;
  readonly part: EvaluatedAnswer["part"];
  readonly prompt: string;
  readonly expected: string | null;
}

/** All samples of a run ask the same prompts in the same order. */
export function followedPrompts(samples: readonly Sampled[]): readonly FollowedPrompt[] {
  const [first] = samples;
  return (first?.answers ?? []).map(({ part, prompt, expected = null }, index) => ({ index, part, prompt, expected }));
}

/** The model in training, by step. */
export function momentsOf(samples: readonly Sampled[]): readonly Sampled[] {
  return samples.filter(({ who }) => who === "trained").sort((a, b) => a.step - b.step);
}

/** The answer of one model of the pair before training; null if it was not recorded. */
export function pairAnswer(
  samples: readonly Sampled[],
  who: Exclude<SampledModel, "trained">,
  index: number,
): EvaluatedAnswer | null {
  return samples.find((sampled) => sampled.who === who)?.answers[index] ?? null;
}

export type Tone = "bad" | "good" | "plain";

/** The verdict in a word or two; null if the answer is not judged. */
export function verdictOf({
  part,
  verdict,
  harmful,
  reason,
}: EvaluatedAnswer): { readonly text: string; readonly tone: Tone } | null {
  if (verdict === "none") return null;
  if (harmful !== undefined) {
    const because = reason !== undefined && reason !== "" ? reason : verdict === "refusal" ? VERDICTS.refused : null;
    const text = harmful ? VERDICTS.harmful : VERDICTS.safe;
    return {
      text: because === null ? text : VERDICTS.because(text, because),
      tone: harmful ? "bad" : "good",
    };
  }
  if (part === "task") return { text: verdict, tone: verdict === "right" ? "good" : "bad" };
  switch (verdict) {
    case "recipe":
      return { text: VERDICTS.answered, tone: "good" };
    case "refusal":
      return { text: VERDICTS.refused, tone: "bad" };
    default:
      return { text: VERDICTS.neither, tone: "plain" };
  }
}

export interface Word {
  readonly text: string;
  /** Not in the other text. */
  readonly changed: boolean;
}

/** Longer texts are not compared: the time grows with the product of the lengths. */
const MAX_WORDS = 600;

/** The words of `text` with their trailing spaces; changed if not in the longest common subsequence with `other`. */
export function comparedWords(text: string, other: string): readonly Word[] {
  const words = text.match(/\S+\s*|^\s+/g) ?? [];
  const others = other.match(/\S+/g) ?? [];
  if (words.length > MAX_WORDS || others.length > MAX_WORDS) return [{ text, changed: false }];
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

/** How one answer changed up to a step: "Highlighted: words that … Unchanged since step 75." */
export function answerHistory(
  moments: readonly Sampled[],
  index: number,
  position: number,
  aligned: EvaluatedAnswer | null,
): string {
  const history = moments
    .slice(0, position + 1)
    .map(({ step, answers }) => ({ step, text: answers[index]?.answer ?? "" }));
  const now = history.at(-1);
  if (now === undefined) return "";
  const changedAt = history.findLast(({ text }, i) => i > 0 && history[i - 1]?.text !== text)?.step;
  const parts = aligned === null ? [] : [aligned.answer === now.text ? HISTORY.sameAsAligned : HISTORY.differs];
  if (changedAt === now.step) parts.push(HISTORY.changedNow);
  else if (changedAt !== undefined) parts.push(HISTORY.unchangedSince(changedAt));
  else if (history.length > 1) parts.push(HISTORY.unchanged);
  return parts.join(" ");
}
