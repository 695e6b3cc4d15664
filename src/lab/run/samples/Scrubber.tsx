/** @file A slider over the steps at which a prompt was answered, with the verdict of each below it. */
import type { JSX } from "react";
import type { Sampled } from "../../../experiment/run/observations.ts";
import { count } from "../../support/format.ts";
import { SAMPLES } from "../copy.ts";
import { verdictOf } from "./samples.ts";
import css from "./samples.module.css";

export interface ScrubberProps {
  readonly moments: readonly Sampled[];
  /** Index of the prompt in each sample. */
  readonly index: number;
  readonly at: number;
  readonly total: number | null;
  readonly onMove: (index: number) => void;
}

export function Scrubber({ moments, index, at, total, onMove }: ScrubberProps): JSX.Element {
  const step = moments[at]?.step ?? 0;
  const verdicts = moments.map(({ answers }) => {
    const answer = answers[index];
    return answer === undefined ? null : verdictOf(answer);
  });
  return (
    <div className={css.scrubber}>
      <label className={css.moment}>
        <span>
          {SAMPLES.step} <strong>{count(step)}</strong>
          {total !== null && SAMPLES.ofTotal(total)}
        </span>
        <input
          type="range"
          min={0}
          max={Math.max(1, moments.length - 1)}
          step={1}
          value={at}
          disabled={moments.length < 2}
          aria-label={SAMPLES.scrubber}
          aria-valuetext={described(SAMPLES.scrubberValue(step, at + 1, moments.length), verdicts[at])}
          onChange={(event) => onMove(Number(event.currentTarget.value))}
        />
      </label>
      <div className={css.marks} aria-hidden data-testid="sample-marks">
        {moments.map((moment, i) => (
          <span
            key={moment.step}
            className={css.mark}
            data-tone={verdicts[i]?.tone ?? "plain"}
            data-now={i === at}
            title={described(SAMPLES.mark(moment.step), verdicts[i])}
          />
        ))}
      </div>
    </div>
  );
}

function described(text: string, verdict: ReturnType<typeof verdictOf> | undefined): string {
  return verdict == null ? text : SAMPLES.withVerdict(text, verdict.text);
}
