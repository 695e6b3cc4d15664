// Soft-capping (common/softcap.wgsl), element by element in place:
//
//   softcap    y = cap · tanh(x / cap)
//   backward   ∂x = ∂y · (1 − (y / cap)²)
//
// Memory rule: y holds x on entry and is replaced; dx holds ∂y on entry and is replaced.

import package::common::grid::{Grid, groupIndex};
import package::common::softcap::{softcapped, softcapSlope};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;   // [count]
@group(0) @binding(2) var<storage, read> value: array<f32>;     // y, for `backward`
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // [count]

@compute @workgroup_size(256)
fn softcap(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count) { y[i] = softcapped(y[i], params.cap); }
}

@compute @workgroup_size(256)
fn backward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count) { dx[i] *= softcapSlope(value[i], params.cap); }
}
