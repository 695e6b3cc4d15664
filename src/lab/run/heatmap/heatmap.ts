/**
 * @file The figures of each module as a heatmap: rows by kind of matrix and layer, columns by step, and a colour scale.
 * Pure.
 *
 * Colours are viridis (van der Walt and Smith, 2015): lightness rises evenly, so that it reads with any colour vision,
 * in print, and on both schemes.
 */
import type { ModuleRecord } from "../../../experiment/run/observations.ts";
import type { StepRange } from "../../ui/chartCursor.ts";

export interface HeatmapRow {
  /** Place in the record. */
  readonly index: number;
  readonly path: string;
  /** null for a module outside of the layers. */
  readonly layer: number | null;
  /** "q_proj". */
  readonly kind: string;
  /** The row begins a block of one kind. */
  readonly first: boolean;
}

/** Rows of one kind together, in the order in which kinds appear, each by layer. */
export function heatmapRows(paths: readonly string[]): readonly HeatmapRow[] {
  const found = paths.map((path, index) => {
    const layer = /(?:^|\.)layers\.(\d+)\./.exec(path)?.[1];
    return { index, path, layer: layer === undefined ? null : Number(layer), kind: path.split(".").at(-1) ?? path };
  });
  const kinds = [...new Set(found.map(({ kind }) => kind))];
  return kinds.flatMap((kind) =>
    found
      .filter((row) => row.kind === kind)
      .sort((a, b) => (a.layer ?? -1) - (b.layer ?? -1))
      .map((row, i) => ({ ...row, first: i === 0 })),
  );
}

export interface ColourScale {
  readonly low: number;
  readonly high: number;
  readonly logarithmic: boolean;
}

/** Logarithmic scales show at most so many powers of ten below the largest value. */
const MOST_DECADES = 4;

/**
 * From 0 (or, on a logarithmic scale, the smallest value that is shown) to the largest of all; null where all are 0.
 */
export function colourScale({ columns }: ModuleRecord, logarithmic: boolean): ColourScale | null {
  let high = 0;
  let low = Infinity;
  for (const { values } of columns) {
    for (const value of values) {
      if (value > high) high = value;
      if (value > 0 && value < low) low = value;
    }
  }
  if (high === 0) return null;
  return {
    low: logarithmic ? Math.max(low < high ? low : high / 10, high / 10 ** MOST_DECADES) : 0,
    high,
    logarithmic,
  };
}

/** Where a value stands on the scale, 0 to 1. */
export function shareOf(value: number, { low, high, logarithmic }: ColourScale): number {
  const share = logarithmic
    ? value > 0
      ? Math.log(value / low) / Math.log(high / low)
      : 0
    : (value - low) / (high - low);
  return Math.min(1, Math.max(0, share));
}

/** The value that stands at a share of the scale. */
export function valueAt(share: number, { low, high, logarithmic }: ColourScale): number {
  return logarithmic ? low * (high / low) ** share : low + share * (high - low);
}

const VIRIDIS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [109, 205, 89],
  [180, 222, 44],
  [253, 231, 37],
] as const;

/** Red, green, blue, 0 to 255. */
export function viridis(share: number): readonly [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const index = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const [left, right] = [VIRIDIS[index] ?? VIRIDIS[0], VIRIDIS[index + 1] ?? VIRIDIS[0]];
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(left[channel] + (at - index) * (right[channel] - left[channel]));
  return [mix(0), mix(1), mix(2)];
}

/** One pixel a cell, RGBA, row by row. */
export function heatmapPixels(
  { columns }: ModuleRecord,
  rows: readonly HeatmapRow[],
  scale: ColourScale | null,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * rows.length * columns.length);
  rows.forEach(({ index }, y) => {
    columns.forEach(({ values }, x) => {
      const [red, green, blue] = viridis(scale === null ? 0 : shareOf(values[index] ?? 0, scale));
      pixels.set([red, green, blue, 255], 4 * (y * columns.length + x));
    });
  });
  return pixels;
}

/** From where to where each column reaches, in steps: from the one before it to its own. */
export function columnSpans({ columns }: Pick<ModuleRecord, "columns">): readonly StepRange[] {
  return columns.map(({ step }, i) => [columns[i - 1]?.step ?? 0, step]);
}

/** The column whose span holds a step; the first or last beyond them. null without columns. */
export function columnAt({ columns }: Pick<ModuleRecord, "columns">, step: number): number | null {
  if (columns.length === 0) return null;
  const found = columns.findIndex((column) => step <= column.step);
  return found === -1 ? columns.length - 1 : found;
}

/** Columns for a table that people read: so many, evenly spread, the last among them. */
export function spreadColumns({ columns }: Pick<ModuleRecord, "columns">, most: number): readonly number[] {
  const last = columns.length - 1;
  if (last < most) return columns.map((_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * last) / (most - 1)));
}

/** All values: one line a module, one column a step. */
export async function heatmapCsv({ paths, columns }: ModuleRecord): Promise<string> {
  const { csvText } = await import("../../../base/tableText.ts");
  const rows = paths.map((module, i) => ({
    module,
    ...Object.fromEntries(columns.map(({ step, values }) => [`step ${step}`, values[i]])),
  }));
  return csvText(rows);
}
