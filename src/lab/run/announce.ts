/** @file What a screen reader is told of a run: its phases, quarters of the training, its end. Seldom enough to be listened to. */
import { count, percent } from "../support/format.ts";
import { PHASES } from "./labels.ts";
import type { RunState } from "./runState.ts";
import { rateAt, scoresOf } from "./scoreList.ts";

/** One sentence; the same as before while nothing is worth a word. */
export function announcement(run: RunState): string {
  switch (run.kind) {
    case "idle":
      return "";
    case "starting":
      return "The run starts.";
    case "working":
      return `${PHASES[run.phase]}.`;
    case "training": {
      const total = run.log.plan?.totalSteps ?? 0;
      const quarters = total >= 8 ? Math.floor((4 * run.log.steps.length) / total) : 0;
      return quarters === 0 || quarters === 4
        ? "Training."
        : `Training: ${["a quarter", "half", "three quarters"][quarters - 1] ?? ""} of ${count(total)} steps.`;
    }
    case "paused":
      return `Paused after step ${count(run.step)}.`;
    case "finished":
      return `Finished after ${count(run.report.steps)} steps.${figures(run)}`;
    case "failed":
      // The panel with the failure is an alert of its own.
      return `The run ended at step ${count(run.lastStep)}.`;
  }
}

/** " Harmful score 33 %, before 0 %. Task accuracy …" */
function figures({ log, report }: Extract<RunState, { kind: "finished" }>): string {
  return scoresOf(log.spec, log.evaluations)
    .map((score) => {
      if (score.kind !== "rate") return "";
      const [before, after] = (
        [
          ["before", report.before],
          ["after", report.after],
        ] as const
      ).map(([when, scores]) => rateAt({ when, step: report.steps, scores }, score.key));
      return after == null
        ? ""
        : ` ${score.name} ${percent(after.percent)}${before == null ? "" : `, before ${percent(before.percent)}`}.`;
    })
    .join("");
}
