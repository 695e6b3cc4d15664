// Rotary position embedding (Su et al. 2021, arXiv 2104.09864) in Hugging Face's pairing: within a head, element i
// turns with element i + headDim/2 by the angle of row positions[t] of `table` (headDim/2 cosines, then headDim/2
// sines).
//
//   y_i        = x_i · cos − direction · x_{i+h} · sin
//   y_{i+h}    = x_{i+h} · cos + direction · x_i · sin          h = headDim / 2; direction −1: the reverse pass
//
// Memory rule: y is updated in place. A position beyond the table takes its last row.

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;      // [positions, 2 half]
@group(0) @binding(2) var<storage, read> positions: array<u32>;  // [tokens]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;    // [tokens, heads, 2 half]

@compute @workgroup_size(256)
fn rotary(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let pair = groupIndex(grid) * 256u + local;
  if (pair >= params.tokens * params.heads * params.half) { return; }
  let i = pair % params.half;
  let head = pair / params.half;   // t · heads + h
  let position = min(positions[head / params.heads], params.positions - 1u);
  let angle = position * 2u * params.half + i;
  let c = table[angle];
  let s = params.direction * table[angle + params.half];
  let at = head * 2u * params.half + i;
  let a = y[at];
  let b = y[at + params.half];
  y[at] = a * c - b * s;
  y[at + params.half] = b * c + a * s;
}
