/** @file A share with its interval on a small axis from 0 to 100 %, for table cells. */
import type { JSX } from "react";
import css from "./miniScale.module.css";

interface MiniScaleProps {
  /** A CSS variable such as "--aligned". */
  readonly color: string;
  readonly percent: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** Drawn hollow. */
  readonly before?: number | null;
}

export function MiniScale({ color, percent, interval, before = null }: MiniScaleProps): JSX.Element {
  const tone = `var(${color})`;
  return (
    <span className={css.scale} aria-hidden="true">
      <span className={css.axis} />
      {interval !== null && (
        <span
          className={css.interval}
          style={{ left: `${interval.low}%`, width: `${interval.high - interval.low}%`, background: tone }}
        />
      )}
      {before !== null && (
        <span
          className={css.point}
          style={{ left: `${before}%`, border: `2px solid ${tone}`, background: "var(--panel)" }}
        />
      )}
      <span className={css.point} style={{ left: `${percent}%`, background: tone }} />
    </span>
  );
}
