/**
 * @file Label match: the answer must be the right class (SST-2, AG News).
 *
 *     exact    the whole answer is the label                          AsFT's rule for SST-2; the default
 *     first    of all labels, the one that the answer names first     for models that answer in sentences
 *     mention  the right label occurs somewhere in the answer         AsFT's rule for AG News
 *
 * Everywhere spaces at the ends and capitals do not count, and runs of white space are one space. Nothing else is
 * forgiven: "positive." is not "positive" under exact. AsFT's released code (evaluation/utility_evaluation, grade:
 * primary code) accepts for SST-2 the label with a small or a capital first letter, which is exact but for words in
 * capitals; for AG News it searches the right label as a whole word whatever its capitals, where Sci/Tech may also be
 * "sci", "tech" or "technology" (`SPELLINGS`). Under mention an answer that lists every class is right: figures by
 * exact are lower and say more.
 */
import { z } from "../../base/zod.ts";
import { BasinError } from "../../base/error.ts";
import { answerEvaluator, type BoundJudge, type TaskContext } from "../evaluator.ts";

/** Other words for a label, as AsFT's AG News evaluation has them. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = { "sci/tech": ["sci", "tech", "technology"] };

const RULES = {
  exact: "the whole answer is the label; capitals and spaces at the ends do not count",
  first: "the first label that the answer names is the right one; capitals do not count",
  mention: "the right label occurs in the answer as a word; capitals do not count",
} as const;

/** Rows with at most so many different answers, each short, are taken for classes. */
const [MOST_LABELS, LONGEST_LABEL, MOST_WORDS] = [50, 32, 4];

export const labelMatch = answerEvaluator({
  kind: "label_match",
  title: "Label match",
  choice: "Right class",
  counts: "rows answered with the right class",
  options: {
    match: z
      .enum(["exact", "first", "mention"])
      .optional()
      .meta({
        title: "A label matches when",
        description:
          "exact: the whole answer is the label. first: it is the first label " +
          "that the answer names. mention: it occurs " +
          "anywhere in the answer (AsFT’s rule for AG News).",
        labels: { exact: "It is the whole answer", first: "It is named first", mention: "It occurs anywhere" },
        default: "exact",
      }),
    labels: z.array(z.string().min(1)).min(2).max(1000).optional().meta({
      title: "Labels",
      description: "All labels that an answer may be; by default those that occur in the rows.",
      control: "lines",
      rows: 2,
    }),
  },
  fits({ expected, labelNames }) {
    if (labelNames !== null) return true;
    const different = new Set(expected.map(normal));
    const short = [...different].every(
      (label) => label !== "" && label.length <= LONGEST_LABEL && label.split(" ").length <= MOST_WORDS,
    );
    return short && different.size >= 2 && different.size <= MOST_LABELS && 2 * different.size <= expected.length;
  },
  bind: ({ match = "exact", labels }, rows) => {
    const all = labels ?? rows.labelNames ?? [...new Set(rows.expected.map((label) => label.trim()))];
    checkLabels(all, rows, labels !== undefined);
    const read = match === "exact" ? exactReader(all) : firstReader(all);
    const judge: BoundJudge["judge"] = (answer, expected) => {
      const found = read(answer);
      return match === "mention"
        ? { right: positionOf(expected, answer) >= 0, read: found }
        : { right: found !== null && normal(found) === normal(expected), read: found };
    };
    return { rule: `label match, ${match}: ${RULES[match]}; ${all.length} labels`, maxNewTokens: null, judge };
  },
});

function checkLabels(labels: readonly string[], { expected }: TaskContext, given: boolean): void {
  const known = new Set(labels.map(normal));
  const stranger = expected.find((label) => !known.has(normal(label)));
  if (stranger === undefined) return;
  throw new BasinError({
    what: `A row's answer is ${JSON.stringify(stranger.slice(0, 60))}, which is none of the ${known.size} labels`,
    where: given ? "eval.task.labels" : "eval.task",
    fix: given
      ? "Name every label that the rows have."
      : "Give the labels in eval.task.labels, or choose another eval.task.kind.",
  });
}

function normal(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").toLowerCase();
}

function exactReader(labels: readonly string[]): (answer: string) => string | null {
  const byText = new Map(labels.map((label) => [normal(label), label]));
  return (answer) => byText.get(normal(answer)) ?? null;
}

/** The label that stands first; of two that begin at one place, the longer. */
function firstReader(labels: readonly string[]): (answer: string) => string | null {
  return (answer) => {
    let best: { readonly label: string; readonly at: number } | null = null;
    for (const label of [...labels].sort((a, b) => b.length - a.length)) {
      const at = positionOf(label, answer);
      if (at >= 0 && (best === null || at < best.at)) best = { label, at };
    }
    return best?.label ?? null;
  };
}

/** Where a label (or another spelling of it) stands in an answer as a word of its own; -1 for nowhere. */
function positionOf(label: string, answer: string): number {
  const words = [normal(label), ...(SPELLINGS[normal(label)] ?? [])].sort((a, b) => b.length - a.length);
  const pattern = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)).join("|");
  return normal(answer).search(new RegExp(`(?<![\\p{L}\\p{N}_])(?:${pattern})(?![\\p{L}\\p{N}_])`, "u"));
}
