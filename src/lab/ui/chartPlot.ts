/** @file uPlot's data and options: columns, scales, axes, lines, and the behaviour of the pointer. */
import uPlot from "uplot";
import type { ChartProps, ChartSeries } from "./chartSeries.ts";
import { indexAt, type ChartCursorStore, type StepRange } from "./chartCursor.ts";
import { extremesIn, type Values } from "./longValues.ts";

/** Number of spans of a long series; the lowest and the highest value of each line are drawn in each span. */
const SPANS = 600;

/**
 * The columns of the plot: x, then the values of each series and its smoothed line, if any. Only steps in view, and of
 * many steps only the extremes, so that no peak or dip is lost and the cost does not grow with the length of the run.
 */
export function plotData(
  x: Values,
  series: ChartProps["series"],
  log: boolean,
  view: StepRange | null,
): uPlot.AlignedData {
  const lines = series.flatMap(({ values, smooth }) => (smooth === undefined ? [values] : [values, smooth]));
  const from = view === null ? 0 : Math.max(0, indexAt(x, view[0]) ?? 0);
  const to = view === null ? x.length : Math.min(x.length, (indexAt(x, view[1]) ?? -1) + 2);
  const places = extremes(lines, from, to);
  const shown = (value: number | null | undefined): number | null =>
    value == null || (log && value <= 0) ? null : value;
  return [places.map((at) => x.at(at) ?? 0), ...lines.map((line) => places.map((at) => shown(line.at(at))))];
}

/** Indices in [from, to) to draw, ascending. */
function extremes(lines: readonly Values[], from: number, to: number): number[] {
  const count = Math.max(0, to - from);
  if (count <= 4 * SPANS) return Array.from({ length: count }, (_, i) => from + i);
  const places = new Set<number>([from, to - 1]);
  for (const line of lines) {
    for (let span = 0; span < SPANS; span += 1) {
      const start = from + Math.floor((span * count) / SPANS);
      const found = extremesIn(line, start, from + Math.floor(((span + 1) * count) / SPANS));
      if (found !== null) places.add(found.low).add(found.high);
    }
  }
  return [...places].sort((a, b) => a - b);
}

/** Opacity of the values behind their smoothed line. */
const FAINT = 0.28;

/** @param current the current props; `props` only determines the shape of the plot */
export function plotOptions(
  props: ChartProps,
  current: () => ChartProps,
  width: number,
  cursor: ChartCursorStore,
): uPlot.Options {
  const { series, height = 168 } = props;
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 10, 0, 0],
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      y: false,
      bind: {
        dblclick: () => () => showAll(cursor),
        mousemove: (u, _, moveTo) => (event) => (hovers(u, event, cursor) ? moveTo(event) : null),
        mouseleave: (_, __, leave) => (event) => (cursor.getState().hover(null, event) ? leave(event) : null),
      },
    },
    scales: { x: { time: false, range: () => xRange(current(), cursor) }, y: yScale(props) },
    axes: axes(props, style),
    series: [{}, ...series.flatMap((one) => lines(one, color(one.color)))],
    hooks: {
      setSelect: [(u) => zoom(u, cursor)],
      draw: [(u) => drawIntervals(u, current(), color)],
    },
  };
}

function axes({ y: { log = false } }: ChartProps, style: CSSStyleDeclaration): uPlot.Axis[] {
  // The canvas is in pixels; its text follows the page's font size (larger in presentation mode).
  const larger = Number.parseFloat(style.fontSize) / 16;
  const font = `${11 * larger}px ${style.getPropertyValue("--sans")}`;
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const axis = { font, stroke: color("--ink-3"), ticks: { show: false }, grid: { stroke: color("--line"), width: 1 } };
  return [
    {
      ...axis,
      size: 26 * larger,
      space: 56 * larger,
      incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000, 20_000, 50_000, 100_000],
    },
    {
      ...axis,
      size: 52 * larger,
      space: 32 * larger,
      ...(log
        ? {
            splits: (_: uPlot, __: number, low: number, high: number) => logTicks(low, high),
            filter: (_: uPlot, splits: number[]) => splits,
          }
        : {}),
      values: (_, splits) => splits.map((value) => (value === null ? "" : tick(value))),
    },
  ];
}

