/** @file The moments at which a prompt was answered: a slider, and under it the verdict of each. */
import type { JSX } from "react";
import type { Sampled } from "../../../experiment/run/observations.ts";
import { count } from "../../support/format.ts";
import { verdictOf } from "./samples.ts";
import css from "./samples.module.css";

export interface ScrubberProps {
  readonly moments: readonly Sampled[];
  /** The prompt's place. */
  readonly index: number;
  readonly at: number;
  readonly total: number | null;
  readonly onMove: (place: number) => void;
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
          Step <strong>{count(step)}</strong>
          {total !== null && ` of ${count(total)}`}
        </span>
        <input
          type="range"
          min={0}
          max={Math.max(1, moments.length - 1)}
          step={1}
          value={at}
          disabled={moments.length < 2}
          aria-label="Step of the answer"
          aria-valuetext={`step ${step}, ${at + 1} of ${moments.length}${verdicts[at] == null ? "" : `: ${verdicts[at].text}`}`}
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
            title={`step ${moment.step}${verdicts[i] == null ? "" : `: ${verdicts[i].text}`}`}
          />
        ))}
      </div>
    </div>
  );
}
