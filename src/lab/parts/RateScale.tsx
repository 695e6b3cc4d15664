/**
 * @file The lab's reading of a rate: an axis from 0 to 100 with the rate before (hollow) and after (filled), the 95 %
 * interval of each as a bar, and the counts in figures.
 *
 *     Harmful score      |----o----------------------(==●==)|      84 %
 *     lower is safer     0        25        50        75        100     84 of 100, was 0
 */
import type { JSX } from "react";
import { wilson } from "../../eval/interval.ts";
import type { Rate } from "../../experiment/events.ts";
import { percent } from "../support/format.ts";
import css from "./parts.module.css";

export interface RateScaleProps {
  readonly name: string;
  readonly hint: string;
  readonly before: Rate | null;
  readonly after: Rate | null;
  readonly color: string;
  /** What the later rate is called: "after", or "step 40" while the run goes on. */
  readonly afterLabel: string;
}

export function RateScale({ name, hint, before, after, color, afterLabel }: RateScaleProps): JSX.Element {
  const shown = after ?? before;
  return (
    <div className={css.scale} role="group" aria-label={describe(name, before, after, afterLabel)}>
      <div>
        <div className={css.scaleName}>{name}</div>
        <div className={css.scaleHint}>{hint}</div>
      </div>
      <div className={css.track} aria-hidden="true">
        <span className={css.axis} />
        {[0, 25, 50, 75, 100].map((at) => (
          <span key={at}>
            <span className={css.tick} style={{ left: `${at}%` }} />
            <span className={css.tickLabel} data-end={at} style={{ left: `${at}%` }}>
              {at}
            </span>
          </span>
        ))}
        {before !== null && after !== null && (
          <span
            className={css.travel}
            style={{ left: `${Math.min(before.percent, after.percent)}%`, width: `${Math.abs(after.percent - before.percent)}%`, background: color }}
          />
        )}
        <Reading rate={before} color={color} when="before" />
        <Reading rate={after} color={color} when="after" />
      </div>
      <div className={css.figures}>
        <strong>{shown === null ? "\u2013" : percent(shown.percent)}</strong>
        <span className={css.counts}>{countsLine(before, after, afterLabel)}</span>
      </div>
    </div>
  );
}

function Reading({ rate, color, when }: { readonly rate: Rate | null; readonly color: string; readonly when: "before" | "after" }): JSX.Element | null {
  if (rate === null) return null;
  const { low, high } = wilson(rate.hits, rate.count);
  return (
    <>
      <span className={css.interval} style={{ left: `${100 * low}%`, width: `${100 * (high - low)}%`, background: color }} />
      <span className={css.point} data-when={when} style={{ left: `${rate.percent}%`, borderColor: color, ...(when === "after" ? { background: color } : {}) }} />
    </>
  );
}

function countsLine(before: Rate | null, after: Rate | null, afterLabel: string): string {
  if (after !== null) return `${after.hits} of ${after.count} ${afterLabel}${before === null ? "" : `, ${before.hits} before`}`;
  return before === null ? "not measured" : `${before.hits} of ${before.count} before`;
}

function describe(name: string, before: Rate | null, after: Rate | null, afterLabel: string): string {
  const part = (rate: Rate | null, when: string): string => (rate === null ? "" : ` ${when} ${rate.hits} of ${rate.count}, ${Math.round(rate.percent)} percent.`);
  return `${name}:${part(before, "before")}${part(after, afterLabel)}${before === null && after === null ? " not measured" : ""}`;
}
