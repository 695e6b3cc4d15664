/** @file The data and settings of a chart. */
import type { ChartCursorStore } from "./chartCursor.ts";
import type { Values } from "./longValues.ts";

export interface ChartSeries {
  readonly label: string;
  /** A CSS variable such as "--asft". */
  readonly color: string;
  readonly values: Values;
  /** Smoothed values; the original values are drawn faintly behind them. */
  readonly smooth?: Values;
  readonly dash?: readonly number[];
  /** Draw points, for sparse series. */
  readonly points?: boolean;
  /** Interval of each value, drawn as a vertical bar. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

export interface ValueAxis {
  readonly format: (value: number) => string;
  /** Ends of the axis; absent: those of the values. */
  readonly range?: readonly [number, number];
  /** Logarithmic; values that are not positive are left out. */
  readonly log?: boolean;
}

export interface ChartProps {
  readonly title: string;
  readonly unit?: string;
  /** Steps, ascending. */
  readonly x: Values;
  readonly series: readonly ChartSeries[];
  readonly y: ValueAxis;
  readonly height?: number;
  /** Right end of the x axis, if it is known before the data. */
  readonly xMax?: number;
  /** Shared with other charts; absent: a cursor of its own. */
  readonly cursor?: ChartCursorStore;
}
