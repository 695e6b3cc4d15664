/**
 * @file What the lists of runs know of a run: everything but its steps, answers and adapter, which are read when the
 * run is opened. A summary follows from its run; one that is missing is made again.
 */
import type { StepMetrics } from "../../experiment/run/events.ts";
import { stepMilliseconds, type EvaluationPoint } from "../run/runLog.ts";
import { overriddenScore } from "./answers/answerList.ts";
import type { StoredRun } from "./storedRun.ts";

/** Of the form below; summaries of another form are made again. */
export const SUMMARY_FORM = 1;

type Kept = Pick<
  StoredRun,
  "runId" | "spec" | "startedAt" | "endedAt" | "ending" | "overrides" | "tags" | "note" | "evaluations"
>;

/** `evaluations`: the first before training, and the last during and after it. */
export interface RunSummary extends Kept {
  readonly form: typeof SUMMARY_FORM;
  readonly steps: StepsSummary;
  readonly hasAnswers: boolean;
  readonly hasAdapter: boolean;
  /** The harmful score after training with a person's verdicts; null without any. */
  readonly overridden: ReturnType<typeof overriddenScore>;
  /** About as much as the run takes in this browser. */
  readonly bytes: number;
}

export interface StepsSummary {
  readonly count: number;
  /** Cross-entropy of the last step; null without steps. */
  readonly lastCe: number | null;
  /** Median milliseconds of the last steps; null without steps. */
  readonly medianMs: number | null;
  /** Milliseconds of all steps. */
  readonly totalMs: number;
}

export function toSummary(run: StoredRun): RunSummary {
  const { runId, spec, startedAt, endedAt, ending, overrides, tags, note, evaluations, answers = [] } = run;
  return {
    form: SUMMARY_FORM,
    runId,
    spec,
    startedAt,
    endedAt,
    ending,
    ...(overrides === undefined ? {} : { overrides }),
    ...(tags === undefined ? {} : { tags }),
    ...(note === undefined ? {} : { note }),
    evaluations: listedEvaluations(evaluations),
    steps: stepsSummary(run.steps),
    hasAnswers: answers.length > 0,
    hasAdapter: run.adapter !== null,
    overridden: overriddenScore(
      answers.find(({ when }) => when === "after"),
      overrides ?? {},
    ),
    bytes: runBytes(run),
  };
}

export function stepsSummary(steps: readonly StepMetrics[]): StepsSummary {
  return {
    count: steps.length,
    lastCe: steps.at(-1)?.ce ?? null,
    medianMs: stepMilliseconds(steps),
    totalMs: steps.reduce((sum, { ms }) => sum + ms, 0),
  };
}

function listedEvaluations(all: readonly EvaluationPoint[]): readonly EvaluationPoint[] {
  const before = all.find(({ when }) => when === "before");
  const during = all.findLast(({ when }) => when === "during");
  const after = all.findLast(({ when }) => when === "after");
  return [before, during, after].filter((point) => point !== undefined);
}

/** Of a step as it is stored. */
const STEP_BYTES = 130;

/** Its adapter to the byte, the rest as long as its JSON. */
function runBytes({ adapter, steps, ...rest }: StoredRun): number {
  const files = Object.values(adapter ?? {}).reduce((sum, file: Uint8Array) => sum + file.byteLength, 0);
  return files + STEP_BYTES * steps.length + JSON.stringify(rest).length;
}
