/** @file What is said of unfinished runs, in one place. */
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import { count, moment } from "../support/format.ts";
import type { SavedState, UnfinishedEntry } from "./recovery.ts";

/** "AsFT, λ 1, published projector". */
export function titleOf({ run: { spec } }: UnfinishedEntry): string {
  return `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`;
}

/** The rows, and what the run is called. */
export function aboutOf({ run: { spec } }: UnfinishedEntry): string {
  return spec.name === undefined ? dataTitle(spec) : `${dataTitle(spec)} · ${spec.name}`;
}

/** "step 53 of 125", or where the run was before its first step. */
export function reached({ run: { steps, totalSteps } }: UnfinishedEntry): string {
  if (steps === 0) return "before its first step";
  return totalSteps === null ? `step ${count(steps)}` : `step ${count(steps)} of ${count(totalSteps)}`;
}

/** "interrupted after step 53 of 125, today 19:02". */
export function interrupted(entry: UnfinishedEntry, now: number): string {
  const { failure, seenAt, steps } = entry.run;
  return `${failure === null ? "interrupted" : "ended by an error"} ${steps === 0 ? "" : "after "}${reached(entry)}, ${dayAndTime(seenAt, now)}`;
}

/** "today 19:02", or the date with the time. */
export function dayAndTime(ms: number, now: number): string {
  const [day = "", time = ""] = moment(ms).split(" ");
  return moment(now).startsWith(day) ? `today ${time}` : `${day} ${time}`;
}

/** What the button does. */
export function goOnLabel({ checkpoint }: UnfinishedEntry): string {
  if (checkpoint === null) return "Begin again";
  return checkpoint.stage === "training" && checkpoint.step > 0 ? `Go on from step ${count(checkpoint.step)}` : "Go on";
}

/** What going on rests on, in a sentence. */
export function restsOn({ checkpoint, run: { spec, steps } }: UnfinishedEntry): string {
  if (checkpoint === null)
    return spec.train.save_steps === 0
      ? "It was to keep no checkpoints, so it begins again."
      : "There is no checkpoint yet, so it begins again.";
  if (checkpoint.stage === "safe_adapter")
    return `Its checkpoint holds ${count(checkpoint.step)} steps of the safe adapter.`;
  if (checkpoint.step === 0) return "Its checkpoint holds the evaluation before training.";
  return checkpoint.step < steps
    ? `Its checkpoint holds step ${count(checkpoint.step)}; the steps after it are computed again. The result is that of a run that was never interrupted.`
    : `Its checkpoint holds step ${count(checkpoint.step)}. The result is that of a run that was never interrupted.`;
}

/** Which checkpoint the run under way has; null while there is nothing to say. */
export function savedText(saved: SavedState): string | null {
  switch (saved.kind) {
    case "none":
      return null;
    case "kept":
      return `${pointText(saved.point)}, ${moment(saved.at).slice(11)}`;
    case "failed":
      return saved.point === null ? "none" : pointText(saved.point);
  }
}

function pointText({ step, stage }: { readonly step: number; readonly stage: string }): string {
  return stage === "safe_adapter"
    ? `step ${count(step)} of the safe adapter`
    : step === 0
      ? "before the first step"
      : `step ${count(step)}`;
}
