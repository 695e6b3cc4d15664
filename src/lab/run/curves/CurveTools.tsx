/** @file How the curves are drawn: smoothing, scale, zoom. */
import { Button, Slider, Switch } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import type { ChartCursorStore } from "../../ui/chartCursor.ts";
import { MAX_SMOOTHING, useCurveSettings } from "./curveSettings.ts";
import css from "./curves.module.css";

export function CurveTools({ cursor }: { readonly cursor: ChartCursorStore }): JSX.Element {
  const { smoothing, logarithmic, change } = useCurveSettings();
  const view = useStore(cursor, (state) => state.view);
  return (
    <div className={css.tools}>
      {view === null ? (
        <span className={css.hint}>Drag over a chart to zoom</span>
      ) : (
        <Button size="compact-xs" variant="default" onClick={() => cursor.getState().zoomTo(null)}>
          Steps {Math.max(0, Math.round(view[0]))} to {Math.round(view[1])}: show all
        </Button>
      )}
      <div className={css.smoothing}>
        <span aria-hidden>Smoothing</span>
        <Slider
          className={css.slider ?? ""}
          size="sm"
          min={0}
          max={MAX_SMOOTHING}
          step={0.01}
          value={smoothing}
          onChange={(value) => change({ smoothing: value })}
          label={null}
          thumbLabel="Smoothing"
        />
        <output className={css.weight} title="Weight of the exponential moving average, as in TensorBoard">
          {smoothing === 0 ? "off" : smoothing.toFixed(2)}
        </output>
      </div>
      <Switch
        size="xs"
        label="Log scale"
        checked={logarithmic}
        onChange={(event) => change({ logarithmic: event.currentTarget.checked })}
      />
    </div>
  );
}
