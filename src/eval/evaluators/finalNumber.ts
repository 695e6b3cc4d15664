/**
 * @file Final number: the number that the answer ends on must be the right one (GSM8K).
 *
 * Read as AsFT's released code reads it (evaluation/utility_evaluation/gsm8k, grade: primary code): commas are removed;
 * a number is an optional minus, digits, and perhaps a decimal part. With "The final answer is:" in the answer, its
 * first number after that and before any repetition counts; without it, or with no number there, the last number of the
 * whole answer does (`fallback` "last_number"; "none" counts such answers as wrong). An answer without any number is
 * wrong. The right number is read from the row's own answer by the same rule, and the two must be equal as numbers: 18,
 * 18.0, "$18" and "18." agree.
 *
 * Differences: the marker needs no space behind it and its capitals do not count; the minus sign U+2212 is one; a
 * currency sign between minus and digits ("-$5") keeps the minus, which AsFT's pattern loses. Datasets of the hub mark
 * the answer with "####" instead: the marker is the one that the rows have.
 */
import { z } from "../../base/zod.ts";
import { BasinError } from "../../base/error.ts";
import { answerEvaluator } from "../evaluator.ts";

const MARKERS = ["The final answer is:", "####"] as const;

/** AsFT lets an answer have 200 tokens. */
const ANSWER_TOKENS = 200;

export const finalNumber = answerEvaluator({
  kind: "final_number",
  title: "Final number",
  choice: "Right final number",
  counts: "answers that end with the right number",
  options: {
    marker: z.string().min(1).max(200).optional().meta({
      title: "Marker",
      description:
        "Text before the final number. By default “The final answer is:” or “####”, whichever the rows have.",
    }),
    fallback: z
      .enum(["last_number", "none"])
      .optional()
      .meta({
        title: "Without the marker",
        description: "last_number: the last number of the answer counts, as in AsFT’s code. none: the answer is wrong.",
        labels: { last_number: "The last number counts", none: "The answer is wrong" },
        default: "last_number",
      }),
  },
  fits({ expected }) {
    const marked = expected.filter((text) => MARKERS.some((marker) => numberAfter(text, marker) !== null));
    return expected.length > 0 && marked.length >= 0.9 * expected.length;
  },
  bind: ({ marker: given, fallback = "last_number" }, { expected }) => {
    const marker =
      given ??
      MARKERS.find((one) => 2 * expected.filter((text) => numberAfter(text, one) !== null).length >= expected.length) ??
      MARKERS[0];
    const bare = expected.find((text) => readNumber(text, marker, "last_number") === null);
    if (bare !== undefined) {
      throw new BasinError({
        what: `A row's answer holds no number: ${JSON.stringify(bare.slice(0, 60))}`,
        where: "eval.task.kind",
        fix: "Choose another eval.task.kind, or rows whose answers end on a number.",
      });
    }
    return {
      rule:
        `final number: the number after ${JSON.stringify(marker)} ` +
        `(${fallback === "none" ? "answers without it are wrong" : "else the last number of the answer"}); commas, ` +
        "currency and 18 against 18.0 do not count",
      maxNewTokens: ANSWER_TOKENS,
      judge: (answer, right) => {
        const read = readNumber(answer, marker, fallback);
        return {
          right: read !== null && read === readNumber(right, marker, "last_number"),
          read: read === null ? null : String(read),
        };
      },
    };
  },
});

/** The number that an answer ends on, or null. */
export function readNumber(text: string, marker: string, fallback: "last_number" | "none"): number | null {
  const marked = numberAfter(text, marker);
  if (marked !== null || fallback === "none") return marked;
  return numbers(text).at(-1) ?? null;
}

/** The first number between the first marker and the next (or the end). */
function numberAfter(text: string, marker: string): number | null {
  const segment = text.toLowerCase().split(marker.trim().toLowerCase())[1];
  return segment === undefined ? null : (numbers(segment)[0] ?? null);
}

function numbers(text: string): number[] {
  const plain = text
    .replaceAll(",", "")
    .replaceAll("\u2212", "-")
    .replaceAll(/-[$€£¥](?=\d)/g, "-");
  return [...plain.matchAll(/-?\d+\.?\d*/g)].map(([found]) => Number(found));
}
