/** @file The stages of the active run: those done with their times, the current one, those to come. */
import type { JSX } from "react";
import { useRun } from "../shell/app/labContext.ts";
import { duration, percent } from "../support/format.ts";
import { STAGE_STRIP } from "./copy.ts";
import { progressOf, stageLeft, stagesOf, timeLeft, type Stage } from "./pace.ts";
import { stepSignature } from "./runStore.ts";
import type { ActiveRunState } from "./runState.ts";
import css from "./phases.module.css";

export function PhaseStrip({ run }: { readonly run: ActiveRunState }): JSX.Element {
  const pace = useRun((state) => state.pace);
  const measured = useRun((state) => state.measured);
  const { spec } = run.log;
  const left = timeLeft(pace, run, measured?.signature === stepSignature(spec) ? measured.ms : null);
  const progress = progressOf(run);
  const stages = stagesOf(spec, pace);
  // A stage with nothing to do sends no event, so it counts as done once a later one is reached.
  const reached = pace.stage === null ? -1 : stages.indexOf(pace.stage);
  const text = (stage: Stage): string => {
    const spent = pace.spent[stage];
    if (stage === pace.stage) {
      const of =
        run.kind === "paused"
          ? STAGE_STRIP.paused
          : progress === null || pace.within !== "stage"
            ? ""
            : percent(Math.floor(100 * progress));
      const rest = run.kind === "paused" ? null : stage === "train" ? (left?.training ?? null) : stageLeft(pace);
      return [of, ...(rest === null ? [] : [STAGE_STRIP.left(duration(rest))])]
        .filter((part) => part !== "")
        .join(", ");
    }
    if (spent !== undefined) return duration(spent);
    if (stage === "after" && left !== null) return STAGE_STRIP.about(duration(left.after));
    return stage === "train" && left !== null ? STAGE_STRIP.about(duration(left.training)) : "";
  };
  return (
    <ol className={css.strip} aria-label={STAGE_STRIP.label} data-testid="stages">
      {stages.map((stage, i) => (
        <li
          key={stage}
          className={css.stage}
          data-state={stage === pace.stage ? "now" : pace.spent[stage] === undefined && i > reached ? "later" : "done"}
          {...(stage === pace.stage ? { "aria-current": "step" } : {})}
        >
          <span className={css.name}>
            {stage === "load" && spec.model.quantization !== null
              ? STAGE_STRIP.loadAndQuantise
              : STAGE_STRIP.names[stage]}
          </span>
          <span className={css.text}>{text(stage)}</span>
        </li>
      ))}
    </ol>
  );
}
