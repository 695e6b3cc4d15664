/**
 * @file A score on an axis: before training (hollow) and after (filled), the 95 % interval of each as a bar, the
 * counts.
 *
 *     Harmful score      |----o----------------------(==●==)|      84 %   76 to 90
 *     lower is safer     0        25        50        75        100     84 of 100, was 0
 */
import type { JSX } from "react";
import { rateBounds, type Bounds } from "../../eval/scores.ts";
import type { Perplexity, Rate } from "../../experiment/run/events.ts";
import { count, percent, perplexity } from "../support/format.ts";
import { SCALE } from "./copy.ts";
import css from "./ui.module.css";
import { logAxis, PERCENT_AXIS, type ScaleAxis } from "./scaleAxis.ts";

interface ScaleText {
  readonly name: string;
  readonly hint: string;
  /** A CSS colour. */
  readonly color: string;
  /** Name of the later score: "after", or "step 40" during a run. */
  readonly afterLabel: string;
  /** Why there is no score; null if it is still to come. */
  readonly absent?: string | null;
}

interface Reading {
  readonly value: number;
  readonly bounds: Bounds | null;
  /** For screen readers. */
  readonly spoken: string;
}

export interface RateScaleProps extends ScaleText {
  readonly before: Rate | null;
  readonly after: Rate | null;
}

export function RateScale({ before, after, ...text }: RateScaleProps): JSX.Element {
  const shown = after ?? before;
  return (
    <Scale
      text={text}
      axis={PERCENT_AXIS}
      before={before && rateReading(before)}
      after={after && rateReading(after)}
      figure={shown === null ? null : percent(shown.percent)}
      format={(value) => String(Math.round(value))}
      basis={countsText(before, after, text.afterLabel)}
    />
  );
}

export interface PerplexityScaleProps extends ScaleText {
  readonly before: Perplexity | null;
  readonly after: Perplexity | null;
}

export function PerplexityScale({ before, after, ...text }: PerplexityScaleProps): JSX.Element {
  const shown = after ?? before;
  const values = [before, after].flatMap((one) =>
    one === null ? [] : [one.perplexity, one.ci95?.low ?? one.perplexity, one.ci95?.high ?? one.perplexity],
  );
  return (
    <Scale
      text={text}
      axis={logAxis(values)}
      before={before && perplexityReading(before)}
      after={after && perplexityReading(after)}
      figure={shown === null ? null : perplexity(shown.perplexity)}
      format={perplexity}
      basis={tokensText(before, after)}
    />
  );
}

interface ScaleProps {
  readonly text: ScaleText;
  readonly axis: ScaleAxis;
  readonly before: Reading | null;
  readonly after: Reading | null;
  /** The later score, or else the earlier one. */
  readonly figure: string | null;
  readonly format: (value: number) => string;
  /** What was counted; null if there is no score. */
  readonly basis: string | null;
}

function Scale({ text, axis, before, after, figure, format, basis }: ScaleProps): JSX.Element {
  const { name, hint, color, afterLabel, absent = null } = text;
  const bounds = (after ?? before)?.bounds ?? null;
  const missing = SCALE.notMeasured(absent);
  const spoken = [
    before && `${SCALE.before} ${spokenText(before, format)}`,
    after && `${afterLabel} ${spokenText(after, format)}`,
  ].filter((part) => part !== null);
  return (
    <div
      className={css.scale}
      role="group"
      aria-label={SCALE.spoken.scale(name, spoken.length === 0 ? missing : spoken.join(" "))}
    >
      <div>
        <div className={css.scaleName}>{name}</div>
        <div className={css.scaleHint}>{hint}</div>
      </div>
      <div className={css.track} aria-hidden="true">
        {absent === null && <Axis axis={axis} />}
        {before !== null && after !== null && (
          <Travel from={axis.at(before.value)} to={axis.at(after.value)} color={color} />
        )}
        <Mark reading={before} axis={axis} color={color} when="before" />
        <Mark reading={after} axis={axis} color={color} when="after" />
      </div>
      <div className={css.figures}>
        <strong>{figure ?? SCALE.none}</strong>
        {bounds !== null && <span className={css.range}> {SCALE.range(format(bounds.low), format(bounds.high))}</span>}
        <span className={css.counts}>{basis ?? missing}</span>
      </div>
    </div>
  );
}

function Axis({ axis }: { readonly axis: ScaleAxis }): JSX.Element {
  return (
    <>
      <span className={css.axis} />
      {axis.ticks.map((tick) => {
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
    </>
  );
}

interface TravelProps {
  readonly from: number;
  readonly to: number;
  readonly color: string;
}

/** The line from the score before to the score after. */
function Travel({ from, to, color }: TravelProps): JSX.Element {
  return (
    <span
      className={css.travel}
      style={{ left: `${Math.min(from, to)}%`, width: `${Math.abs(to - from)}%`, background: color }}
    />
  );
}

interface MarkProps {
  readonly reading: Reading | null;
  readonly axis: ScaleAxis;
  readonly color: string;
  readonly when: "before" | "after";
}

function Mark({ reading, axis, color, when }: MarkProps): JSX.Element | null {
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

function countsText(before: Rate | null, after: Rate | null, afterLabel: string): string | null {
  if (after === null) return before === null ? null : SCALE.counts(before.hits, before.count, SCALE.before);
  const counts = SCALE.counts(after.hits, after.count, afterLabel);
  return before === null ? counts : `${counts}${SCALE.countsBefore(before.hits)}`;
}

function tokensText(before: Perplexity | null, after: Perplexity | null): string | null {
  const shown = after ?? before;
  if (shown === null) return null;
  const tokens = SCALE.tokens(count(shown.tokens), count(shown.rows));
  if (after === null) return `${tokens}${SCALE.onlyBefore}`;
  return before === null ? tokens : `${tokens}${SCALE.perplexityBefore(perplexity(before.perplexity))}`;
}

function rateReading(rate: Rate): Reading {
  return {
    value: rate.percent,
    bounds: rateBounds(rate),
    spoken: SCALE.spoken.rate(rate.hits, rate.count, Math.round(rate.percent)),
  };
}

function perplexityReading({ perplexity: value, ci95, tokens }: Perplexity): Reading {
  return { value, bounds: ci95, spoken: SCALE.spoken.perplexity(perplexity(value), tokens) };
}

function spokenText({ spoken, bounds }: Reading, format: (value: number) => string): string {
  return `${spoken}${bounds === null ? "" : SCALE.spoken.interval(format(bounds.low), format(bounds.high))}.`;
}
