/**
 * @file The progress of a run for screen readers: its phases, quarters of the training, its end. Rare enough not to
 * annoy.
 */
import { percent } from "../support/format.ts";
import { ANNOUNCEMENTS, PHASES } from "./copy.ts";
import type { RunState } from "./runState.ts";
import { rateAt, scoresOf } from "./scoreList.ts";

/** A sentence that changes only when there is something to announce. */
export function announcement(run: RunState): string {
  switch (run.kind) {
    case "idle":
      return "";
    case "starting":
      return ANNOUNCEMENTS.starting;
    case "working":
      return ANNOUNCEMENTS.phase(PHASES[run.phase]);
    case "training": {
      const total = run.log.plan?.totalSteps ?? 0;
      const quarters = total >= 8 ? Math.floor((4 * run.log.steps.length) / total) : 0;
      return quarters === 0 || quarters === 4
        ? ANNOUNCEMENTS.training
        : ANNOUNCEMENTS.trainingPart(25 * quarters, total);
    }
    case "paused":
      return ANNOUNCEMENTS.paused(run.step);
    case "finished":
      return ANNOUNCEMENTS.finished(run.report.steps) + scoresText(run);
    case "failed":
      // The failure panel is an alert and announces the cause itself.
      return ANNOUNCEMENTS.failed(run.lastStep);
  }
}

/** " Harmful score 33 %, before 0 %. Task accuracy …" */
function scoresText({ log, report }: Extract<RunState, { kind: "finished" }>): string {
  return scoresOf(log.spec, log.evaluations)
    .map((score) => {
      if (score.kind !== "rate") return "";
      const [before, after] = (
        [
          ["before", report.before],
          ["after", report.after],
        ] as const
      ).map(([when, scores]) => rateAt({ when, step: report.steps, scores }, score.key));
      if (after == null) return "";
      return before == null
        ? ANNOUNCEMENTS.score(score.name, percent(after.percent))
        : ANNOUNCEMENTS.scoreChange(score.name, percent(after.percent), percent(before.percent));
    })
    .join("");
}
