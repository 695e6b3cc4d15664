// The skinny products of LoRA (one side has r = rank columns), with the dropout mask recomputed where it is needed.
//
//   down     h[t,j]  = scale Σ_k drop(z)[t,k] S(j,k)       z [T,width]; S is A [r,width], or B [width,r] when
//   TRANSPOSED
//   reduce   G(j,d) += scale Σ_t drop(z)[t,d] s[t,j]       z [T,width], s [T,r]; G is [r,width], or [width,r] when
//   TRANSPOSED
//
//   forward    h  = drop(x) Aᵀ              down
//   backward   ∂h = s ∂y B                  down, TRANSPOSED, no mask
//              ∂A += ∂hᵀ drop(x)            reduce
//              ∂B += s ∂yᵀ h                reduce, TRANSPOSED, no mask
//
// Dropout (common/dropout.wgsl): element index = row · width + column of the module's whole input; kept elements are
// scaled by 1/(1-p). Nothing is stored between forward and backward.
//
// SLICES invocations share a block: each sums every SLICES-th part of the long dimension, then the partial sums meet in
// shared memory in a fixed order. SLICES is 1 on software adapters (no barrier), 64 on GPUs, where a block alone would
// be a handful of threads.
//
// Memory rule: h is assigned (=), G is the gradient of a parameter and accumulated (+=).

import package::common::grid::{Grid, groupIndex};
import package::lora::operands::{TRANSPOSED, VEC, params, s, s4, h, dropped1, dropped4, droppedQuad, ranks4};
import package::lora::operands::{Sums, Quads, plusOuter, dots, storeRows, addGradient, addColumns};

const SLICES: u32 = 1u;
const DOWN_THREADS: u32 = 16u;    // SLICES, or any number when SLICES is 1
const REDUCE_THREADS: u32 = 16u;  // a multiple of SLICES

// ---- down -----------------------------------------------------------------------------------------------------------

var<workgroup> downPartial: array<array<vec4f, 4>, DOWN_THREADS>;

// The sum of four ranks for four rows (row i in component i) over all slices; result valid in the first 16 invocations
// of the block: invocation 4 j + i has rank j of row i in x.
fn meetDown(local: u32, sums: Sums) -> f32 {
  workgroupBarrier();
  downPartial[local] = array<vec4f, 4>(sums.a0, sums.a1, sums.a2, sums.a3);
  workgroupBarrier();
  var sum = 0.0;
  if (local < 16u) {
    for (var i = 0u; i < SLICES; i++) { sum += downPartial[i][local >> 2u][local & 3u]; }
  }
  return sum;
}

// Value k of ranks j .. j+3 of S.
fn factor4(k: u32, j: u32) -> vec4f {
  if (TRANSPOSED) { return ranks4(k, j); }
  let rows = min(vec4u(j, j + 1u, j + 2u, j + 3u), vec4u(params.rank - 1u)) * params.width;
  return vec4f(s[rows.x + k], s[rows.y + k], s[rows.z + k], s[rows.w + k]);
}

