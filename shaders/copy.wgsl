// y = x, word by word.

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;        // [count]
@group(0) @binding(2) var<storage, read_write> y: array<u32>;  // [count]

@compute @workgroup_size(256)
fn copy(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count) { y[i] = x[i]; }
}
