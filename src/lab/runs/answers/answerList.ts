/**
 * @file Answers of a run's evaluations as the page lists them: filters, search, the user's overrides, exports.
 *
 * Pure: no React, no store. Overrides are stored apart from the judge's verdicts: `Overrides` holds only those that
 * differ, and every score with overrides is shown beside the judge's own.
 */
import type { CsvRow } from "../../../base/tableText.ts";
import type { EvaluatedAnswer } from "../../../eval/evaluate.ts";
import { rateOf, type Rate } from "../../../eval/scores.ts";
import type { EvaluationMoment } from "../../worker/protocol/run.ts";
import { ANSWERS } from "../copy.ts";

export type Part = EvaluatedAnswer["part"];

/** All answers of one evaluation. */
export interface AnswerSet {
  readonly when: EvaluationMoment;
  readonly step: number;
  readonly answers: readonly EvaluatedAnswer[];
}

/**
 * By evaluation, then by the place of the answer in it: whether it is harmful, where a person says other than the
 * judge.
 */
export type Overrides = { readonly [When in EvaluationMoment]?: Readonly<Record<number, boolean>> };

/** One answer with its place and the verdict of a person. */
export interface ListedAnswer {
  readonly index: number;
  readonly answer: EvaluatedAnswer;
  /** Whether it is harmful, by a person; null where nobody judged it. */
  readonly override: boolean | null;
}

/** The evaluations of a run: the last of each kind. */
export function withAnswers(sets: readonly AnswerSet[], next: AnswerSet): readonly AnswerSet[] {
  return [...sets.filter(({ when }) => when !== next.when), next];
}

/** `overrides` after the user's verdict; one that agrees with the judge is removed. */
export function withOverride(overrides: Overrides, set: AnswerSet, index: number, harmful: boolean | null): Overrides {
  const { [index]: _, ...others } = overrides[set.when] ?? {};
  const differs = harmful !== null && set.answers[index]?.harmful !== harmful;
  return { ...overrides, [set.when]: differs ? { ...others, [index]: harmful } : others };
}

export function listAnswers(set: AnswerSet, part: Part, overrides: Overrides): readonly ListedAnswer[] {
  const own = overrides[set.when] ?? {};
  return set.answers.flatMap((answer, index) =>
    answer.part === part ? [{ index, answer, override: own[index] ?? null }] : [],
  );
}

/** Whether an answer counts as harmful, overrides included. */
export function isHarmful({ answer, override }: ListedAnswer): boolean {
  return override ?? answer.harmful === true;
}

export interface Filter {
  readonly id: string;
  readonly title: string;
  readonly passes: (item: ListedAnswer) => boolean;
}

/** The filters of a part: by harm for harmful requests, by verdict for the others. */
export function answerFilters(part: Part, items: readonly ListedAnswer[]): readonly Filter[] {
  const all: Filter = { id: "all", title: ANSWERS.filters.all, passes: () => true };
  if (part !== "harmful") {
    const verdicts = [...new Set(items.map(({ answer }) => answer.verdict))].sort();
    return [
      all,
      ...verdicts.map(
        (verdict): Filter => ({
          id: verdict,
          title: capital(verdict),
          passes: ({ answer }) => answer.verdict === verdict,
        }),
      ),
    ];
  }
  const second = items.some(({ answer }) => answer.second !== undefined);
  return [
    all,
    { id: "harmful", title: ANSWERS.filters.harmful, passes: isHarmful },
    { id: "safe", title: ANSWERS.filters.safe, passes: (item) => !isHarmful(item) },
    ...(second
      ? [
          {
            id: "disagree",
            title: ANSWERS.filters.disagree,
            passes: ({ answer }: ListedAnswer) =>
              answer.second !== undefined && answer.second.harmful !== answer.harmful,
          },
        ]
      : []),
    { id: "overridden", title: ANSWERS.filters.overridden, passes: ({ override }) => override !== null },
  ];
}

/** Items that pass the filter and contain every word of the search, ignoring case. */
export function searchAnswers(items: readonly ListedAnswer[], filter: Filter, search: string): readonly ListedAnswer[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return items.filter((item) => {
    const text = `${item.answer.prompt}\n${item.answer.answer ?? ""}\n${item.answer.reason ?? ""}`.toLowerCase();
    return filter.passes(item) && words.every((word) => text.includes(word));
  });
}

/** The harmful score with overrides, and their number; null without overrides or answers. */
export function overriddenScore(
  set: AnswerSet | undefined,
  overrides: Overrides,
): { readonly rate: Rate; readonly overrides: number } | null {
  if (set === undefined) return null;
  const items = listAnswers(set, "harmful", overrides);
  const count = items.filter(({ override }) => override !== null).length;
  return count === 0 ? null : { rate: rateOf(items.filter(isHarmful).length, items.length), overrides: count };
}

/** One line of an export; flat, so that a spreadsheet can hold it. */
export function exportRows(runId: string, sets: readonly AnswerSet[], overrides: Overrides): CsvRow[] {
  return sets.flatMap((set) =>
    set.answers.map((answer, index) => {
      const { second, ...rest } = answer;
      const override = overrides[set.when]?.[index];
      return {
        run: runId,
        when: set.when,
        step: set.step,
        ...rest,
        ...(second === undefined
          ? {}
          : {
              second_harmful: second.harmful,
              second_verdict: second.verdict,
              second_reason: second.reason,
              ...(second.score === undefined ? {} : { second_score: second.score }),
            }),
        ...(override === undefined ? {} : { override_harmful: override }),
        ...(answer.part === "harmful" ? { final_harmful: override ?? answer.harmful === true } : {}),
      };
    }),
  );
}

export function toJsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/**
 * JSON Lines has the exact text; CSV guards against formulas (base/tableText.ts), which is loaded when it is needed.
 */
export async function toCsv(rows: readonly CsvRow[]): Promise<string> {
  const { csvText } = await import("../../../base/tableText.ts");
  return csvText(rows);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
