// y += x, element by element (y already holds the other summand).
//
// Memory rule: y is updated in place; x and y are different buffers.

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // [count]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // [count]

@compute @workgroup_size(256)
fn add(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let first = groupIndex(grid) * 1024u + local;
  for (var i = first; i < min(first + 1024u, params.count); i += 256u) { y[i] += x[i]; }
}
