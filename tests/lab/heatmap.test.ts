/** @file The heatmap of the modules: rows, columns, colours, table, CSV. */
import { describe, expect, it } from "vitest";
import type { ModuleRecord } from "../../src/experiment/run/observations.ts";
import {
  columnAt,
  columnSpans,
  colourScale,
  heatmapCsv,
  heatmapPixels,
  heatmapRows,
  shareOf,
  spreadColumns,
  valueAt,
  viridis,
} from "../../src/lab/run/heatmap/heatmap.ts";

const paths = [
  "model.layers.0.self_attn.q_proj",
  "model.layers.0.self_attn.v_proj",
  "model.layers.10.self_attn.q_proj",
  "model.layers.2.self_attn.q_proj",
  "lm_head",
];
const record: ModuleRecord = {
  quantity: "penalty",
  paths,
  columns: [
    { step: 5, values: [0, 0, 0, 0, 0] },
    { step: 10, values: [1, 2, 3, 4, 0.001] },
    { step: 12, values: [2, 2, 2, 8, 0.5] },
  ],
};

describe("the heatmap", () => {
  it("puts rows of one kind together, by layer", () => {
    expect(heatmapRows(paths).map(({ kind, layer, first }) => [kind, layer, first])).toEqual([
      ["q_proj", 0, true],
      ["q_proj", 2, false],
      ["q_proj", 10, false],
      ["v_proj", 0, true],
      ["lm_head", null, true],
    ]);
  });

  it("scales from 0 to the largest value, or over at most four powers of ten", () => {
    expect(colourScale(record, false)).toEqual({ low: 0, high: 8, logarithmic: false });
    expect(colourScale(record, true)).toEqual({ low: 0.001, high: 8, logarithmic: true });
    expect(colourScale({ ...record, columns: [{ step: 1, values: [1e-9, 1] }] }, true)?.low).toBeCloseTo(1e-4, 12);
    expect(colourScale({ ...record, columns: record.columns.slice(0, 1) }, true)).toBeNull();
    for (const logarithmic of [false, true]) {
      const scale = colourScale(record, logarithmic);
      if (scale === null) throw new Error("no scale");
      for (const share of [0, 0.3, 1]) expect(shareOf(valueAt(share, scale), scale)).toBeCloseTo(share, 12);
      expect(shareOf(0, scale)).toBe(0);
    }
  });

  it("has colours whose lightness rises evenly", () => {
    const light = Array.from({ length: 50 }, (_, i) => viridis(i / 49)).map(
      ([r, g, b]) => 0.2126 * (r / 255) ** 2.2 + 0.7152 * (g / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2,
    );
    light.slice(1).forEach((value, i) => expect(value).toBeGreaterThan((light[i] ?? 0) - 1e-9));
    expect(viridis(0)).toEqual([68, 1, 84]);
    expect(viridis(1)).toEqual([253, 231, 37]);
  });

  it("draws a pixel a cell, in the order of the rows", () => {
    const pixels = heatmapPixels(record, heatmapRows(paths), colourScale(record, false));
    expect(pixels).toHaveLength(4 * 5 * 3);
    // Second row (layer 2's q_proj), last column: the largest value.
    expect([...pixels.subarray(4 * (1 * 3 + 2), 4 * (1 * 3 + 2) + 4)]).toEqual([253, 231, 37, 255]);
  });

  it("knows which column a step belongs to", () => {
    expect(columnSpans(record)).toEqual([
      [0, 5],
      [5, 10],
      [10, 12],
    ]);
    expect([0, 5, 6, 10, 12, 99].map((step) => columnAt(record, step))).toEqual([0, 0, 1, 1, 2, 2]);
    expect(columnAt({ columns: [] }, 3)).toBeNull();
  });

  it("spreads columns for a table and writes all of them to CSV", async () => {
    expect(spreadColumns(record, 7)).toEqual([0, 1, 2]);
    expect(spreadColumns({ columns: Array.from({ length: 200 }, (_, step) => ({ step, values: [] })) }, 5)).toEqual([
      0, 50, 100, 149, 199,
    ]);
    expect((await heatmapCsv(record)).split("\r\n").slice(0, 2)).toEqual([
      "module,step 5,step 10,step 12",
      "model.layers.0.self_attn.q_proj,0,1,2",
    ]);
  });
});
