// The products of register.wgsl with a frozen weight in 8 or 4 bits.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::{VEC, params, x, x4};
import package::matmul::quantised::{FORMAT, weight4, scaleW, dequantised1};
import package::matmul::epilogue::{finishNt, finishNn};

const ROWS: u32 = 4u;  // 4, or 1 for a product with a single row

// Invocations side by side in a row of a workgroup's tile: 32x32 outputs, or 1x256.
const LANES: u32 = select(8u, 64u, ROWS == 1u);

@compute @workgroup_size(64)
fn ntRegisterQuantised(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let lastColumn = params.n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  let first = params.yColumn;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let kQuads = k >> 2u;
    let w0 = column * kQuads; let w1 = column1 * kQuads; let w2nd = column2 * kQuads; let w3 = column3 * kQuads;
    // Quads with one scale: a row of int8, a block of nf4.
    let span = select(16u, kQuads, FORMAT == 1u);
    for (var start = 0u; start < kQuads; start += span) {
      var p0 = vec4f(); var p1 = vec4f(); var p2 = vec4f(); var p3 = vec4f();
      let stop = start + span;
      for (var i = start; i < stop; i++) {
        let wa = weight4(w0 + i); let wb = weight4(w1 + i); let wc = weight4(w2nd + i); let wd = weight4(w3 + i);
        var v = vec4f();
        v = x4[q0 + i]; p0 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        if (ROWS > 1u) {
          v = x4[q1 + i]; p1 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
          v = x4[q2 + i]; p2 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
          v = x4[q3 + i]; p3 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        }
      }
      let scale = vec4f(
        scaleW(column, 4u * (w0 + start), first, k),
        scaleW(column1, 4u * (w1 + start), first, k),
        scaleW(column2, 4u * (w2nd + start), first, k),
        scaleW(column3, 4u * (w3 + start), first, k),
      );
      a0 += scale * p0; a1 += scale * p1; a2 += scale * p2; a3 += scale * p3;
    }
  } else {
    for (var i = 0u; i < k; i++) {
      let wk = vec4f(dequantised1(column, i, first, k), dequantised1(column1, i, first, k), dequantised1(column2, i, first, k), dequantised1(column3, i, first, k));
      a0 += x[row0 + i] * wk;
      if (ROWS > 1u) {
        a1 += x[row1 + i] * wk;
        a2 += x[row2 + i] * wk;
        a3 += x[row3 + i] * wk;
      }
    }
  }
  finishNt(row, ROWS, column, a0, a1, a2, a3);
}

@compute @workgroup_size(64)
fn nnRegisterQuantised(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let n = params.n;
  let lastColumn = n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  var i = 0u;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let nQuads = n >> 2u;
    let kQuads = k >> 2u;
    var at = column >> 2u;
    for (var j = 0u; j < kQuads; j++) {
      let ib = at + nQuads; let ic = ib + nQuads; let id = ic + nQuads;
      let wa = weight4(at) * scaleW(4u * j, 4u * at, begin, n);
      let wb = weight4(ib) * scaleW(4u * j + 1u, 4u * ib, begin, n);
      let wc = weight4(ic) * scaleW(4u * j + 2u, 4u * ic, begin, n);
      let wd = weight4(id) * scaleW(4u * j + 3u, 4u * id, begin, n);
      at = id + nQuads;
      var v = vec4f();
      v = x4[q0 + j]; a0 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
      if (ROWS > 1u) {
        v = x4[q1 + j]; a1 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
        v = x4[q2 + j]; a2 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
        v = x4[q3 + j]; a3 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
      }
    }
    i = 4u * kQuads;
  }
  for (; i < k; i++) {
    let wk = vec4f(dequantised1(i, column, begin, n), dequantised1(i, column1, begin, n), dequantised1(i, column2, begin, n), dequantised1(i, column3, begin, n));
    a0 += x[row0 + i] * wk;
    if (ROWS > 1u) {
      a1 += x[row1 + i] * wk;
      a2 += x[row2 + i] * wk;
      a3 += x[row3 + i] * wk;
    }
  }
  finishNn(row, ROWS, column, a0, a1, a2, a3);
}
