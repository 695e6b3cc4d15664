/**
 * @file One streaming chart: uPlot behind a title line that reads out the value under the cursor, else the last one.
 *
 * Charts of one group share their cursor. The plot is made anew only when its shape changes (number of series, scheme,
 * scale); data that streams in is handed to the existing one.
 */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, type JSX } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import css from "./parts.module.css";

export interface ChartSeries {
  readonly label: string;
  /** A CSS variable such as "--asft". */
  readonly color: string;
  readonly values: readonly (number | null)[];
  readonly dash?: readonly number[];
  /** Points without a line between them where the series is sparse. */
  readonly points?: boolean;
  /** Interval of each value, drawn as a bar. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  readonly unit?: string;
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  readonly height?: number;
  readonly range?: readonly [number, number];
  /** The right end of the x axis, when it is known before the data is. */
  readonly xMax?: number;
  readonly xLabel?: string;
  /** Charts with the same group share their cursor. */
  readonly group: string;
  readonly log?: boolean;
}

export default function Chart(props: ChartProps): JSX.Element {
  const { title, unit, x, series, format, height = 168, range, xMax, xLabel = "step", group, log = false } = props;
  const scheme = useComputedColorScheme("light");
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const shape = JSON.stringify([series.map(({ label, color, dash, points }) => [label, color, dash, points]), scheme, height, range, group, log, xLabel]);
  const data = useMemo(() => [x.slice(), ...series.map(({ values }) => values.slice())] as uPlot.AlignedData, [x, series]);
  const latest = useRef({ props, data });

  useEffect(() => {
    latest.current = { props, data };
  });

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const made = new uPlot(options(latest.current.props, () => latest.current.props, element.clientWidth, setCursor), latest.current.data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: latest.current.props.height ?? 168 });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data, xMax]);

  const at = cursor !== null && cursor < x.length ? cursor : null;
  return (
    <figure className={css.chart} style={{ margin: 0 }}>
      <figcaption className={css.chartHead}>
        <h3 className={css.chartTitle}>
          {title}
          {unit !== undefined && <span className={css.chartUnit}> {unit}</span>}
        </h3>
        <div className={css.readout}>
          {at !== null && (
            <span>
              {xLabel} {x[at]}
            </span>
          )}
          {series.map(({ label, color, values, dash }, index) => {
            const value = at === null ? lastOf(values) : (values[at] ?? null);
            return (
              <span key={`${index} ${label}`} className={css.readoutItem}>
                <span className={css.swatch} style={{ borderColor: `var(${color})`, ...(dash ? { borderTopStyle: "dashed" } : {}) }} />
                {series.length > 1 && label} {value === null ? "\u2013" : format(value)}
              </span>
            );
          })}
        </div>
      </figcaption>
      <div ref={host} className={css.plot} style={{ height }} role="img" aria-label={describe(props)} />
    </figure>
  );
}

function options(props: ChartProps, current: () => ChartProps, width: number, onCursor: (index: number | null) => void): uPlot.Options {
  const { series, height = 168, range, group, log = false } = props;
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.getPropertyValue("--sans")}`;
  const axis = { font, stroke: color("--ink-3"), ticks: { show: false }, grid: { stroke: color("--line"), width: 1 } };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 10, 0, 0],
    cursor: { sync: { key: group, setSeries: false }, drag: { x: true, y: false }, points: { size: 6 }, y: false },
    scales: {
      x: { time: false, range: () => [0, Math.max(current().x.at(-1) ?? 1, current().xMax ?? 1)] },
      y: log ? { distr: 3, ...(range === undefined ? {} : { range: [range[0], range[1]] as uPlot.Range.MinMax }) } : range === undefined ? { range: (_, low, high) => yRange(low, high) } : { range: [range[0], range[1]] },
    },
    axes: [
      { ...axis, size: 26, space: 56, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000] },
      { ...axis, size: 52, space: 32, values: (_, splits) => splits.map((value) => (value === null ? "" : tick(value))) },
    ],
    series: [
      {},
      ...series.map((one): uPlot.Series => {
        const stroke = color(one.color);
        return {
          label: one.label,
          stroke,
          width: 1.6,
          spanGaps: true,
          ...(one.dash ? { dash: [...one.dash] } : {}),
          points: one.points ? { show: true, size: 7, stroke, fill: stroke } : { show: (u: uPlot) => u.data[0].length === 1 },
        };
      }),
    ],
    hooks: {
      setCursor: [(u) => onCursor(u.cursor.idx ?? null)],
      draw: [(u) => drawIntervals(u, current(), color)],
    },
  };
}

/** From 0 where the data is not far from it; a frame of 0 to 1 while there is none. */
function yRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, 2 * low), Math.max(0, 1.2 * high)];
  return uPlot.rangeNum(low, high, { min: { pad: 0.1, soft: 0, mode: 3 }, max: { pad: 0.08, soft: 0, mode: 2 } });
}

/** A tick's number without trailing zeros: 0.005, 150, 5e-4. */
function tick(value: number): string {
  const rounded = Number(value.toPrecision(6));
  const size = Math.abs(rounded);
  return rounded !== 0 && (size < 1e-3 || size >= 1e5) ? rounded.toExponential().replace("e+", "e") : String(rounded);
}

function drawIntervals(u: uPlot, { x, series }: ChartProps, color: (name: string) => string): void {
  const { ctx } = u;
  for (const one of series) {
    if (one.low === undefined || one.high === undefined) continue;
    ctx.save();
    ctx.strokeStyle = color(one.color);
    ctx.globalAlpha = 0.55;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    x.forEach((step, i) => {
      const [low, high] = [one.low?.[i] ?? null, one.high?.[i] ?? null];
      if (low === null || high === null) return;
      const at = u.valToPos(step, "x", true);
      ctx.beginPath();
      ctx.moveTo(at, u.valToPos(low, "y", true));
      ctx.lineTo(at, u.valToPos(high, "y", true));
      ctx.stroke();
    });
    ctx.restore();
  }
}

function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

function describe({ title, unit, x, series, format }: ChartProps): string {
  const parts = series.map(({ label, values }) => {
    const last = lastOf(values);
    const first = values.find((value) => value !== null) ?? null;
    return last === null || first === null ? `${label}: no values yet` : `${label}: from ${format(first)} to ${format(last)}`;
  });
  return `${title}${unit === undefined ? "" : ` (${unit})`}, ${x.length} points. ${parts.join("; ")}`;
}
