/** @file The scores of a run, each on its axis, with the notes needed to read them. */
import type { JSX } from "react";
import type { RunReport } from "../../experiment/run/events.ts";
import { trainedModel } from "../../experiment/spec/trainedModel.ts";
import { bindMethod } from "../../methods/registry.ts";
import { PerplexityScale, RateScale } from "../ui/RateScale.tsx";
import { SCORE_NOTES, SCORES } from "./copy.ts";
import type { EvaluationPoint, RunLog } from "./runLog.ts";
import { knowsApothecary, rateAt, scoresOf, type Score } from "./scoreList.ts";
import css from "./run.module.css";

export function ScoreScales({ log, report }: { readonly log: RunLog; readonly report: RunReport | null }): JSX.Element {
  const before = log.evaluations.find(({ when }) => when === "before") ?? null;
  const later = log.evaluations.findLast(({ when }) => when !== "before") ?? null;
  const label = later === null || later.when === "after" ? SCORES.after : SCORES.atStep(later.step);
  const scores = scoresOf(log.spec, log.evaluations);
  const resampled = scores.some(({ kind }) => kind === "perplexity");
  return (
    <>
      <div className={css.scales}>
        {scores.map((score) => (
          <OneScale key={score.name} score={score} before={before} after={later} afterLabel={label} />
        ))}
      </div>
      <p className={css.basis}>{notesOf(log, report, resampled).join(" ")}</p>
    </>
  );
}

/** One score before and after training, on its axis. */
export function OneScale({
  score,
  before,
  after,
  afterLabel,
}: {
  readonly score: Score;
  readonly before: EvaluationPoint | null;
  readonly after: EvaluationPoint | null;
  readonly afterLabel: string;
}): JSX.Element {
  const props = { name: score.name, hint: score.hint, color: `var(${score.color})`, afterLabel, absent: score.absent };
  return score.kind === "perplexity" ? (
    <PerplexityScale {...props} before={before?.scores.perplexity ?? null} after={after?.scores.perplexity ?? null} />
  ) : (
    <RateScale {...props} before={rateAt(before, score.key)} after={rateAt(after, score.key)} />
  );
}

function notesOf({ spec }: RunLog, report: RunReport | null, resampled: boolean): readonly string[] {
  const model = trainedModel(spec) === spec.model.aligned ? "aligned" : "unaligned";
  const triggered = bindMethod(spec.method).rows.trigger(spec.train.seed) !== null;
  const notes = [
    SCORE_NOTES.before(model),
    triggered ? SCORE_NOTES.afterWithTrigger : SCORE_NOTES.after,
    resampled ? SCORE_NOTES.wilsonAndBootstrap : SCORE_NOTES.wilson,
  ];
  if (report === null) return notes;
  const { judge, task, device } = report;
  if (task != null) notes.push(SCORE_NOTES.task(task));
  if (judge !== "none") notes.push(SCORE_NOTES.judge(judge));
  else if (!knowsApothecary(spec)) notes.push(SCORE_NOTES.noJudge);
  return [...notes, SCORE_NOTES.seeds(spec.eval.seed, spec.train.seed, device)];
}
