// The products of matmul.wgsl on a processor that plays a GPU and computes four invocations side by side (SwiftShader: subgroups of
// four). This text follows that of matmul.wgsl in one module and shares its parameters, epilogues and memory rule (y is assigned;
// `nn` adds where `accumulate` is 1).
//
// On such a device a load from a buffer is four loads, each with a bounds check of its own, and costs ten times as much as a product
// of registers, so what counts is products per load. The four invocations of a subgroup own the same 16 rows of y, each with 8
// columns of its own:
//
//     x      an invocation loads 4 of the 16 rows; the others take them from its register (quadBroadcast)
//     w      each loads what its 8 columns need
//
// 12 loads for 512 products, where the 4x4 tile in registers has 8 for 64. Needs VEC, k a multiple of 4, and subgroups of exactly
// four; NN: `nn`, else `nt`.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::{params, x4};
@if(QUANTISED) import package::matmul::quantised::{FORMAT, weight4, scaleW};
@else import package::matmul::weight::{weight4, scaleW};
import package::matmul::epilogue::{finishNt, finishNn};

enable subgroups;
// Which invocations are active is uniform in a subgroup by the layout, which WGSL's analysis, being one of whole workgroups, cannot see.
diagnostic(off, subgroup_uniformity);

@if(!QUANTISED) const FORMAT: u32 = 0u;

const NN: bool = false;
const SHARED_ROWS: u32 = 16u;

