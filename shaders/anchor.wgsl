// Products with the frozen anchor matrices of the alignment penalty, many modules of one shape at a time.
//
//   complement   D[i,j] = carry·D[i,j] + keep·(i == j) - factor·Σ_k V[i,k] V[j,k]       (once, when a run is prepared)
//   thin         Y[o,:] = carry·Y[o,:] + keep·X0[o,:] + factor·Σ_k M[o,k]·X[k,:]        (M as stored)
//   thinT        Y[o,:] = carry·Y[o,:] + keep·X0[o,:] + factor·Σ_k M[k,o]·X[k,:]        (M transposed)
//
// M is a stack of `modules` row-major matrices, each row padded with zeros to whole vec4s (`stride4`). X, X0 and Y are
// stacks of thin matrices with `r4` vec4s a row (rank r padded to a multiple of four). A matrix that exceeds one
// binding is bound in parts: `first` is then the number of rows in the parts before, and the stack holds that one
// module.
//
// Memory rule: with carry = 0 the result is assigned (=) and what stood there is not read; carry = 1 accumulates parts.
// No shared memory: a thread keeps a tile of 4 rows x 4 columns in registers (4 x 4 entries of D), and `thinT` reads M
// in rows, neighbouring threads neighbouring vec4s.

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<vec4f>;        // [modules, rows of M, stride4]
@group(0) @binding(2) var<storage, read> x: array<vec4f>;        // [modules, xRows, r4]
@group(0) @binding(3) var<storage, read> x0: array<vec4f>;       // [modules, yRows, r4]
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;  // [modules, yRows, r4], or D [yRows, r4]

fn store(i: u32, value: vec4f) {
  var result = params.factor * value;
  if (params.keep != 0.0) { result += params.keep * x0[i]; }
  if (params.carry != 0.0) { result += params.carry * y[i]; }
  y[i] = result;
}

@compute @workgroup_size(64)
fn thin(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tiles = (params.rows + 3u) / 4u;
  let i = groupIndex(grid) * 64u + local;
  let tile = i % tiles;
  let j = (i / tiles) % params.r4;
  let z = i / (tiles * params.r4);
  if (z >= params.modules) { return; }
  let row = 4u * tile;
  let last = params.rows - 1u;
  let start = z * params.rows;
  let m0 = (start + row) * params.stride4;
  let m1 = (start + min(row + 1u, last)) * params.stride4;
  let m2 = (start + min(row + 2u, last)) * params.stride4;
  let m3 = (start + min(row + 3u, last)) * params.stride4;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  let xBase = z * params.xRows * params.r4 + j;
  let xLast = params.xRows - 1u;
  for (var k = 0u; k < params.inner; k += 1u) {
    // Rows beyond X belong to the padding of M, which is zero.
    let x0k = x[xBase + min(4u * k, xLast) * params.r4];
    let x1k = x[xBase + min(4u * k + 1u, xLast) * params.r4];
    let x2k = x[xBase + min(4u * k + 2u, xLast) * params.r4];
    let x3k = x[xBase + min(4u * k + 3u, xLast) * params.r4];
    let v0 = m[m0 + k]; let v1 = m[m1 + k]; let v2 = m[m2 + k]; let v3 = m[m3 + k];
    a0 += v0.x * x0k + v0.y * x1k + v0.z * x2k + v0.w * x3k;
    a1 += v1.x * x0k + v1.y * x1k + v1.z * x2k + v1.w * x3k;
    a2 += v2.x * x0k + v2.y * x1k + v2.z * x2k + v2.w * x3k;
    a3 += v3.x * x0k + v3.y * x1k + v3.z * x2k + v3.w * x3k;
  }
  let at = (z * params.yRows + params.first + row) * params.r4 + j;
  store(at, a0);
  if (row + 1u <= last) { store(at + params.r4, a1); }
  if (row + 2u <= last) { store(at + 2u * params.r4, a2); }
  if (row + 3u <= last) { store(at + 3u * params.r4, a3); }
}

