// Selected rows of a matrix.
//
//   gather    y[i,:] = x[rows[i],:]
//   scatter   y[rows[i],:] = x[i,:], except where targets[i] is IGNORED_TARGET
//   zero      y = 0
//
// Memory rule: outputs are assigned (=). The many-rowed side may be bound in parts: only rows inside [first, first +
// count) of it are touched. `scatter` needs distinct rows (apart from ignored ones).

import package::common::grid::{Grid, groupIndex};
import host::{Params, IGNORED_TARGET};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // gather: [count, width]; scatter: [selected, width]
@group(0) @binding(2) var<storage, read> rows: array<u32>;     // entries
@group(0) @binding(3) var<storage, read> targets: array<u32>;  // entries
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // gather: [selected, width]; else [count, width]

@compute @workgroup_size(256)
fn gather(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.selected * params.width) { return; }
  let row = rows[params.offset + i / params.width] - params.first;
  if (row < params.count) { y[i] = x[row * params.width + i % params.width]; }
}

@compute @workgroup_size(256)
fn scatter(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.selected * params.width) { return; }
  let entry = params.offset + i / params.width;
  if (params.useTargets != 0u && targets[entry] == IGNORED_TARGET) { return; }
  let row = rows[entry] - params.first;
  if (row < params.count) { y[row * params.width + i % params.width] = x[i]; }
}

@compute @workgroup_size(256)
fn zero(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count * params.width) { y[i] = 0.0; }
}
