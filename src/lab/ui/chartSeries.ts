/** @file What a chart draws. */
import type { ChartCursorStore } from "./chartCursor.ts";

export interface ChartSeries {
  readonly label: string;
  /** A CSS variable such as "--asft". */
  readonly color: string;
  readonly values: readonly (number | null)[];
  /** Drawn instead of the values, which stay faintly behind. */
  readonly smooth?: readonly (number | null)[];
  readonly dash?: readonly number[];
  /** Points without a line between them where the series is sparse. */
  readonly points?: boolean;
  /** Interval of each value, drawn as a bar. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

export interface ValueAxis {
  readonly format: (value: number) => string;
  /** By default that of the values. */
  readonly range?: readonly [number, number];
  /** Values that are not positive have no place on a logarithmic scale and are left out. */
  readonly log?: boolean;
}

export interface ChartProps {
  readonly title: string;
  readonly unit?: string;
  /** Ascending. */
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly y: ValueAxis;
  readonly height?: number;
  /** The right end of the x axis, when it is known before the data is. */
  readonly xMax?: number;
  /** Shared with other charts; one of its own where absent. */
  readonly cursor?: ChartCursorStore;
}
