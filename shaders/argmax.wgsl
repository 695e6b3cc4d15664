// y[i] = index of the largest x[i,:]; of equal ones the lowest. One workgroup per row; `argmaxRow`, for software
// adapters: one invocation, because barriers cost them dearly.
//
// Memory rule: y is assigned (=).

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // [rows, width]
@group(0) @binding(2) var<storage, read_write> y: array<u32>;  // [rows]

var<workgroup> best: array<f32, 256>;
var<workgroup> place: array<u32, 256>;

@compute @workgroup_size(256)
fn argmax(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid);
  if (row >= params.rows) { return; }
  // An invocation without a column keeps a place beyond the row and loses every tie.
  var value = -3.4028234e38;
  var at = params.width;
  for (var i = local; i < params.width; i += 256u) {
    let v = x[row * params.width + i];
    if (v > value || at == params.width) { value = v; at = i; }
  }
  best[local] = value;
  place[local] = at;
  workgroupBarrier();
  for (var half = 128u; half > 0u; half >>= 1u) {
    if (local < half) {
      let v = best[local + half];
      let p = place[local + half];
      let first = place[local] >= params.width;
      if (p < params.width && (first || v > best[local] || (v == best[local] && p < place[local]))) {
        best[local] = v;
        place[local] = p;
      }
    }
    workgroupBarrier();
  }
  if (local == 0u) { y[row] = place[0]; }
}

@compute @workgroup_size(8)
fn argmaxRow(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid) * 8u + local;
  if (row >= params.rows) { return; }
  let begin = row * params.width;
  var value = x[begin];
  var at = 0u;
  for (var i = 1u; i < params.width; i++) {
    let v = x[begin + i];
    if (v > value) { value = v; at = i; }
  }
  y[row] = at;
}
