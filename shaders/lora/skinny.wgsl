// The skinny products of LoRA (one side has r = rank columns), with the dropout mask recomputed where it is needed.
//
//   down     h[t,j]  = scale Σ_k drop(z)[t,k] S(j,k)       z [T,width]; S is A [r,width], or B [width,r] when TRANSPOSED
//   reduce   G(j,d) += scale Σ_t drop(z)[t,d] s[t,j]       z [T,width], s [T,r]; G is [r,width], or [width,r] when TRANSPOSED
//
//   forward    h  = drop(x) Aᵀ              down
//   backward   ∂h = s ∂y B                  down, TRANSPOSED, no mask
//              ∂A += ∂hᵀ drop(x)            reduce
//              ∂B += s ∂yᵀ h                reduce, TRANSPOSED, no mask
//
// Dropout: element index = row · width + column of the module's whole input; four neighbours take the four words of
// pcg4d(seed, counter, stream, index >> 2) (Jarzynski & Olano, JCGT 9(3), 2020); an element is kept when the word's top 24 bits
// are at least round(p · 2^24), and then scaled by 1/(1-p). Nothing is stored between forward and backward.
//
// An invocation owns 8 ranks of 4 rows (down) or 4 columns (reduce), so a mask is made once per 8 ranks. SLICES invocations share a
// block: each sums every SLICES-th part of the long dimension, then the partial sums meet in shared memory in a fixed order.
// SLICES is 1 on processors that play a GPU (no barrier), 64 on GPUs, where a block alone would be a handful of threads.
// VEC: width is a multiple of 4. RANK_VEC: r is. DROPOUT: something is dropped; as a constant, because a branch in the loop, though
// all invocations take it alike, costs SwiftShader more than the loop's products.
//
// Memory rule: h is assigned (=), G is the gradient of a parameter and accumulated (+=).

import package::common::grid::{Grid, groupIndex};
import host::{Params, BATCH_SEED, BATCH_COUNTER};
import package::common::pcg4d::pcg4d;

const TRANSPOSED: bool = false;
const VEC: bool = true;
const RANK_VEC: bool = true;
const DROPOUT: bool = true;
const SLICES: u32 = 1u;
const DOWN_THREADS: u32 = 16u;    // SLICES, or any number when SLICES is 1
const REDUCE_THREADS: u32 = 16u;  // a multiple of SLICES

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read> z4: array<vec4f>;
@group(0) @binding(3) var<storage, read> s: array<f32>;
@group(0) @binding(4) var<storage, read> s4: array<vec4f>;
@group(0) @binding(5) var<storage, read> batch: array<u32>;
@group(0) @binding(6) var<storage, read_write> h: array<f32>;

fn dropMask(index: u32) -> f32 {
  let bits = pcg4d(vec4u(batch[BATCH_SEED], batch[BATCH_COUNTER], params.stream, index >> 2u))[index & 3u] >> 8u;
  return select(0.0, params.dropScale, bits >= params.dropThreshold);
}

// drop(z)[t, i]; i is clamped to the row.
fn dropped1(t: u32, i: u32) -> f32 {
  let at = t * params.width + min(i, params.width - 1u);
  if (!DROPOUT) { return z[at]; }
  return z[at] * dropMask(params.row0 * params.width + at);
}

// Of the four elements with number 4 quad in this dispatch (width is a multiple of 4).
fn dropMask4(quad: u32) -> vec4f {
  let words = pcg4d(vec4u(batch[BATCH_SEED], batch[BATCH_COUNTER], params.stream, ((params.row0 * params.width) >> 2u) + quad)) >> vec4u(8u);
  return select(vec4f(), vec4f(params.dropScale), words >= vec4u(params.dropThreshold));
}

// drop(z)[t, i .. i+3]; with VEC, i is a multiple of 4.
fn dropped4(t: u32, i: u32) -> vec4f {
  if (!VEC) { return vec4f(dropped1(t, i), dropped1(t, i + 1u), dropped1(t, i + 2u), dropped1(t, i + 3u)); }
  let at = (t * params.width + i) >> 2u;
  if (!DROPOUT) { return z4[at]; }
  return z4[at] * dropMask4(at);
}

