/**
 * @file The step under the cursor as a slider, and all values at that step in one line.
 *
 *     ← →             one step            + −     zoom in, out
 *     Page Up, Down   a twentieth         0       reset the zoom
 *     Home, End       first, last         Esc     to the latest step
 */
import { type JSX, type KeyboardEvent } from "react";
import { useStore } from "zustand";
import { zoomedAround, type ChartCursorStore } from "../../ui/chartCursor.ts";
import { CURVES } from "../copy.ts";
import type { Curve } from "./curves.ts";
import { valuesAt } from "./valuesAt.ts";
import css from "./curves.module.css";

export interface StepCursorProps {
  readonly cursor: ChartCursorStore;
  readonly curves: readonly Curve[];
  /** Steps taken so far. */
  readonly taken: number;
  /** The run's last step. */
  readonly last: number;
}

export function StepCursor({ cursor, curves, taken, last }: StepCursorProps): JSX.Element {
  const step = useStore(cursor, (state) => state.step);
  const at = step ?? taken;
  const values = valuesAt(curves, at);
  const text = values.map(({ text: one }) => one).join(", ");
  const { point, zoomTo } = cursor.getState();
  const onKey = (event: KeyboardEvent): void => {
    const factor = event.key === "+" || event.key === "=" ? 0.5 : event.key === "-" ? 2 : null;
    if (factor !== null) zoomTo(zoomedAround(cursor.getState().view, at, factor, last));
    else if (event.key === "0") zoomTo(null);
    else if (event.key === "Escape") point(null);
    else if (event.key === "PageUp" || event.key === "PageDown") {
      point(clamp(at + (event.key === "PageUp" ? 1 : -1) * Math.max(1, Math.round(taken / 20)), taken));
    } else return;
    event.preventDefault();
  };
  return (
    <div className={css.cursor} data-testid="step-cursor">
      <input
        type="range"
        min={0}
        max={Math.max(1, last)}
        step={1}
        value={clamp(at, taken)}
        disabled={taken === 0}
        aria-label={CURVES.cursor}
        aria-valuetext={`step ${at}${text === "" ? "" : `: ${text}`}`}
        aria-keyshortcuts="+ - 0 Escape"
        title={CURVES.cursorHint}
        onChange={(event) => point(clamp(Number(event.currentTarget.value), taken))}
        onKeyDown={onKey}
      />
      <p className={css.values} data-testid="step-readout" data-step={at}>
        <span className={css.step}>
          {taken === 0 ? CURVES.noSteps : step === null ? CURVES.latest(at) : CURVES.step(at)}
        </span>
        {values.map(({ key, text: one, color }) => (
          <span key={key} className={css.value}>
            {color !== null && <span className={css.dot} style={{ background: `var(${color})` }} />}
            {one}
          </span>
        ))}
      </p>
    </div>
  );
}

function clamp(step: number, taken: number): number {
  return Math.min(taken, Math.max(0, step));
}