@compute @workgroup_size(64)
fn thinT(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  let tile = i % params.rows;
  let j = (i / params.rows) % params.r4;
  let z = i / (params.rows * params.r4);
  if (z >= params.modules) { return; }
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var at = z * params.inner * params.stride4 + tile;
  var source = (z * params.xRows + params.first) * params.r4 + j;
  // Four rows at a time, so that eight loads are under way at once.
  let whole = params.inner - params.inner % 4u;
  for (var k = 0u; k < whole; k += 4u) {
    let v0 = m[at];
    let v1 = m[at + params.stride4];
    let v2 = m[at + 2u * params.stride4];
    let v3 = m[at + 3u * params.stride4];
    let x0k = x[source];
    let x1k = x[source + params.r4];
    let x2k = x[source + 2u * params.r4];
    let x3k = x[source + 3u * params.r4];
    a0 += v0.x * x0k + v1.x * x1k + v2.x * x2k + v3.x * x3k;
    a1 += v0.y * x0k + v1.y * x1k + v2.y * x2k + v3.y * x3k;
    a2 += v0.z * x0k + v1.z * x1k + v2.z * x2k + v3.z * x3k;
    a3 += v0.w * x0k + v1.w * x1k + v2.w * x2k + v3.w * x3k;
    at += 4u * params.stride4;
    source += 4u * params.r4;
  }
  for (var k = whole; k < params.inner; k += 1u) {
    let v = m[at];
    let xk = x[source];
    a0 += v.x * xk;
    a1 += v.y * xk;
    a2 += v.z * xk;
    a3 += v.w * xk;
    at += params.stride4;
    source += params.r4;
  }
  let row = 4u * tile;
  let to = (z * params.yRows + row) * params.r4 + j;
  if (row < params.yRows) { store(to, a0); }
  if (row + 1u < params.yRows) { store(to + params.r4, a1); }
  if (row + 2u < params.yRows) { store(to + 2u * params.r4, a2); }
  if (row + 3u < params.yRows) { store(to + 3u * params.r4, a3); }
}

// Sums run over blocks of 64 columns, which keeps the rounding error of long rows small.
@compute @workgroup_size(64)
fn complement(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  let column = i % params.r4;
  let row = params.first + 4u * (i / params.r4);
  let end = params.first + params.rows;
  if (row >= end) { return; }
  let last = params.yRows - 1u;
  var left = vec4u(row, min(row + 1u, last), min(row + 2u, last), min(row + 3u, last)) * params.stride4;
  let c = 4u * column;
  var right = vec4u(min(c, last), min(c + 1u, last), min(c + 2u, last), min(c + 3u, last)) * params.stride4;
  var total = mat4x4f();
  for (var begin = 0u; begin < params.inner; begin += 16u) {
    var block = mat4x4f();
    let stop = min(begin + 16u, params.inner);
    for (var k = begin; k < stop; k += 1u) {
      let r0 = m[right.x + k]; let r1 = m[right.y + k]; let r2 = m[right.z + k]; let r3 = m[right.w + k];
      let l0 = m[left.x + k]; let l1 = m[left.y + k]; let l2 = m[left.z + k]; let l3 = m[left.w + k];
      block[0] += vec4f(dot(l0, r0), dot(l0, r1), dot(l0, r2), dot(l0, r3));
      block[1] += vec4f(dot(l1, r0), dot(l1, r1), dot(l1, r2), dot(l1, r3));
      block[2] += vec4f(dot(l2, r0), dot(l2, r1), dot(l2, r2), dot(l2, r3));
      block[3] += vec4f(dot(l3, r0), dot(l3, r1), dot(l3, r2), dot(l3, r3));
    }
    total += block;
  }
  let columns = vec4u(c, c + 1u, c + 2u, c + 3u);
  let inside = columns < vec4u(params.yRows);
  for (var step = 0u; step < 4u; step += 1u) {
    let line = row + step;
    if (line >= end) { return; }
    let at = params.base4 + (line - params.first) * params.r4 + column;
    var result = params.keep * select(vec4f(), vec4f(1.0), columns == vec4u(line)) - params.factor * total[step];
    if (params.carry != 0.0) { result += params.carry * y[at]; }
    y[at] = select(vec4f(), result, inside);
  }
}
