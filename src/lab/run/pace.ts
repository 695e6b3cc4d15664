/**
 * @file How long the stages of a run have taken here, and how long is left. Pure: the clock comes from outside.
 *
 *     load ▸ tune (where kernels are measured first) ▸ prepare ▸ evaluate ▸ compile
 *          ▸ train (steps, evaluations and samples on the way) ▸ evaluate ▸ save
 *
 * What is left of the run: steps at the median of the last ones, evaluations and samples at the mean of those that were
 * made. Where one of these is not known yet, nothing is shown.
 */
import type { RunPhase } from "../../experiment/run/events.ts";
import { evaluates, followsAnswers, sampleInterval, samplePlanned } from "../../experiment/spec/evaluationSchedule.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";
import { isActive, type ActiveRunState, type RunState } from "./runState.ts";
import { stepMilliseconds } from "./runLog.ts";

export const STAGES = ["load", "tune", "prepare", "before", "compile", "train", "after", "save"] as const;
export type Stage = (typeof STAGES)[number];

const STAGE_OF: Readonly<Record<RunPhase, Stage>> = {
  loading: "load",
  tuning: "tune",
  preparing: "prepare",
  evaluating_before: "before",
  compiling: "compile",
  training: "train",
  evaluating: "train",
  evaluating_after: "after",
  saving: "save",
};

/** What is happening within the stage: the stage itself, or an evaluation or a sample during training. */
type Within = "stage" | "evaluation" | "sample";

interface Seen {
  readonly progress: number;
  readonly at: number;
}

export interface Pace {
  /** Time of the last update, in milliseconds; null before the first event. */
  readonly at: number | null;
  readonly stage: Stage | null;
  readonly within: Within;
  readonly paused: boolean;
  /** Milliseconds in each stage, without pauses. */
  readonly spent: Readonly<Partial<Record<Stage, number>>>;
  /** Milliseconds in the current stage, evaluation or sample. */
  readonly here: number;
  /** Its first and last reported progress. */
  readonly first: Seen | null;
  readonly last: Seen | null;
  /** Milliseconds of the completed evaluations and samples. */
  readonly evaluations: readonly number[];
  readonly samples: readonly number[];
}

export const NO_PACE: Pace = {
  at: null,
  stage: null,
  within: "stage",
  paused: false,
  spent: {},
  here: 0,
  first: null,
  last: null,
  evaluations: [],
  samples: [],
};

/** The pace after a change of the run. */
export function paceAfter(pace: Pace, run: RunState, now: number): Pace {
  if (!isActive(run)) return NO_PACE;
  const passed = pace.at === null || pace.paused ? 0 : now - pace.at;
  const spent =
    pace.stage === null ? pace.spent : { ...pace.spent, [pace.stage]: (pace.spent[pace.stage] ?? 0) + passed };
  const [stage, within] = whereOf(run, pace.stage);
  const progress = progressOf(run);
  const seen = progress === null ? null : { progress, at: now };
  const common = { at: now, stage, within, paused: run.kind === "paused", spent };
  const here = pace.here + passed;
  if (stage === pace.stage && within === pace.within)
    return { ...pace, ...common, here, first: pace.first ?? seen, last: seen ?? pace.last };
  const evaluated =
    pace.within === "evaluation" || (pace.stage === "before" && pace.first !== null && here > REUSED_MS);
  return {
    ...common,
    here: 0,
    first: seen,
    last: seen,
    evaluations: evaluated ? [...pace.evaluations, here] : pace.evaluations,
    samples: pace.within === "sample" ? [...pace.samples, here] : pace.samples,
  };
}

/** A faster evaluation was reused from an earlier run. */
const REUSED_MS = 30;

function whereOf(run: ActiveRunState, before: Stage | null): readonly [Stage | null, Within] {
  switch (run.kind) {
    case "starting":
      return [before, "stage"];
    case "training":
    case "paused":
      return ["train", "stage"];
    case "working":
      return [
        STAGE_OF[run.phase],
        run.phase !== "evaluating" ? "stage" : run.progress === null ? "sample" : "evaluation",
      ];
  }
}

/** 0 to 1; null if unknown. */
export function progressOf(run: ActiveRunState): number | null {
  if (run.kind === "working") return run.progress;
  const total = run.log.plan?.totalSteps ?? 0;
  return run.kind === "starting" || total === 0 ? null : Math.min(1, run.log.steps.length / total);
}

/** Milliseconds left in the current stage, from its progress so far; null while too little is known. */
export function stageLeft({ first, last }: Pace): number | null {
  if (first === null || last === null || last.progress - first.progress < 0.02) return null;
  return ((last.at - first.at) / (last.progress - first.progress)) * (1 - last.progress);
}

export interface TimeLeft {
  readonly total: number;
  /** Steps, with the evaluations and samples between them. */
  readonly training: number;
  /** The evaluation after training. */
  readonly after: number;
}

/**
 * Milliseconds left of the whole run.
 * @param stepMs of a step as earlier measured with such settings; null where it was not
 * @returns null while it is unknown
 */
export function timeLeft(pace: Pace, run: ActiveRunState, stepMs: number | null): TimeLeft | null {
  const { spec, plan, steps } = run.log;
  const left = stageLeft(pace);
  if (pace.stage === "save") return null;
  if (pace.stage === "after") return left === null ? null : { total: left, training: 0, after: left };
  const each = stepMilliseconds(steps) ?? stepMs;
  if (plan === null || each === null) return null;
  const asks = evaluates(spec.eval);
  const evaluation = mean(pace.evaluations);
  if (asks && evaluation === null) return null;
  const remaining = remainingOf(spec, steps.length, plan.totalSteps);
  const training =
    each * (plan.totalSteps - steps.length) +
    remaining.evaluations * (evaluation ?? 0) +
    remaining.samples * (mean(pace.samples) ?? 0) +
    (pace.within === "stage" ? 0 : (left ?? 0));
  const after = asks ? (evaluation ?? 0) * remaining.after : 0;
  return { total: training + after, training, after };
}

/** Evaluations and samples still to come. */
function remainingOf(
  spec: Spec,
  done: number,
  total: number,
): { readonly evaluations: number; readonly samples: number; readonly after: number } {
  const every = spec.eval.every_steps;
  const between = (interval: number): number =>
    interval > 0 && Number.isFinite(interval)
      ? Math.max(0, Math.floor((total - 1) / interval) - Math.floor(done / interval))
      : 0;
  const evaluations = evaluates(spec.eval) ? between(every) : 0;
  const samples = samplePlanned(spec) && followsAnswers(spec) ? between(sampleInterval(spec, total)) : 0;
  // With a trigger every prompt is asked twice.
  return { evaluations, samples, after: bindMethod(spec.method).rows.trigger(spec.train.seed) === null ? 1 : 2 };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The stages that a run of this spec goes through. Whether it measures kernels shows only when it does. */
export function stagesOf(spec: Spec, { stage: now, spent }: Pace): readonly Stage[] {
  return STAGES.filter((stage) => {
    if (stage === "tune") return now === "tune" || spent.tune !== undefined;
    return (stage !== "before" && stage !== "after") || evaluates(spec.eval);
  });
}