// Four ranks j .. j+3 of row t of a [*, r] matrix; ranks beyond the last repeat it.
fn ranks4(t: u32, j: u32) -> vec4f {
  let at = t * params.rank;
  if (RANK_VEC) { return s4[(at + min(j, params.rank - 4u)) >> 2u]; }
  let last = params.rank - 1u;
  return vec4f(s[at + min(j, last)], s[at + min(j + 1u, last)], s[at + min(j + 2u, last)], s[at + min(j + 3u, last)]);
}

// One of four, without indexing, which would move the sums from registers to memory. The stores stand in loops that cannot be
// unrolled: drivers compile them several times faster so.
fn vectorOf(i: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  return select(select(a, b, i == 1u), select(c, d, i == 3u), i >= 2u);
}

fn componentOf(i: u32, v: vec4f) -> f32 {
  return select(select(v.x, v.y, i == 1u), select(v.z, v.w, i == 3u), i >= 2u);
}

// ---- down ---------------------------------------------------------------------------------------------------------

var<workgroup> downPartial: array<array<vec4f, 4>, DOWN_THREADS>;

// The sum of four ranks for four rows (row i in component i) over all slices; result valid in the first 16 invocations of
// the block: invocation 4 j + i has rank j of row i in x.
fn meetDown(local: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> f32 {
  workgroupBarrier();
  downPartial[local] = array<vec4f, 4>(a, b, c, d);
  workgroupBarrier();
  var sum = 0.0;
  if (local < 16u) {
    for (var i = 0u; i < SLICES; i++) { sum += downPartial[i][local >> 2u][local & 3u]; }
  }
  return sum;
}

@compute @workgroup_size(DOWN_THREADS)
fn down(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let flat = groupIndex(grid) * DOWN_THREADS + local;
  let block = flat / SLICES;
  let slice = flat % SLICES;
  let rankBlocks = (params.rank + 7u) / 8u;
  let t = (block / rankBlocks) * 4u;
  let j = (block % rankBlocks) * 8u;
  let lastRow = params.rows - 1u;
  let t0 = min(t, lastRow);
  let t1 = min(t + 1u, lastRow);
  let t2 = min(t + 2u, lastRow);
  let t3 = min(t + 3u, lastRow);
  let width = params.width;
  // A surplus invocation has nothing to sum (it must reach the barriers).
  let end = select(0u, width, t < params.rows);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
  if (TRANSPOSED || !VEC) {
    for (var k = slice; k < end; k += SLICES) {
      let v = vec4f(dropped1(t0, k), dropped1(t1, k), dropped1(t2, k), dropped1(t3, k));
      var low = vec4f();
      var high = vec4f();
      if (TRANSPOSED) {
        low = ranks4(k, j);
        high = ranks4(k, j + 4u);
      } else {
        let last = params.rank - 1u;
        low = vec4f(s[j * width + k], s[min(j + 1u, last) * width + k], s[min(j + 2u, last) * width + k], s[min(j + 3u, last) * width + k]);
        high = vec4f(
          s[min(j + 4u, last) * width + k], s[min(j + 5u, last) * width + k],
          s[min(j + 6u, last) * width + k], s[min(j + 7u, last) * width + k],
        );
      }
      a0 += v * low.x; a1 += v * low.y; a2 += v * low.z; a3 += v * low.w;
      a4 += v * high.x; a5 += v * high.y; a6 += v * high.z; a7 += v * high.w;
    }
  } else {
    let last = params.rank - 1u;
    let quarter = width >> 2u;
    let s0 = j * quarter;
    let s1 = min(j + 1u, last) * quarter;
    let s2 = min(j + 2u, last) * quarter;
    let s3 = min(j + 3u, last) * quarter;
    let s4th = min(j + 4u, last) * quarter;
    let s5 = min(j + 5u, last) * quarter;
    let s6 = min(j + 6u, last) * quarter;
    let s7 = min(j + 7u, last) * quarter;
    let wide = j + 4u < params.rank;
    for (var k = slice; 4u * k < end; k += SLICES) {
      var v0 = z4[t0 * quarter + k];
      var v1 = z4[t1 * quarter + k];
      var v2 = z4[t2 * quarter + k];
      var v3 = z4[t3 * quarter + k];
      if (DROPOUT) {
        v0 *= dropMask4(t0 * quarter + k);
        v1 *= dropMask4(t1 * quarter + k);
        v2 *= dropMask4(t2 * quarter + k);
        v3 *= dropMask4(t3 * quarter + k);
      }
      var f = s4[s0 + k];
      a0 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = s4[s1 + k];
      a1 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = s4[s2 + k];
      a2 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      f = s4[s3 + k];
      a3 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      if (wide) {
        f = s4[s4th + k];
        a4 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
        f = s4[s5 + k];
        a5 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
        f = s4[s6 + k];
        a6 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
        f = s4[s7 + k];
        a7 += vec4f(dot(v0, f), dot(v1, f), dot(v2, f), dot(v3, f));
      }
    }
  }
  if (SLICES > 1u) {
    let low = meetDown(local, a0, a1, a2, a3) * params.scale;
    let high = meetDown(local, a4, a5, a6, a7) * params.scale;
    let row = t + (local & 3u);
    let rank = j + (local >> 2u);
    if (local < 16u && row < params.rows) {
      if (rank < params.rank) { h[row * params.rank + rank] = low; }
      if (rank + 4u < params.rank) { h[row * params.rank + rank + 4u] = high; }
    }
  } else {
    let endRank = min(j + 8u, params.rank);
    let endRow = min(t + 4u, params.rows);
    for (var rank = j; rank < endRank; rank++) {
      let i = rank - j;
      let sum = select(vectorOf(i, a0, a1, a2, a3), vectorOf(i - 4u, a4, a5, a6, a7), i >= 4u);
      for (var row = t; row < endRow; row++) { h[row * params.rank + rank] = componentOf(row - t, sum) * params.scale; }
    }
  }
}

// ---- reduce -------------------------------------------------------------------------------------------------------

fn addGradient(j: u32, d: u32, sum: f32) {
  if (j >= params.rank || d >= params.width) { return; }
  let at = select(j * params.width + d, d * params.rank + j, TRANSPOSED);
  h[at] += sum * params.scale;
}

const COLUMNS: u32 = REDUCE_THREADS / SLICES;  // column groups of one workgroup

var<workgroup> reducePartial: array<array<vec4f, 4>, REDUCE_THREADS>;

// Sum four ranks of every column group over the slices; each scalar by one invocation, in the order of the slices.
fn meetReduce(local: u32, firstColumn: u32, j: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
  workgroupBarrier();
  reducePartial[local] = array<vec4f, 4>(a, b, c, d);
  workgroupBarrier();
  for (var i = local; i < 16u * COLUMNS; i += REDUCE_THREADS) {
    let column = i / 16u;
    var sum = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) { sum += reducePartial[slice * COLUMNS + column][(i >> 2u) & 3u][i & 3u]; }
    addGradient(j + ((i >> 2u) & 3u), firstColumn + 4u * column + (i & 3u), sum);
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
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
  if (d < params.width) {
    for (var t = slice; t < params.rows; t += SLICES) {
      let v = dropped4(t, d);
      let low = ranks4(t, j);
      a0 += v * low.x; a1 += v * low.y; a2 += v * low.z; a3 += v * low.w;
      if (wide) {
        let high = ranks4(t, j + 4u);
        a4 += v * high.x; a5 += v * high.y; a6 += v * high.z; a7 += v * high.w;
      }
    }
  }
  if (SLICES > 1u) {
    meetReduce(local, firstColumn, j, a0, a1, a2, a3);
    meetReduce(local, firstColumn, j + 4u, a4, a5, a6, a7);
  } else {
    let endRank = min(j + 8u, params.rank);
    let endColumn = min(d + 4u, params.width);
    for (var rank = j; rank < endRank; rank++) {
      let i = rank - j;
      let sum = select(vectorOf(i, a0, a1, a2, a3), vectorOf(i - 4u, a4, a5, a6, a7), i >= 4u);
      for (var column = d; column < endColumn; column++) { addGradient(rank, column, componentOf(column - d, sum)); }
    }
  }
}
