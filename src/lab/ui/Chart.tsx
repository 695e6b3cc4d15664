/**
 * @file A streaming chart: uPlot below a title line with the value at the cursor, or else the last value.
 *
 * Charts with the same `cursor` share the step under the pointer and the steps in view (chartCursor.ts); dragging
 * zooms, a double click resets the zoom. The plot is rebuilt only when its shape changes (number of series, colour
 * scheme, scale); new data goes to the existing plot, thinned to the extremes if the series are long.
 */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, type JSX } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useStore } from "zustand";
import { presentation } from "../shell/app/presentation.ts";
import { createChartCursor, indexAt } from "./chartCursor.ts";
import { plotData, plotOptions } from "./chartPlot.ts";
import type { ChartProps } from "./chartSeries.ts";
import { firstOf, lastOf } from "./longValues.ts";
import { CHART } from "./copy.ts";
import css from "./ui.module.css";

export default function Chart(props: ChartProps): JSX.Element {
  const { title, unit, x, series, height = 168, y, xMax } = props;
  const { range, log = false } = y;
  const scheme = useComputedColorScheme("light");
  const presenting = useStore(presentation, ({ on }) => on);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [own] = useState(() => createChartCursor());
  const cursor = props.cursor ?? own;
  const step = useStore(cursor, (state) => state.step);
  const view = useStore(cursor, (state) => state.view);
  const shape = JSON.stringify([
    series.map(({ label, color, dash, points, smooth }) => [label, color, dash, points, smooth !== undefined]),
    scheme,
    presenting,
    height,
    range,
    log,
  ]);
  const data = useMemo(() => plotData(x, series, log, view), [x, series, log, view]);
  const latest = useRef({ props, data });

  useEffect(() => {
    latest.current = { props, data };
  });

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const made = new uPlot(
      plotOptions(latest.current.props, () => latest.current.props, element.clientWidth, cursor),
      latest.current.data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0)
        made.setSize({ width: element.clientWidth, height: latest.current.props.height ?? 168 });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, cursor]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data, xMax]);

  useEffect(() => {
    const made = plot.current;
    if (made === null) return;
    const left = step === null ? -10 : made.valToPos(step, "x");
    made.setCursor({ left, top: -10 });
  }, [step, data, shape, view]);

  const at = step === null ? null : indexAt(x, step);
  return (
    <figure className={css.chart} style={{ margin: 0 }}>
      <figcaption className={css.chartHead}>
        <h3 className={css.chartTitle}>
          {title}
          {unit !== undefined && <span className={css.chartUnit}> {unit}</span>}
        </h3>
        <ChartReadout
          {...props}
          at={at}
          pointed={step !== null}
          showStep={props.cursor === undefined || (at !== null && x.at(at) !== step)}
        />
      </figcaption>
      <div ref={host} className={css.plot} style={{ height }} role="img" aria-label={describe(props)} />
    </figure>
  );
}

interface ReadoutProps extends Pick<ChartProps, "x" | "series" | "y"> {
  /** Index of the values to show; null if the cursor is before the first. */
  readonly at: number | null;
  /** Whether the cursor is on a step; otherwise the last values are shown. */
  readonly pointed: boolean;
  readonly showStep: boolean;
}

function ChartReadout({ x, series, y: { format }, at, pointed, showStep }: ReadoutProps): JSX.Element {
  return (
    <div className={css.readout}>
      {at !== null && showStep && (
        <span>
          {CHART.step} {x.at(at)}
        </span>
      )}
      {series.map(({ label, color, values, smooth, dash }, index) => {
        const [value, average] = [values, smooth].map((list) =>
          list === undefined ? null : pointed ? (at === null ? null : (list.at(at) ?? null)) : lastOf(list),
        );
        return (
          <span key={`${index} ${label}`} className={css.readoutItem}>
            <span
              className={css.swatch}
              style={{ borderColor: `var(${color})`, ...(dash ? { borderTopStyle: "dashed" } : {}) }}
            />
            {series.length > 1 && label} {value == null ? CHART.none : format(value)}
            {average != null && <span className={css.average}>{CHART.average(format(average))}</span>}
          </span>
        );
      })}
    </div>
  );
}

function describe({ title, unit, x, series, y: { format } }: ChartProps): string {
  const parts = series.map(({ label, values }) => {
    const last = lastOf(values);
    const first = firstOf(values);
    return last === null || first === null ? CHART.noValues(label) : CHART.range(label, format(first), format(last));
  });
  return CHART.label(title, unit ?? "", x.length, parts);
}
