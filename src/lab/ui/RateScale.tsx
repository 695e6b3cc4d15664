/**
 * @file The lab's reading of a figure: an axis with the figure before (hollow) and after (filled), the 95 % interval of
 * each as a bar, and what it rests on.
 *
 *     Harmful score      |----o----------------------(==●==)|      84 %   76 to 90
 *     lower is safer     0        25        50        75        100     84 of 100, was 0
 */
import type { JSX } from "react";
import { rateBounds, type Bounds } from "../../eval/scores.ts";
import type { Perplexity, Rate } from "../../experiment/run/events.ts";
import { count, percent, perplexity } from "../support/format.ts";
import css from "./ui.module.css";
import { logAxis, PERCENT_AXIS, type ScaleAxis } from "./scaleAxis.ts";

interface Words {
  readonly name: string;
  readonly hint: string;
  /** A CSS colour. */
  readonly color: string;
  /** What the later figure is called: "after", or "step 40" while the run goes on. */
  readonly afterLabel: string;
  /** Why there is no figure; null where one is to come. */
  readonly absent?: string | null;
}

interface Reading {
  readonly value: number;
  readonly bounds: Bounds | null;
  /** For those who hear the page. */
  readonly spoken: string;
}

export interface RateScaleProps extends Words {
  readonly before: Rate | null;
  readonly after: Rate | null;
}

export function RateScale({ before, after, ...words }: RateScaleProps): JSX.Element {
  const shown = after ?? before;
  return (
    <Scale
      words={words}
      axis={PERCENT_AXIS}
      before={before && rateReading(before)}
      after={after && rateReading(after)}
      figure={shown === null ? null : percent(shown.percent)}
      format={(value) => String(Math.round(value))}
      basis={countsLine(before, after, words.afterLabel)}
    />
  );
}

export interface PerplexityScaleProps extends Words {
  readonly before: Perplexity | null;
  readonly after: Perplexity | null;
}

export function PerplexityScale({ before, after, ...words }: PerplexityScaleProps): JSX.Element {
  const shown = after ?? before;
  const earlier = after === null ? ", before" : before === null ? "" : `, ${perplexity(before.perplexity)} before`;
  const values = [before, after].flatMap((one) =>
    one === null ? [] : [one.perplexity, one.ci95?.low ?? one.perplexity, one.ci95?.high ?? one.perplexity],
  );
  const reading = (one: Perplexity | null): Reading | null =>
    one && {
      value: one.perplexity,
      bounds: one.ci95,
      spoken: `${perplexity(one.perplexity)} from ${one.tokens} tokens`,
    };
  return (
    <Scale
      words={words}
      axis={logAxis(values)}
      before={reading(before)}
      after={reading(after)}
      figure={shown === null ? null : perplexity(shown.perplexity)}
      format={perplexity}
      basis={shown === null ? null : `${count(shown.tokens)} tokens of ${count(shown.rows)} rows${earlier}`}
    />
  );
}

interface ScaleProps {
  readonly words: Words;
  readonly axis: ScaleAxis;
  readonly before: Reading | null;
  readonly after: Reading | null;
  /** The later figure, else the earlier. */
  readonly figure: string | null;
  readonly format: (value: number) => string;
  /** What the figures rest on; null where there is none. */
  readonly basis: string | null;
}

function Scale({ words, axis, before, after, figure, format, basis }: ScaleProps): JSX.Element {
  const { name, hint, color, afterLabel, absent = null } = words;
  const shown = after ?? before;
  const bounds = shown?.bounds ?? null;
  const missing = absent === null ? "not measured" : `not measured: ${absent}`;
  const said =
    shown === null
      ? missing
      : [before && `before ${spokenText(before, format)}`, after && `${afterLabel} ${spokenText(after, format)}`]
          .filter((part) => part !== null)
          .join(" ");
  return (
    <div className={css.scale} role="group" aria-label={`${name}: ${said}`}>
      <div>
        <div className={css.scaleName}>{name}</div>
        <div className={css.scaleHint}>{hint}</div>
      </div>
      <div className={css.track} aria-hidden="true">
        {absent === null && <span className={css.axis} />}
        {(absent === null ? axis.ticks : []).map((tick) => {
          const at = axis.at(tick);
          return (
            <span key={tick}>
              <span className={css.tick} style={{ left: `${at}%` }} />
              <span className={css.tickLabel} data-end={Math.round(at)} style={{ left: `${at}%` }}>
                {tick}
              </span>
            </span>
          );
        })}
        {before !== null && after !== null && (
          <Travel from={axis.at(before.value)} to={axis.at(after.value)} color={color} />
        )}
        <Mark reading={before} axis={axis} color={color} when="before" />
        <Mark reading={after} axis={axis} color={color} when="after" />
      </div>
      <div className={css.figures}>
        <strong>{figure ?? "\u2013"}</strong>
        {bounds !== null && <span className={css.range}> {`${format(bounds.low)} to ${format(bounds.high)}`}</span>}
        <span className={css.counts}>{basis ?? missing}</span>
      </div>
    </div>
  );
}

function Travel({
  from,
  to,
  color,
}: {
  readonly from: number;
  readonly to: number;
  readonly color: string;
}): JSX.Element {
  return (
    <span
      className={css.travel}
      style={{ left: `${Math.min(from, to)}%`, width: `${Math.abs(to - from)}%`, background: color }}
    />
  );
}

function Mark({
  reading,
  axis,
  color,
  when,
}: {
  readonly reading: Reading | null;
  readonly axis: ScaleAxis;
  readonly color: string;
  readonly when: "before" | "after";
}): JSX.Element | null {
  if (reading === null) return null;
  const { value, bounds } = reading;
  return (
    <>
      {bounds !== null && (
        <span
          className={css.interval}
          style={{
            left: `${axis.at(bounds.low)}%`,
            width: `${axis.at(bounds.high) - axis.at(bounds.low)}%`,
            background: color,
          }}
        />
      )}
      <span
        className={css.point}
        data-when={when}
        style={{ left: `${axis.at(value)}%`, borderColor: color, ...(when === "after" ? { background: color } : {}) }}
      />
    </>
  );
}

function countsLine(before: Rate | null, after: Rate | null, afterLabel: string): string | null {
  if (after !== null)
    return `${after.hits} of ${after.count} ${afterLabel}${before === null ? "" : `, ${before.hits} before`}`;
  return before === null ? null : `${before.hits} of ${before.count} before`;
}

function rateReading(rate: Rate): Reading {
  return {
    value: rate.percent,
    bounds: rateBounds(rate),
    spoken: `${rate.hits} of ${rate.count}, ${Math.round(rate.percent)} percent`,
  };
}

function spokenText({ spoken, bounds }: Reading, format: (value: number) => string): string {
  return `${spoken}${bounds === null ? "" : `, 95 percent interval ${format(bounds.low)} to ${format(bounds.high)}`}.`;
}