/** The line of a series; if it is smoothed, its values faintly behind the smoothed line. */
function lines({ label, dash, points, smooth }: ChartSeries, stroke: string): uPlot.Series[] {
  const line: uPlot.Series = {
    label,
    stroke,
    width: 1.6,
    spanGaps: true,
    ...(dash ? { dash: [...dash] } : {}),
    points: points ? { show: true, size: 7, stroke, fill: stroke } : { show: (u: uPlot) => u.data[0].length === 1 },
  };
  if (smooth === undefined) return [line];
  return [
    { ...line, width: 1, alpha: FAINT },
    { ...line, label: `${label}, smoothed` },
  ];
}

/** The step nearest to the pointer goes to all charts that share the cursor. */
function hovers(u: uPlot, event: MouseEvent, cursor: ChartCursorStore): boolean {
  const left = event.clientX - u.over.getBoundingClientRect().left;
  return cursor.getState().hover(u.data[0][u.posToIdx(left)] ?? null, event);
}

function showAll(cursor: ChartCursorStore): null {
  cursor.getState().zoomTo(null);
  return null;
}

/** The dragged span becomes the view of all charts that share the cursor. */
function zoom(u: uPlot, cursor: ChartCursorStore): void {
  const { left, width } = u.select;
  if (width < 4) return;
  cursor.getState().zoomTo([u.posToVal(left, "x"), u.posToVal(left + width, "x")]);
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function xRange({ x, xMax }: ChartProps, cursor: ChartCursorStore): uPlot.Range.MinMax {
  const { view } = cursor.getState();
  return view === null ? [0, Math.max(x.at(-1) ?? 1, xMax ?? 1)] : [...view];
}

function yScale({ y: { range, log = false } }: ChartProps): uPlot.Scale {
  const fixed: uPlot.Range.MinMax | null = range === undefined ? null : [range[0], range[1]];
  if (log) return { distr: 3, range: fixed ?? ((_, low, high) => logRange(low, high)) };
  return { range: fixed ?? ((_, low, high) => yRange(low, high)) };
}

/** Close around the values, not rounded to powers of ten, so that a loss between 0.3 and 2 fills the chart. */
function logRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null || !(low > 0)) return [0.1, 1];
  return high > 1.05 * low ? [low / 1.15, high * 1.15] : [low / 2, high * 2];
}

/** 1, 2, 5, 10 … between the ends; only powers of ten over a wide range; even steps over a narrow one. */
export function logTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const mantissas = last - first > 4 ? [1] : [1, 2, 5];
  const every = Math.max(1, Math.ceil((last - first) / 8));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) {
    for (const mantissa of mantissas) ticks.push(Number((mantissa * 10 ** power).toPrecision(1)));
  }
  const inside = ticks.filter((value) => value >= low && value <= high);
  return inside.length >= 2 ? inside : evenTicks(low, high);
}

/** Two to five round numbers. */
function evenTicks(low: number, high: number): number[] {
  const power = 10 ** Math.floor(Math.log10(high - low));
  const step =
    [0.2, 0.5, 1, 2, 5].map((mantissa) => mantissa * power).find((size) => (high - low) / size <= 5) ?? power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(6)),
  );
}

/** From 0 if the data is close to it; 0 to 1 without data. */
function yRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, 2 * low), Math.max(0, 1.2 * high)];
  return uPlot.rangeNum(low, high, { min: { pad: 0.1, soft: 0, mode: 3 }, max: { pad: 0.08, soft: 0, mode: 2 } });
}

/** A tick's label without trailing zeros: 0.005, 150, 5e-4. */
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
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.strokeStyle = color(one.color);
    ctx.globalAlpha = 0.55;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    one.low.forEach((low, i) => {
      const [high, step] = [one.high?.[i] ?? null, x.at(i) ?? null];
      if (low === null || high === null || step === null) return;
      const at = u.valToPos(step, "x", true);
      ctx.beginPath();
      ctx.moveTo(at, u.valToPos(low, "y", true));
      ctx.lineTo(at, u.valToPos(high, "y", true));
      ctx.stroke();
    });
    ctx.restore();
  }
}
