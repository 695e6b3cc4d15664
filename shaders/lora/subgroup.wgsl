// The skinny products of lora.wgsl on a processor that plays a GPU and computes four invocations side by side (matmul_subgroup.wgsl
// says why). This text follows that of lora.wgsl in one module and shares its parameters, dropout and memory rule (h is assigned,
// a parameter's gradient is added to).
//
// An invocation owns 8 ranks of 4 rows (down) or 4 columns (reduce), as there. The small side is the same for all four invocations
// of a subgroup, which each load a quarter of it and take the rest from their neighbours' registers (quadBroadcast).
// Needs VEC and subgroups of exactly four; DOWN_THREADS and REDUCE_THREADS are multiples of four.

import package::common::grid::{Grid, groupIndex};
import package::lora::skinny::{TRANSPOSED, DROPOUT, DOWN_THREADS, REDUCE_THREADS, params, z4, s4, h};
import package::lora::skinny::{dropMask4, dropped4, ranks4, vectorOf, componentOf, addGradient};

enable subgroups;
// Which invocations are active is uniform in a subgroup by the layout, which WGSL's analysis, being one of whole workgroups, cannot see.
diagnostic(off, subgroup_uniformity);

@compute @workgroup_size(DOWN_THREADS)
fn down(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let flat = groupIndex(grid) * DOWN_THREADS + local;
  // Blocks of four rows, four to a subgroup, so that the whole subgroup has the same ranks.
  let blocks = ((params.rows + 15u) / 16u) * 4u;
  let t = (flat % blocks) * 4u;
  let j = (flat / blocks) * 8u;
  if (j >= params.rank) { return; }
  let lastRow = params.rows - 1u;
  let lastRank = params.rank - 1u;
  let quarter = params.width >> 2u;
  let t0 = min(t, lastRow) * quarter;
  let t1 = min(t + 1u, lastRow) * quarter;
  let t2 = min(t + 2u, lastRow) * quarter;
  let t3 = min(t + 3u, lastRow) * quarter;
  let low0 = min(j + lane, lastRank) * quarter;
  let high0 = min(j + 4u + lane, lastRank) * quarter;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
  for (var k = 0u; k < quarter; k++) {
    var v0 = z4[t0 + k];
    var v1 = z4[t1 + k];
    var v2 = z4[t2 + k];
    var v3 = z4[t3 + k];
    if (DROPOUT) {
      v0 *= dropMask4(t0 + k);
      v1 *= dropMask4(t1 + k);
      v2 *= dropMask4(t2 + k);
      v3 *= dropMask4(t3 + k);
    }
    if (TRANSPOSED) {
      // Rows 4 k .. 4 k + 3 of B, one of them loaded here.
      let low = ranks4(4u * k + lane, j);
      let high = ranks4(4u * k + lane, j + 4u);
      var v = vec4f(v0.x, v1.x, v2.x, v3.x);
      var f = quadBroadcast(low, 0u);
      a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
      f = quadBroadcast(high, 0u);
      a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
      v = vec4f(v0.y, v1.y, v2.y, v3.y);
      f = quadBroadcast(low, 1u);
      a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
      f = quadBroadcast(high, 1u);
      a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
      v = vec4f(v0.z, v1.z, v2.z, v3.z);
      f = quadBroadcast(low, 2u);
      a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
      f = quadBroadcast(high, 2u);
      a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
      v = vec4f(v0.w, v1.w, v2.w, v3.w);
      f = quadBroadcast(low, 3u);
      a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
      f = quadBroadcast(high, 3u);
      a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
    } else {
      // Quad k of rows j .. j + 7 of A, two of them loaded here.
      let low = s4[low0 + k];
      let high = s4[high0 + k];
      var f = quadBroadcast(low, 0u);
      a0 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(low, 1u);
      a1 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(low, 2u);
      a2 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(low, 3u);
      a3 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(high, 0u);
      a4 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(high, 1u);
      a5 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(high, 2u);
      a6 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = quadBroadcast(high, 3u);
      a7 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
    }
  }
  let endRank = min(j + 8u, params.rank);
  let endRow = min(t + 4u, params.rows);
  for (var rank = j; rank < endRank; rank++) {
    let i = rank - j;
    let sum = select(vectorOf(i, a0, a1, a2, a3), vectorOf(i - 4u, a4, a5, a6, a7), i >= 4u);
    for (var row = t; row < endRow; row++) { h[row * params.rank + rank] = componentOf(row - t, sum) * params.scale; }
  }
}

@compute @workgroup_size(REDUCE_THREADS)
fn reduce(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let columnGroups = (((params.width + 3u) / 4u) + REDUCE_THREADS - 1u) / REDUCE_THREADS;
  let flat = groupIndex(grid);
  let d = ((flat % columnGroups) * REDUCE_THREADS + local) * 4u;
  let j = (flat / columnGroups) * 8u;
  if (j >= params.rank) { return; }
  let column = min(d, params.width - 4u);
  let last = params.rows - 1u;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
  for (var t = 0u; t < params.rows; t += 4u) {
    // Rows beyond the last weigh nothing.
    let inside = f32(t + lane < params.rows);
    let low = inside * ranks4(min(t + lane, last), j);
    let high = inside * ranks4(min(t + lane, last), j + 4u);
    var v = dropped4(t, column);
    var f = quadBroadcast(low, 0u);
    a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
    f = quadBroadcast(high, 0u);
    a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
    v = dropped4(min(t + 1u, last), column);
    f = quadBroadcast(low, 1u);
    a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
    f = quadBroadcast(high, 1u);
    a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
    v = dropped4(min(t + 2u, last), column);
    f = quadBroadcast(low, 2u);
    a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
    f = quadBroadcast(high, 2u);
    a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
    v = dropped4(min(t + 3u, last), column);
    f = quadBroadcast(low, 3u);
    a0 += v * f.x; a1 += v * f.y; a2 += v * f.z; a3 += v * f.w;
    f = quadBroadcast(high, 3u);
    a4 += v * f.x; a5 += v * f.y; a6 += v * f.z; a7 += v * f.w;
  }
  let endRank = min(j + 8u, params.rank);
  let endColumn = min(d + 4u, params.width);
  for (var rank = j; rank < endRank; rank++) {
    let i = rank - j;
    let sum = select(vectorOf(i, a0, a1, a2, a3), vectorOf(i - 4u, a4, a5, a6, a7), i >= 4u);
    for (var c = d; c < endColumn; c++) { addGradient(rank, c, componentOf(c - d, sum)); }
  }
}
