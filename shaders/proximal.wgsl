// The proximal term of alternating methods: P = ½ ‖w - anchor‖² over all adapter tensors, gradient w - anchor.
//
//   pull        gradients += lambda · active · (w - anchor), a range of the flat buffers
//   distance    stats[16 + module] = active · ½ ‖w - anchor‖² of every module's window, each by one workgroup in a
//               fixed order
//   total       stats[1] = Σ over modules
//
// `state[0]` is 1 in steps where the term counts, else 0. Padding is zero in both buffers and adds nothing. Where the
// flat buffers exceed one binding, `pull` and `distance` run range by range; a module that lies in two ranges gets the
// sum of both.
// Memory rule: gradients are accumulated (+=); stats are assigned (=) by the first range and accumulated by further
// ones.

import package::common::grid::{Grid, groupIndex};
import package::common::reduction::treeSum;
import host::{Params, STATS_MODULES, STATS_PENALTY};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<f32>;        // [1]
@group(0) @binding(2) var<storage, read> values: array<f32>;       // [count], as anchor and gradients
@group(0) @binding(3) var<storage, read> anchor: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<f32>;  // engine/batchScalars.ts
// Of each module: where its window of the flat buffers begins and ends, floats.
@group(0) @binding(6) var<storage, read> windows: array<vec2u>;

@compute @workgroup_size(64)
fn pull(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  if (i < params.count) { gradients[i] += params.lambda * state[0] * (values[i] - anchor[i]); }
}

@compute @workgroup_size(64)
fn distance(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let z = groupIndex(grid);
  if (z >= params.modules) { return; }
  let end = min(windows[z].y, params.first + params.count);
  var sum = 0.0;
  for (var i = max(windows[z].x, params.first) + local; i < end; i += 64u) {
    let d = values[i - params.first] - anchor[i - params.first];
    sum += d * d;
  }
  let all = treeSum(local, sum);
  if (local == 0u) {
    let before = select(stats[STATS_MODULES + z], 0.0, params.first == 0u);
    stats[STATS_MODULES + z] = before + 0.5 * state[0] * all;
  }
}

@compute @workgroup_size(64)
fn total(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < params.modules; i += 64u) { sum += stats[STATS_MODULES + i]; }
  let all = treeSum(local, sum);
  if (local == 0u) { stats[STATS_PENALTY] = all; }
}
