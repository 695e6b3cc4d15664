/**
 * @file Dispatches of shaders/rows.wgsl: gather selected rows, scatter them back, clear. Both sides may be bound in
 * parts.
 */

import type { Encoder } from "../encoder.ts";
import { rowsFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";

/** y[i,:] = x[rows[i],:] */
export function encodeGather(encoder: Encoder, x: Tensor, rows: Tensor, y: Tensor): void {
  const width = x.shape[1] ?? 1;
  for (const selected of encoder.ranges(y)) {
    for (const source of encoder.ranges(x)) {
      encoder.dispatch({
        family: rowsFamily,
        entry: "gather",
        bindings: { x: encoder.rows(x, source), rows: encoder.whole(rows), y: encoder.rows(y, selected) },
        params: {
          selected: selected.rows,
          width,
          first: source.row,
          count: source.rows,
          offset: selected.row,
          useTargets: 0,
        },
        groups: (selected.rows * width) / 256,
      });
    }
  }
}

/** y = 0, then y[rows[i],:] = x[i,:] except where targets[i] is IGNORED_TARGET. */
export function encodeScatter(encoder: Encoder, x: Tensor, rows: Tensor, targets: Tensor | undefined, y: Tensor): void {
  const width = y.shape[1] ?? 1;
  for (const part of encoder.ranges(y)) {
    const view = encoder.rows(y, part);
    const common = { width, first: part.row, count: part.rows };
    encoder.dispatch({
      family: rowsFamily,
      entry: "zero",
      bindings: { y: view },
      params: { ...common, selected: 0, offset: 0, useTargets: 0 },
      groups: (part.rows * width) / 256,
    });
    for (const selected of encoder.ranges(x)) {
      encoder.dispatch({
        family: rowsFamily,
        entry: "scatter",
        bindings: {
          x: encoder.rows(x, selected),
          rows: encoder.whole(rows),
          targets: targets && encoder.whole(targets),
          y: view,
        },
        params: { ...common, selected: selected.rows, offset: selected.row, useTargets: targets ? 1 : 0 },
        groups: (selected.rows * width) / 256,
      });
    }
  }
}
