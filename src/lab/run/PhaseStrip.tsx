/** @file The stages of a run that is under way: what is done and how long it took, what is going on, what is to come. */
import type { JSX } from "react";
import { useRun } from "../shell/app/labContext.ts";
import { duration, percent } from "../support/format.ts";
import { progressOf, stageLeft, stagesOf, timeLeft, type Stage } from "./pace.ts";
import { stepSignature } from "./runStore.ts";
import type { ActiveRunState } from "./runState.ts";
import css from "./phases.module.css";

const NAMES: Readonly<Record<Stage, string>> = {
  load: "Load",
  tune: "Tune",
  prepare: "Prepare",
  before: "Evaluate",
  compile: "Compile",
  train: "Train",
  after: "Evaluate",
  save: "Save",
};

export function PhaseStrip({ run }: { readonly run: ActiveRunState }): JSX.Element {
  const pace = useRun((state) => state.pace);
  const measured = useRun((state) => state.measured);
  const { spec } = run.log;
  const left = timeLeft(pace, run, measured?.signature === stepSignature(spec) ? measured.ms : null);
  const progress = progressOf(run);
  const stages = stagesOf(spec, pace);
  // A stage that had nothing to do is passed without a sign.
  const reached = pace.stage === null ? -1 : stages.indexOf(pace.stage);
  const text = (stage: Stage): string => {
    const spent = pace.spent[stage];
    if (stage === pace.stage) {
      const of =
        run.kind === "paused"
          ? "paused"
          : progress === null || pace.within !== "stage"
            ? ""
            : percent(Math.floor(100 * progress));
      const rest = run.kind === "paused" ? null : stage === "train" ? (left?.training ?? null) : stageLeft(pace);
      return [of, ...(rest === null ? [] : [`${duration(rest)} left`])].filter((part) => part !== "").join(", ");
    }
    if (spent !== undefined) return duration(spent);
    if (stage === "after" && left !== null) return `about ${duration(left.after)}`;
    return stage === "train" && left !== null ? `about ${duration(left.training)}` : "";
  };
  return (
    <ol className={css.strip} aria-label="Stages of the run" data-testid="stages">
      {stages.map((stage, i) => (
        <li
          key={stage}
          className={css.stage}
          data-state={stage === pace.stage ? "now" : pace.spent[stage] === undefined && i > reached ? "later" : "done"}
          {...(stage === pace.stage ? { "aria-current": "step" } : {})}
        >
          <span className={css.name}>
            {stage === "load" && spec.model.quantization !== null ? "Load and quantise" : NAMES[stage]}
          </span>
          <span className={css.text}>{text(stage)}</span>
        </li>
      ))}
    </ol>
  );
}
