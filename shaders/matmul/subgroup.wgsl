// The products of register.wgsl on a software adapter that computes four invocations side by side (SwiftShader:
// subgroups of four). Memory rule: y is assigned (=); `nn` adds where `accumulate` is 1.
//
// On such a device a load from a buffer is four loads, each with a bounds check of its own, and costs ten times as much
// as a product of registers, so what counts is products per load. The four invocations of a subgroup own the same 16
// rows of y, each with 8 columns of its own:
//
//     x      an invocation loads 4 of the 16 rows; the others take them from its register (quadBroadcast)
//     w      each loads what its 8 columns need
//
// 12 loads for 512 products, where the 4x4 tile in registers has 8 for 64. Needs VEC, k a multiple of 4, and subgroups
// of exactly four; NN: `nn`, else `nt`.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::{params, x4};
@if(QUANTISED) import package::matmul::quantised::{FORMAT, weight4, scaleW};
@else import package::matmul::weight::{weight4, scaleW};
import package::matmul::quads::{Quads, ntTerms, nnTerms};
import package::matmul::epilogue::{Sums, finishNt, finishNn};

enable subgroups;
// Which invocations are active is uniform in a subgroup by the layout, which WGSL's analysis, being one of whole
// workgroups, cannot see.
diagnostic(off, subgroup_uniformity);

@if(!QUANTISED) const FORMAT: u32 = 0u;

const NN: bool = false;
const SHARED_ROWS: u32 = 16u;

fn terms(v: vec4f, q: Quads) -> vec4f {
  if (NN) { return nnTerms(v, q); }
  return ntTerms(v, q);
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

fn quadsAt(at: vec4u) -> Quads { return Quads(weight4(at.x), weight4(at.y), weight4(at.z), weight4(at.w)); }
fn scaled(q: Quads, s: vec4f) -> Quads { return Quads(q.a * s.x, q.b * s.y, q.c * s.z, q.d * s.w); }

// Four rows by the first four and the last four of eight columns.
struct Block { low: Sums, high: Sums }

fn plusTerms(s: Sums, v0: vec4f, v1: vec4f, v2: vec4f, v3: vec4f, q: Quads) -> Sums {
  return Sums(s.a0 + terms(v0, q), s.a1 + terms(v1, q), s.a2 + terms(v2, q), s.a3 + terms(v3, q));
}

// Adds what four rows of x make, of which the subgroup's invocations have one each.
fn addRows(block: Block, own: vec4f, low: Quads, high: Quads) -> Block {
  let v0 = quadBroadcast(own, 0u);
  let v1 = quadBroadcast(own, 1u);
  let v2 = quadBroadcast(own, 2u);
  let v3 = quadBroadcast(own, 3u);
  return Block(plusTerms(block.low, v0, v1, v2, v3, low), plusTerms(block.high, v0, v1, v2, v3, high));
}

@compute @workgroup_size(64)
fn subgroupRows(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let tilesN = (params.n + 63u) / 64u;
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * 8u + local / 8u) * SHARED_ROWS;
  let column = ((tile % tilesN) * 8u + local % 8u) * 8u;
  // The rows of a subgroup are the same, so it leaves as a whole; columns beyond the last stay, because their rows are
  // needed.
  if (row >= params.m) { return; }
  let four = vec4u(0u, 1u, 2u, 3u);
  // Of x: the invocation's row of each four.
  let rows = min(vec4u(row + lane) + 4u * four, vec4u(params.m - 1u));
  let q = (rows * params.ldx + params.xColumn) >> vec4u(2u);
  let kQuads = params.k >> 2u;
  let nQuads = params.n >> 2u;
  // nt: where each column begins. nn: where the columns lie in the four rows of w, which move on by 4 n.
  let step = select(1u, 4u * nQuads, NN);
  let lowColumns = min(vec4u(column) + four, vec4u(params.n - 1u));
  let highColumns = min(vec4u(column + 4u) + four, vec4u(params.n - 1u));
  let lowAt = select(lowColumns * kQuads, vec4u(min(column >> 2u, nQuads - 1u)) + nQuads * four, NN);
  let highAt = select(highColumns * kQuads, vec4u(min((column >> 2u) + 1u, nQuads - 1u)) + nQuads * four, NN);
  var s0 = Block();
  var s1 = Block();
  var s2 = Block();
  var s3 = Block();
  // Of the eight quads. A block of codes is 16 quads of a column (nt). In a row of w (nn) eight columns lie in one
  // block where they begin at a multiple of 8.
  var lowScale = vec4f();
  var highScale = vec4f();
  let oneBlock = FORMAT == 1u || (nQuads & 1u) == 0u;
  var at = 0u;
  for (var i = 0u; i < kQuads; i++) {
    var low = quadsAt(lowAt + at);
    var high = quadsAt(highAt + at);
    if (FORMAT != 0u) {
      if (NN) {
        lowScale = scales4(vec4u(4u * i) + four, lowAt + at);
        highScale = lowScale;
        if (!oneBlock) { highScale = scales4(vec4u(4u * i) + four, highAt + at); }
      } else if ((i & 15u) == 0u) {
        lowScale = scales4(lowColumns, lowAt + at);
        highScale = scales4(highColumns, highAt + at);
      }
      low = scaled(low, lowScale);
      high = scaled(high, highScale);
    }
    at += step;
    s0 = addRows(s0, x4[q.x + i], low, high);
    s1 = addRows(s1, x4[q.y + i], low, high);
    s2 = addRows(s2, x4[q.z + i], low, high);
    s3 = addRows(s3, x4[q.w + i], low, high);
  }
  // In memory, so that the epilogue is one loop and not eight copies of itself.
  var sums = array<Sums, 8>(s0.low, s1.low, s2.low, s3.low, s0.high, s1.high, s2.high, s3.high);
  for (var i = 0u; i < 8u; i++) {
    let r = row + 4u * (i & 3u);
    let c = column + 4u * (i >> 2u);
    if (NN) { finishNn(r, 4u, c, sums[i]); } else { finishNt(r, 4u, c, sums[i]); }
  }
}
