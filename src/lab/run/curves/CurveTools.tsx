/** @file How the curves are drawn: smoothing, scale, zoom. */
import { Button, Slider, Switch } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import type { ChartCursorStore } from "../../ui/chartCursor.ts";
import { CURVES } from "../copy.ts";
import { useCurveSettings } from "../../shell/app/labContext.ts";
import { MAX_SMOOTHING } from "./curveSettings.ts";
import css from "./curves.module.css";

export function CurveTools({ cursor }: { readonly cursor: ChartCursorStore }): JSX.Element {
  const { smoothing, logarithmic, change } = useCurveSettings((state) => state);
  const view = useStore(cursor, (state) => state.view);
  return (
    <div className={css.tools}>
      {view === null ? (
        <span className={css.hint}>{CURVES.zoomHint}</span>
      ) : (
        <Button size="compact-xs" variant="default" onClick={() => cursor.getState().zoomTo(null)}>
          {CURVES.resetZoom(Math.max(0, Math.round(view[0])), Math.round(view[1]))}
        </Button>
      )}
      <div className={css.smoothing}>
        <span aria-hidden>{CURVES.smoothing}</span>
        <Slider
          className={css.slider ?? ""}
          size="sm"
          min={0}
          max={MAX_SMOOTHING}
          step={0.01}
          value={smoothing}
          onChange={(value) => change({ smoothing: value })}
          label={null}
          thumbLabel={CURVES.smoothing}
        />
        <output className={css.weight} title={CURVES.smoothingHint}>
          {smoothing === 0 ? CURVES.smoothingOff : smoothing.toFixed(2)}
        </output>
      </div>
      <Switch
        size="xs"
        label={CURVES.logScale}
        checked={logarithmic}
        onChange={(event) => change({ logarithmic: event.currentTarget.checked })}
      />
    </div>
  );
}
