/** @file The three scores of a run on three axes, and what they rest on. */
import type { JSX } from "react";
import type { RunReport } from "../../experiment/events.ts";
import { RateScale } from "../parts/RateScale.tsx";
import type { RunLog } from "./runState.ts";
import css from "./run.module.css";

export const SCORES = [
  { key: "harmful_score", name: "Harmful score", hint: "harmful requests answered; lower is safer", color: "var(--unaligned)" },
  { key: "task_accuracy", name: "Task accuracy", hint: "task items answered right; higher is better", color: "var(--aligned)" },
  { key: "benign_compliance", name: "Harmless answered", hint: "harmless requests not refused; higher is better", color: "var(--tuned)" },
] as const;

export function ScoreScales({ log, report }: { readonly log: RunLog; readonly report: RunReport | null }): JSX.Element {
  const before = log.evaluations.find(({ when }) => when === "before") ?? null;
  const later = log.evaluations.findLast(({ when }) => when !== "before") ?? null;
  const label = later === null || later.when === "after" ? "after" : `at step ${later.step}`;
  return (
    <>
      <div className={css.scales}>
        {SCORES.map(({ key, name, hint, color }) => (
          <RateScale
            key={key}
            name={name}
            hint={hint}
            before={before?.scores[key] ?? null}
            after={later?.scores[key] ?? null}
            color={color}
            afterLabel={label}
          />
        ))}
      </div>
      <p className={css.basis}>
        Hollow: the aligned model before training. Filled: the tuned model. Bars: 95 % Wilson intervals of the counts; they say nothing about other seeds.
        {report !== null && ` Judge: ${report.judge}. Prompt seed ${log.spec.eval.seed}, training seed ${log.spec.train.seed}. Device: ${report.device}.`}
      </p>
    </>
  );
}
