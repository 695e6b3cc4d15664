// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) in the order of operations of torch.optim.AdamW, with gradient
// clipping as torch.nn.utils.clip_grad_norm_ does it:
//
//   g  = gradient · min(1, limit / (‖gradient‖ + 1e-6))        only when CLIP
//   w  = w · (1 − lr · decay)
//   m += (1 − β1)(g − m)        v = β2 v + (1 − β2) g²
//   w −= lr / (1 − β1^t) · m / (sqrt(v) / sqrt(1 − β2^t) + eps)
//
// `scalars` (engine/optimiser.ts):
//   [0] 1 − lr·decay   [1] lr/(1 − β1^t)   [2] 1 − β1   [3] β2   [4] 1 − β2   [5] sqrt(1 − β2^t)   [6] eps   [7] limit
// `stats[slot]` is the squared norm of the whole gradient. Memory rule: w, m and v are updated in place, the gradient
// is read.

import package::common::grid::{Grid, groupIndex};
import host::Params;

const CLIP: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;   // see above
@group(0) @binding(2) var<storage, read> stats: array<f32>;     // engine/batchScalars.ts
@group(0) @binding(3) var<storage, read> gradient: array<f32>;  // [count], as w, m and v
@group(0) @binding(4) var<storage, read_write> w: array<f32>;
@group(0) @binding(5) var<storage, read_write> m: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(256)
fn adamw(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.count) { return; }
  // A gradient that is not finite (tested by its bits: compilers may assume that NaN does not occur) changes nothing,
  // so that the adapter from before a diverging step is still there.
  if ((bitcast<u32>(stats[params.slot]) & 0x7f800000u) == 0x7f800000u) { return; }
  var g = gradient[i];
  if (CLIP) { g *= min(1.0, scalars[7] / (sqrt(stats[params.slot]) + 1.0e-6)); }
  let first = m[i] + scalars[2] * (g - m[i]);
  let second = v[i] * scalars[3] + scalars[4] * g * g;
  m[i] = first;
  v[i] = second;
  w[i] = w[i] * scalars[0] - scalars[1] * (first / (sqrt(second) / scalars[5] + scalars[6]));
}