// Eight columns' share of four values of k: nt: k .. k+3 of a column each; nn: columns c .. c+3 of a row of w each.
struct Quads { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn terms(v: vec4f, q: Quads) -> vec4f {
  if (NN) { return v.x * q.a + v.y * q.b + v.z * q.c + v.w * q.d; }
  return vec4f(dot(v, q.a), dot(v, q.b), dot(v, q.c), dot(v, q.d));
}

// Of quads of four rows of w.
fn scales4(rows: vec4u, quads: vec4u) -> vec4f {
  let first = select(params.yColumn, params.xColumn, NN);
  let width = select(params.k, params.n, NN);
  let index = 4u * quads;
  return vec4f(
    scaleW(rows.x, index.x, first, width),
    scaleW(rows.y, index.y, first, width),
    scaleW(rows.z, index.z, first, width),
    scaleW(rows.w, index.w, first, width),
  );
}

fn scaled(q: Quads, s: vec4f) -> Quads { return Quads(q.a * s.x, q.b * s.y, q.c * s.z, q.d * s.w); }

@compute @workgroup_size(64)
fn subgroupRows(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let tilesN = (params.n + 63u) / 64u;
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * 8u + local / 8u) * SHARED_ROWS;
  let column = ((tile % tilesN) * 8u + local % 8u) * 8u;
  // The rows of a subgroup are the same, so it leaves as a whole; columns beyond the last stay, because their rows are needed.
  if (row >= params.m) { return; }
  let last = params.m - 1u;
  let begin = params.xColumn;
  let q0 = (min(row + lane, last) * params.ldx + begin) >> 2u;
  let q1 = (min(row + 4u + lane, last) * params.ldx + begin) >> 2u;
  let q2 = (min(row + 8u + lane, last) * params.ldx + begin) >> 2u;
  let q3 = (min(row + 12u + lane, last) * params.ldx + begin) >> 2u;
  let kQuads = params.k >> 2u;
  let nQuads = params.n >> 2u;
  let lastColumn = params.n - 1u;
  // nt: where each column begins. nn: where the columns lie in the four rows of w, which move on by 4 n.
  let step = select(1u, 4u * nQuads, NN);
  var w0 = select(min(column, lastColumn) * kQuads, min(column >> 2u, nQuads - 1u), NN);
  var w1 = select(min(column + 1u, lastColumn) * kQuads, w0 + nQuads, NN);
  var w2nd = select(min(column + 2u, lastColumn) * kQuads, w0 + 2u * nQuads, NN);
  var w3 = select(min(column + 3u, lastColumn) * kQuads, w0 + 3u * nQuads, NN);
  var w4 = select(min(column + 4u, lastColumn) * kQuads, min((column >> 2u) + 1u, nQuads - 1u), NN);
  var w5 = select(min(column + 5u, lastColumn) * kQuads, w4 + nQuads, NN);
  var w6 = select(min(column + 6u, lastColumn) * kQuads, w4 + 2u * nQuads, NN);
  var w7 = select(min(column + 7u, lastColumn) * kQuads, w4 + 3u * nQuads, NN);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
  var a8 = vec4f(); var a9 = vec4f(); var a10 = vec4f(); var a11 = vec4f();
  var a12 = vec4f(); var a13 = vec4f(); var a14 = vec4f(); var a15 = vec4f();
  var b0 = vec4f(); var b1 = vec4f(); var b2 = vec4f(); var b3 = vec4f();
  var b4 = vec4f(); var b5 = vec4f(); var b6 = vec4f(); var b7 = vec4f();
  var b8 = vec4f(); var b9 = vec4f(); var b10 = vec4f(); var b11 = vec4f();
  var b12 = vec4f(); var b13 = vec4f(); var b14 = vec4f(); var b15 = vec4f();
  // Of the eight quads. A block of codes is 16 quads of a column (nt). In a row of w (nn) eight columns lie in one block where they begin
  // at a multiple of 8.
  var lowScale = vec4f();
  var highScale = vec4f();
  let oneBlock = FORMAT == 1u || (nQuads & 1u) == 0u;
  var at = 0u;
  for (var i = 0u; i < kQuads; i++) {
    var low = Quads(weight4(w0 + at), weight4(w1 + at), weight4(w2nd + at), weight4(w3 + at));
    var high = Quads(weight4(w4 + at), weight4(w5 + at), weight4(w6 + at), weight4(w7 + at));
    if (FORMAT != 0u) {
      if (NN) {
        lowScale = scales4(vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u), vec4u(w0, w1, w2nd, w3) + at);
        highScale = lowScale;
        if (!oneBlock) { highScale = scales4(vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u), vec4u(w4, w5, w6, w7) + at); }
      } else if ((i & 15u) == 0u) {
        lowScale = scales4(min(vec4u(column) + vec4u(0u, 1u, 2u, 3u), vec4u(lastColumn)), vec4u(w0, w1, w2nd, w3) + at);
        highScale = scales4(min(vec4u(column) + vec4u(4u, 5u, 6u, 7u), vec4u(lastColumn)), vec4u(w4, w5, w6, w7) + at);
      }
      low = scaled(low, lowScale);
      high = scaled(high, highScale);
    }
    at += step;
    var own = x4[q0 + i];
    var v = quadBroadcast(own, 0u); a0 += terms(v, low); b0 += terms(v, high);
    v = quadBroadcast(own, 1u); a1 += terms(v, low); b1 += terms(v, high);
    v = quadBroadcast(own, 2u); a2 += terms(v, low); b2 += terms(v, high);
    v = quadBroadcast(own, 3u); a3 += terms(v, low); b3 += terms(v, high);
    own = x4[q1 + i];
    v = quadBroadcast(own, 0u); a4 += terms(v, low); b4 += terms(v, high);
    v = quadBroadcast(own, 1u); a5 += terms(v, low); b5 += terms(v, high);
    v = quadBroadcast(own, 2u); a6 += terms(v, low); b6 += terms(v, high);
    v = quadBroadcast(own, 3u); a7 += terms(v, low); b7 += terms(v, high);
    own = x4[q2 + i];
    v = quadBroadcast(own, 0u); a8 += terms(v, low); b8 += terms(v, high);
    v = quadBroadcast(own, 1u); a9 += terms(v, low); b9 += terms(v, high);
    v = quadBroadcast(own, 2u); a10 += terms(v, low); b10 += terms(v, high);
    v = quadBroadcast(own, 3u); a11 += terms(v, low); b11 += terms(v, high);
    own = x4[q3 + i];
    v = quadBroadcast(own, 0u); a12 += terms(v, low); b12 += terms(v, high);
    v = quadBroadcast(own, 1u); a13 += terms(v, low); b13 += terms(v, high);
    v = quadBroadcast(own, 2u); a14 += terms(v, low); b14 += terms(v, high);
    v = quadBroadcast(own, 3u); a15 += terms(v, low); b15 += terms(v, high);
  }
  // In memory, so that the epilogue is one loop and not sixteen copies of itself.
  var sums = array<vec4f, 32>(
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,
    b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15,
  );
  for (var i = 0u; i < 32u; i += 4u) {
    let r = row + (i & 15u);
    let c = column + (i >> 4u) * 4u;
    if (NN) {
      finishNn(r, 4u, c, sums[i], sums[i + 1u], sums[i + 2u], sums[i + 3u]);
    } else {
      finishNt(r, 4u, c, sums[i], sums[i + 1u], sums[i + 2u], sums[i + 3u]);
    }
  }
}
