// Sum of squares in two levels, in a fixed order (the same bits in every run).
//
//   squares   partial[offset + g] = Σ x_i² over the 4096 floats of workgroup g
//   finish    result[slot] = Σ partial, by one workgroup
//
// Memory rule: partial and result[slot] are assigned (=).

import package::common::grid::{Grid, groupIndex};
import package::common::reduction::treeSum;
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // [count]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;  // [workgroups of all ranges]
@group(0) @binding(3) var<storage, read_write> result: array<f32>;   // stats

@compute @workgroup_size(64)
fn squares(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let flat = groupIndex(grid);
  if (flat >= (params.count + 4095u) / 4096u) { return; }
  var sum = 0.0;
  for (var i = flat * 4096u + local; i < min((flat + 1u) * 4096u, params.count); i += 64u) { sum += x[i] * x[i]; }
  let all = treeSum(local, sum);
  if (local == 0u) { partial[params.offset + flat] = all; }
}

@compute @workgroup_size(64)
fn finish(grid: Grid, @builtin(local_invocation_index) local: u32) {
  if (groupIndex(grid) > 0u) { return; }
  var sum = 0.0;
  for (var i = local; i < params.count; i += 64u) { sum += partial[i]; }
  let all = treeSum(local, sum);
  if (local == 0u) { result[params.slot] = all; }
}