@compute @workgroup_size(DOWN_THREADS)
fn down(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let flat = groupIndex(grid) * DOWN_THREADS + local;
  let block = flat / SLICES;
  let slice = flat % SLICES;
  let rankBlocks = (params.rank + 7u) / 8u;
  let t = (block / rankBlocks) * 4u;
  let j = (block % rankBlocks) * 8u;
  let rows = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(params.rows - 1u));
  let width = params.width;
  // A surplus invocation has nothing to sum (it must reach the barriers).
  let end = select(0u, width, t < params.rows);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
  if (TRANSPOSED || !VEC) {
    for (var k = slice; k < end; k += SLICES) {
      let v = vec4f(dropped1(rows.x, k), dropped1(rows.y, k), dropped1(rows.z, k), dropped1(rows.w, k));
      let low = factor4(k, j);
      let high = factor4(k, j + 4u);
      a0 += v * low.x; a1 += v * low.y; a2 += v * low.z; a3 += v * low.w;
      a4 += v * high.x; a5 += v * high.y; a6 += v * high.z; a7 += v * high.w;
    }
  } else {
    let quarter = width >> 2u;
    let last = vec4u(params.rank - 1u);
    let z = rows * quarter;
    let low = min(vec4u(j, j + 1u, j + 2u, j + 3u), last) * quarter;
    let high = min(vec4u(j + 4u, j + 5u, j + 6u, j + 7u), last) * quarter;
    let wide = j + 4u < params.rank;
    for (var k = slice; 4u * k < end; k += SLICES) {
      let v = Quads(droppedQuad(z.x + k), droppedQuad(z.y + k), droppedQuad(z.z + k), droppedQuad(z.w + k));
      a0 += dots(v, s4[low.x + k]);
      a1 += dots(v, s4[low.y + k]);
      a2 += dots(v, s4[low.z + k]);
      a3 += dots(v, s4[low.w + k]);
      if (wide) {
        a4 += dots(v, s4[high.x + k]);
        a5 += dots(v, s4[high.y + k]);
        a6 += dots(v, s4[high.z + k]);
        a7 += dots(v, s4[high.w + k]);
      }
    }
  }
  let lowSums = Sums(a0, a1, a2, a3);
  let highSums = Sums(a4, a5, a6, a7);
  if (SLICES > 1u) {
    let low = meetDown(local, lowSums) * params.scale;
    let high = meetDown(local, highSums) * params.scale;
    let row = t + (local & 3u);
    let rank = j + (local >> 2u);
    if (local < 16u && row < params.rows) {
      if (rank < params.rank) { h[row * params.rank + rank] = low; }
      if (rank + 4u < params.rank) { h[row * params.rank + rank + 4u] = high; }
    }
  } else {
    storeRows(t, j, lowSums, highSums);
  }
}

// ---- reduce ---------------------------------------------------------------------------------------------------------

const COLUMNS: u32 = REDUCE_THREADS / SLICES;  // column groups of one workgroup

var<workgroup> reducePartial: array<array<vec4f, 4>, REDUCE_THREADS>;

// Sum four ranks of every column group over the slices; each scalar by one invocation, in the order of the slices.
fn meetReduce(local: u32, firstColumn: u32, j: u32, sums: Sums) {
  workgroupBarrier();
  reducePartial[local] = array<vec4f, 4>(sums.a0, sums.a1, sums.a2, sums.a3);
  workgroupBarrier();
  for (var i = local; i < 16u * COLUMNS; i += REDUCE_THREADS) {
    let column = i / 16u;
    let rank = (i >> 2u) & 3u;
    var sum = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) { sum += reducePartial[slice * COLUMNS + column][rank][i & 3u]; }
    addGradient(j + rank, firstColumn + 4u * column + (i & 3u), sum);
  }
}

@compute @workgroup_size(REDUCE_THREADS)
fn reduce(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let columnGroups = (((params.width + 3u) / 4u) + COLUMNS - 1u) / COLUMNS;
  let flat = groupIndex(grid);
  let firstColumn = (flat % columnGroups) * COLUMNS * 4u;
  let j = (flat / columnGroups) * 8u;
  if (j >= params.rank) { return; }
  let d = firstColumn + (local % COLUMNS) * 4u;
  let slice = local / COLUMNS;
  let wide = j + 4u < params.rank;
  var low = Sums();
  var high = Sums();
  if (d < params.width) {
    for (var t = slice; t < params.rows; t += SLICES) {
      let v = dropped4(t, d);
      low = plusOuter(low, v, ranks4(t, j));
      if (wide) { high = plusOuter(high, v, ranks4(t, j + 4u)); }
    }
  }
  if (SLICES > 1u) {
    meetReduce(local, firstColumn, j, low);
    meetReduce(local, firstColumn, j + 4u, high);
  } else {
    addColumns(d, j, low, high);
  }
}
