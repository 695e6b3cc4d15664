/** @file Unfinished runs in words: what they are, how far they came, what they resume from. */
import { dataTitle, methodSettings, methodTitle } from "../run/labels.ts";
import { moment } from "../support/format.ts";
import { PROGRESS, RESUME, SNAPSHOT } from "./copy.ts";
import type { SavedState } from "./recoveryStore.ts";
import type { UnfinishedEntry } from "./recoveryStore.ts";

/** "AsFT, λ 1, published projector". */
export function titleOf({ run: { spec } }: UnfinishedEntry): string {
  return `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`;
}

/** The data, and the experiment's name. */
export function aboutOf({ run: { spec } }: UnfinishedEntry): string {
  return spec.name === undefined ? dataTitle(spec) : `${dataTitle(spec)} · ${spec.name}`;
}

/** "step 53 of 125", or "before the first step". */
export function progressText({ run: { steps, totalSteps } }: UnfinishedEntry): string {
  if (steps === 0) return PROGRESS.beforeFirstStep;
  return totalSteps === null ? PROGRESS.step(steps) : PROGRESS.stepOf(steps, totalSteps);
}

/** "interrupted after step 53 of 125, today 19:02". */
export function interruptedText(entry: UnfinishedEntry, now: number): string {
  const { failure, seenAt, steps } = entry.run;
  const progress = progressText(entry);
  const how = failure === null ? PROGRESS.interrupted : PROGRESS.failed;
  return `${how} ${steps === 0 ? progress : PROGRESS.after(progress)}, ${dayAndTime(seenAt, now)}`;
}

/** "today 19:02", or the date with the time. */
function dayAndTime(ms: number, now: number): string {
  const [day = "", time = ""] = moment(ms).split(" ");
  return moment(now).startsWith(day) ? PROGRESS.today(time) : `${day} ${time}`;
}

/** The label of the button that resumes it. */
export function resumeLabel({ snapshot }: UnfinishedEntry): string {
  if (snapshot === null) return RESUME.restart;
  return snapshot.stage === "training" && snapshot.step > 0 ? RESUME.resumeFrom(snapshot.step) : RESUME.resume;
}

/** What it resumes from, in a sentence. */
export function snapshotText({ snapshot, run: { spec, steps } }: UnfinishedEntry): string {
  if (snapshot === null) return spec.train.save_steps === 0 ? SNAPSHOT.off : SNAPSHOT.none;
  if (snapshot.stage === "safe_adapter") return SNAPSHOT.safeAdapter(snapshot.step);
  if (snapshot.step === 0) return SNAPSHOT.beforeTraining;
  return snapshot.step < steps ? SNAPSHOT.behind(snapshot.step) : SNAPSHOT.atStep(snapshot.step);
}

/** The last snapshot of the active run; null before the first. */
export function savedText(saved: SavedState): string | null {
  switch (saved.kind) {
    case "none":
      return null;
    case "saved":
      return `${pointText(saved.point)}, ${moment(saved.at).slice(11)}`;
    case "failed":
      return saved.point === null ? "none" : pointText(saved.point);
  }
}

function pointText({ step, stage }: { readonly step: number; readonly stage: string }): string {
  if (stage === "safe_adapter") return PROGRESS.safeAdapterStep(step);
  return step === 0 ? PROGRESS.beforeFirstStep : PROGRESS.step(step);
}
