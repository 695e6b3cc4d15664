/** @file What makes a run's losses doubtful: jumps, vanished gradients, a learning rate beyond sense. */
import { useState, type JSX } from "react";
import {
  TrainingWatch,
  WARNING_FIX,
  warningText,
  type TrainingWarning,
} from "../../experiment/run/trainingWarnings.ts";
import css from "../recovery/recovery.module.css";
import type { RunLog } from "./runLog.ts";

export function TrainingWarnings({ log }: { readonly log: RunLog }): JSX.Element | null {
  const [watched] = useState(() => new WatchedLog());
  const warnings = watched.warningsOf(log);
  if (warnings.length === 0) return null;
  return (
    <p className={css.notice} data-tone="warn" role="status" data-testid="training-warnings">
      {warnings.map(warningText).join(" ")} {WARNING_FIX}
    </p>
  );
}

/** Looks at each step once, however often the log grows. */
class WatchedLog {
  #runId = "";
  #seen = 0;
  #watch = new TrainingWatch();

  warningsOf({ runId, steps }: RunLog): readonly TrainingWarning[] {
    if (runId !== this.#runId || steps.length < this.#seen) {
      this.#runId = runId;
      this.#seen = 0;
      this.#watch = new TrainingWatch();
    }
    for (const step of steps.slice(this.#seen)) this.#watch.add(step);
    this.#seen = steps.length;
    return this.#watch.warnings;
  }
}
