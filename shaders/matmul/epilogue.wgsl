// What a matmul kernel adds to its sums, and where it puts them.

import package::common::dropout::{pcg4d, dropMask};
import package::common::select::{vectorOf, componentOf};
import package::common::stored::{element, wordOf};
import package::matmul::operands::{VEC, params, y, bias, h, factor, batch};
import host::{BATCH_SEED, BATCH_COUNTER};

// Four rows of four neighbouring outputs.
struct Sums { a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f }

fn bias1(index: u32) -> f32 {
  let kind = params.biasKind - 1u;
  return element(bias[wordOf(index, kind)], index, kind);
}

// Writes the first `rows` of four; column counts without yColumn.
fn finishNt(row: u32, rows: u32, column: u32, sums: Sums) {
  if (row >= params.m || column >= params.n) { return; }
  let first = params.yColumn + column;
  let last = params.yColumn + params.n - 1u;
  let endColumn = min(first + 4u, last + 1u);
  let columns = min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(last));
  var offset = vec4f();
  let residual = params.biasKind == 4u;
  if (params.biasKind != 0u && !residual) {
    offset = vec4f(bias1(columns.x), bias1(columns.y), bias1(columns.z), bias1(columns.w));
  }
  let r = params.rank;
  let b = columns * r;
  let end = min(row + rows, params.m);
  for (var i = row; i < end; i++) {
    var delta = vec4f();
    for (var j = 0u; j < r; j++) {
      delta += h[i * r + j] * vec4f(factor[b.x + j], factor[b.y + j], factor[b.z + j], factor[b.w + j]);
    }
    let sum = vectorOf(i - row, sums.a0, sums.a1, sums.a2, sums.a3) + offset + params.loraScale * delta;
    for (var c = first; c < endColumn; c++) {
      let place = i * params.ldy + c;
      var value = componentOf(c - first, sum);
      if (residual) { value += bitcast<f32>(bias[place]); }
      y[place] = value;
    }
  }
}

fn dropWords(quad: u32) -> vec4u {
  return pcg4d(vec4u(batch[BATCH_SEED], batch[BATCH_COUNTER], params.stream, quad));
}

// 1/(1-p) where elements index .. index+3 of the module's input are kept, else 0. Four neighbours share one hash.
fn dropMask4(index: u32) -> vec4f {
  var words = dropWords(index >> 2u);
  if (!VEC && (index & 3u) != 0u) {
    let next = dropWords((index >> 2u) + 1u);
    let skip = index & 3u;
    if (skip == 1u) { words = vec4u(words.yzw, next.x); }
    if (skip == 2u) { words = vec4u(words.zw, next.xy); }
    if (skip == 3u) { words = vec4u(words.w, next.xyz); }
  }
  return dropMask(words, params.dropThreshold, params.dropScale);
}

fn finishNn(row: u32, rows: u32, column: u32, sums: Sums) {
  if (row >= params.m || column >= params.n) { return; }
  let endColumn = min(column + 4u, params.n);
  let r = params.rank;
  let columns = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(params.n - 1u));
  let end = min(row + rows, params.m);
  for (var i = row; i < end; i++) {
    var delta = vec4f();
    var at = columns;
    for (var j = 0u; j < r; j++) {
      delta += h[i * r + j] * vec4f(factor[at.x], factor[at.y], factor[at.z], factor[at.w]);
      at += vec4u(params.n);
    }
    if (params.dropThreshold > 0u) { delta *= dropMask4((params.row0 + i) * params.n + column); }
    let sum = vectorOf(i - row, sums.a0, sums.a1, sums.a2, sums.a3) + delta;
    for (var c = column; c < endColumn; c++) {
      let place = i * params.ldy + params.yColumn + c;
      var value = componentOf(c - column, sum);
      if (params.accumulate != 0u) { value += y[place]; }
      y[place] = value;
    }
  }
}
