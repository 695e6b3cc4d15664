// What a product adds to its sums, and where it puts them.
//
// Both write a tile's outputs one by one in loops that cannot be unrolled: drivers compile them several times faster so, and they
// are a small part of the work.

import host::{BATCH_SEED, BATCH_COUNTER};
import package::common::pcg4d::pcg4d;
import package::common::stored::{element, wordOf};
import package::matmul::operands::{VEC, params, y, bias, h, factor, batch};

// Row i of four, without indexing (which would move the sums from registers to memory).
fn rowOf(i: u32, a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f) -> vec4f {
  return select(select(a0, a1, i == 1u), select(a2, a3, i == 3u), i >= 2u);
}

fn componentOf(i: u32, v: vec4f) -> f32 {
  return select(select(v.x, v.y, i == 1u), select(v.z, v.w, i == 3u), i >= 2u);
}

fn bias1(index: u32) -> f32 {
  let kind = params.biasKind - 1u;
  return element(bias[wordOf(index, kind)], index, kind);
}

fn finishNt(row: u32, rows: u32, column: u32, a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f) {
  if (row >= params.m || column >= params.n) { return; }
  let first = params.yColumn + column;
  let last = params.yColumn + params.n - 1u;
  let endColumn = min(first + 4u, last + 1u);
  var offset = vec4f();
  let residual = params.biasKind == 4u;
  if (params.biasKind != 0u && !residual) {
    offset = vec4f(bias1(first), bias1(min(first + 1u, last)), bias1(min(first + 2u, last)), bias1(min(first + 3u, last)));
  }
  let r = params.rank;
  let b0 = first * r;
  let b1 = min(first + 1u, last) * r;
  let b2 = min(first + 2u, last) * r;
  let b3 = min(first + 3u, last) * r;
  let end = min(row + rows, params.m);
  for (var i = row; i < end; i++) {
    var delta = vec4f();
    for (var j = 0u; j < r; j++) {
      delta += h[i * r + j] * vec4f(factor[b0 + j], factor[b1 + j], factor[b2 + j], factor[b3 + j]);
    }
    let sum = rowOf(i - row, a0, a1, a2, a3) + offset + params.loraScale * delta;
    for (var c = first; c < endColumn; c++) {
      let place = i * params.ldy + c;
      var value = componentOf(c - first, sum);
      if (residual) { value += bitcast<f32>(bias[place]); }
      y[place] = value;
    }
  }
}

// 1/(1-p) where elements index .. index+3 of the module's input are kept, else 0. Four neighbours share one hash.
fn dropMask4(index: u32) -> vec4f {
  var words = pcg4d(vec4u(batch[BATCH_SEED], batch[BATCH_COUNTER], params.stream, index >> 2u));
  if (!VEC && (index & 3u) != 0u) {
    let next = pcg4d(vec4u(batch[BATCH_SEED], batch[BATCH_COUNTER], params.stream, (index >> 2u) + 1u));
    let skip = index & 3u;
    if (skip == 1u) { words = vec4u(words.yzw, next.x); }
    if (skip == 2u) { words = vec4u(words.zw, next.xy); }
    if (skip == 3u) { words = vec4u(words.w, next.xyz); }
  }
  return select(vec4f(), vec4f(params.dropScale), (words >> vec4u(8u)) >= vec4u(params.dropThreshold));
}

fn finishNn(row: u32, rows: u32, column: u32, a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f) {
  if (row >= params.m || column >= params.n) { return; }
  let endColumn = min(column + 4u, params.n);
  let r = params.rank;
  let last = params.n - 1u;
  let end = min(row + rows, params.m);
  for (var i = row; i < end; i++) {
    var delta = vec4f();
    var at = 0u;
    for (var j = 0u; j < r; j++) {
      let a = vec4f(
        factor[at + column],
        factor[at + min(column + 1u, last)],
        factor[at + min(column + 2u, last)],
        factor[at + min(column + 3u, last)],
      );
      delta += h[i * r + j] * a;
      at += params.n;
    }
    if (params.dropThreshold > 0u) { delta *= dropMask4((params.row0 + i) * params.n + column); }
    let sum = rowOf(i - row, a0, a1, a2, a3) + delta;
    for (var c = column; c < endColumn; c++) {
      let place = i * params.ldy + params.yColumn + c;
      var value = componentOf(c - column, sum);
      if (params.accumulate != 0u) { value += y[place]; }
      y[place] = value;
    }
  }
}
