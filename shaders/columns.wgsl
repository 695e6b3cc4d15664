// A slice of columns and its gradient; x and ∂x are [rows, width], y and ∂y are [rows, count].
//
//   take   y[t,i] = x[t, first + i]
//   put    ∂x[t, first + i] = ∂y[t,i], zero in the other columns
//   join   ∂x[t, first + i] += ∂y[t,i], the other columns as they are
//
// Memory rule: `take` and `put` assign (=), `join` accumulates (+=).

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // [rows, width]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;   // [rows, count]
@group(0) @binding(3) var<storage, read> dy: array<f32>;        // [rows, count]
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;  // [rows, width]

@compute @workgroup_size(256)
fn take(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.rows * params.count) { return; }
  y[i] = x[i / params.count * params.width + params.first + i % params.count];
}

@compute @workgroup_size(256)
fn put(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.rows * params.width) { return; }
  // Columns left of the slice wrap around to large numbers.
  let column = i % params.width - params.first;
  if (column < params.count) { dx[i] = dy[i / params.width * params.count + column]; } else { dx[i] = 0.0; }
}

@compute @workgroup_size(256)
fn join(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.rows * params.count) { return; }
  dx[i / params.count * params.width + params.first + i % params.count] += dy[i];
}
