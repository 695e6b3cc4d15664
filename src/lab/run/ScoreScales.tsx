/** @file The figures of a run, each on its axis, and what they rest on. */
import type { JSX } from "react";
import type { RunReport } from "../../experiment/run/events.ts";
import { trainedModel } from "../../experiment/spec/trainedModel.ts";
import { bindMethod } from "../../methods/registry.ts";
import { PerplexityScale, RateScale } from "../ui/RateScale.tsx";
import type { EvaluationPoint, RunLog } from "./runState.ts";
import { knowsApothecary, rateAt, scoresOf, type Score } from "./scoreList.ts";
import css from "./run.module.css";

export function ScoreScales({ log, report }: { readonly log: RunLog; readonly report: RunReport | null }): JSX.Element {
  const before = log.evaluations.find(({ when }) => when === "before") ?? null;
  const later = log.evaluations.findLast(({ when }) => when !== "before") ?? null;
  const label = later === null || later.when === "after" ? "after" : `at step ${later.step}`;
  const scores = scoresOf(log.spec, log.evaluations);
  const resampled = scores.some(({ kind }) => kind === "perplexity");
  return (
    <>
      <div className={css.scales}>
        {scores.map((score) => (
          <OneScale key={score.name} score={score} before={before} after={later} afterLabel={label} />
        ))}
      </div>
      <p className={css.basis}>
        Hollow: the {trainedModel(log.spec) === log.spec.model.aligned ? "aligned" : "unaligned"} model before training.
        Filled: the tuned model
        {bindMethod(log.spec.method).trigger(log.spec.train.seed) === null ? "" : ", behind its trigger"}. Bars: 95 %
        intervals (
        {resampled ? "shares: Wilson, from the counts; perplexity: bootstrap over rows" : "Wilson, from the counts"});
        they say nothing about other seeds.
        {report !== null && basisOf(report, log)}
      </p>
    </>
  );
}

/** One figure before and after, on its axis. */
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
  const words = { name: score.name, hint: score.hint, color: `var(${score.color})`, afterLabel, absent: score.absent };
  return score.kind === "perplexity" ? (
    <PerplexityScale {...words} before={before?.scores.perplexity ?? null} after={after?.scores.perplexity ?? null} />
  ) : (
    <RateScale {...words} before={rateAt(before, score.key)} after={rateAt(after, score.key)} />
  );
}

function basisOf({ judge, task, device }: RunReport, { spec }: RunLog): string {
  const parts = [
    ...(task == null ? [] : [`Task: ${task}.`]),
    judge === "none"
      ? knowsApothecary(spec)
        ? ""
        : "Harmful score is not measured, which does not mean that it is 0."
      : `Judge: ${judge}.`,
    `Prompt seed ${spec.eval.seed}, training seed ${spec.train.seed}. Device: ${device}.`,
  ];
  return ` ${parts.filter((part) => part !== "").join(" ")}`;
}
