// What the kernels of tiled.wgsl and tiled_backward.wgsl share: where a workgroup's 32 rows lie, and blocks of 32 × 32
// products.
//
// An invocation has 4 × 4 results of a block, 8 × 8 invocations the block; channels go in chunks of 32 through
// workgroup memory:
//
//     block[i] (vec4 over 4 outer rows) = Σ_c left[c][outer] · right[c][inner i]         left, right: transposed, 4 KiB
//     each
//     acc[r]   (vec4 over 4 channels)  += Σ_j weights[j][outer r] · right[j][channels]   right: as stored
//
// Rows of the other side in which some outer row has no part lie in the same tile. Their weight is 0, and where they
// hold NaN or infinities 0 times them would be NaN: tiles that are not seen whole are added up without them.

import package::common::grid::{Grid, groupIndex};
import package::attention::operands::{N, params, q, k, v, bounds, dOut, kvHeadOf};

const CHUNKS: u32 = (N + 7u) / 8u;  // of 8 quads of channels

// Sources of `fetch`.
const Q: u32 = 0u;
const K: u32 = 1u;
const V: u32 = 2u;
const D_OUT: u32 = 3u;

var<workgroup> left: array<vec4f, 256>;   // [channel][outer rows / 4]
var<workgroup> right: array<vec4f, 256>;  // [channel][inner rows / 4], or [inner row][channels / 4]
var<workgroup> weights: array<vec4f, 256>;  // [inner row][outer rows / 4]

// The rows of a workgroup, 32 of one head; kvHead: its head of k and v; span: the union of the ranges that the rows see
// (of keys: by which they are seen).
struct Tile { first: u32, head: u32, kvHead: u32, span: vec2u }

fn queryTile(grid: Grid) -> Tile {
  let flat = groupIndex(grid);
  let first = flat / params.heads * 32u;
  let head = flat % params.heads;
  return Tile(first, head, kvHeadOf(head), spanOf(first, params.queries, params.keys, false));
}

fn keyTile(grid: Grid) -> Tile {
  let flat = groupIndex(grid);
  let first = flat / params.kvHeads * 32u;
  let head = flat % params.kvHeads;
  return Tile(first, head, head, spanOf(first, params.keys, params.queries, true));
}

// Of 32 of `rows` rows, over `others` rows.
fn spanOf(first: u32, rows: u32, others: u32, ofKeys: bool) -> vec2u {
  var low = others;
  var high = 0u;
  for (var t = first; t < min(first + 32u, rows); t++) {
    let b = select(bounds[t].xy, bounds[t].zw, ofKeys);
    if (b.x < b.y) { low = min(low, b.x); high = max(high, b.y); }
  }
  return vec2u(low, min(high, others));
}

// The key range of a query; empty beyond the last one.
fn range(t: u32) -> vec2u {
  if (t >= params.queries) { return vec2u(0u); }
  return bounds[t].xy;
}

// The key ranges of the queries t … t + 3.
struct Ranges { begins: vec4u, ends: vec4u }

fn rangesOf(t: u32) -> Ranges {
  let r0 = range(t);
  let r1 = range(t + 1u);
  let r2 = range(t + 2u);
  let r3 = range(t + 3u);
  return Ranges(vec4u(r0.x, r1.x, r2.x, r3.x), vec4u(r0.y, r1.y, r2.y, r3.y));
}

// The ranges of queries that see the keys j … j + 3; keys beyond the last one repeat it.
fn rangesOfKeys(j: u32) -> Ranges {
  let js = min(vec4u(j, j + 1u, j + 2u, j + 3u), vec4u(params.keys - 1u));
  let r0 = bounds[js.x].zw;
  let r1 = bounds[js.y].zw;
  let r2 = bounds[js.z].zw;
  let r3 = bounds[js.w].zw;
  return Ranges(vec4u(r0.x, r1.x, r2.x, r3.x), vec4u(r0.y, r1.y, r2.y, r3.y));
}

// The four keys of a thread, and which queries see them.
struct OwnKeys { first: u32, keys: vec4u, ranges: Ranges }

fn ownKeys(tile: Tile, local: u32) -> OwnKeys {
  let first = tile.first + 4u * (local / 8u);
  return OwnKeys(first, vec4u(first, first + 1u, first + 2u, first + 3u), rangesOfKeys(first));
}

// Which of the queries see key j.
fn seeing(ranges: Ranges, j: u32) -> vec4<bool> { return (vec4u(j) >= ranges.begins) & (vec4u(j) < ranges.ends); }

// Whether each of the four ranges holds all of the rows first … first + 31.
fn holdTile(ranges: Ranges, first: u32) -> bool {
  return all(ranges.begins <= vec4u(first)) && all(ranges.ends >= vec4u(first + 32u));
}

// Four channels of a row; zeros beyond the last row and channel.
fn fetch(source: u32, row: u32, head: u32, quad: u32) -> vec4f {
  if (quad >= N) { return vec4f(0.0); }
  if (source == Q || source == D_OUT) {
    if (row >= params.queries) { return vec4f(0.0); }
    let at = (row * params.heads + head) * N + quad;
    if (source == Q) { return q[at]; }
    return dOut[at];
  }
  if (row >= params.keys) { return vec4f(0.0); }
  let at = (row * params.kvHeads + head) * N + quad;
  if (source == K) { return k[at]; }
  return v[at];
}

// 4 × 4 block (rows 4i…, quad) of a 32 × 32 chunk, transposed.
fn transposed(source: u32, first: u32, head: u32, chunk: u32, local: u32) -> mat4x4f {
  let row = first + 4u * (local % 8u);
  let quad = 8u * chunk + local / 8u;
  return transpose(mat4x4f(
    fetch(source, row, head, quad),
    fetch(source, row + 1u, head, quad),
    fetch(source, row + 2u, head, quad),
    fetch(source, row + 3u, head, quad),
  ));
}

// right[row][quad], as stored.
fn loadRows(source: u32, first: u32, head: u32, chunk: u32, local: u32) {
  workgroupBarrier();
  for (var i = local; i < 256u; i += 64u) { right[i] = fetch(source, first + i / 8u, head, 8u * chunk + i % 8u); }
  workgroupBarrier();
}

// Products of the invocation's 4 × 4 block: sources `a` (outer rows) and `b` (inner rows).
fn block(a: u32, firstA: u32, headA: u32, b: u32, firstB: u32, headB: u32, local: u32) -> mat4x4f {
  var r0 = vec4f(0.0);
  var r1 = vec4f(0.0);
  var r2 = vec4f(0.0);
  var r3 = vec4f(0.0);
  let at = 32u * (local / 8u) + local % 8u;
  for (var chunk = 0u; chunk < CHUNKS; chunk++) {
    workgroupBarrier();
    let outer = transposed(a, firstA, headA, chunk, local);
    left[at] = outer[0]; left[at + 8u] = outer[1]; left[at + 16u] = outer[2]; left[at + 24u] = outer[3];
    let inner = transposed(b, firstB, headB, chunk, local);
    right[at] = inner[0]; right[at + 8u] = inner[1]; right[at + 16u] = inner[2]; right[at + 24u] = inner[3];
    workgroupBarrier();
    for (var c = 0u; c < 32u; c++) {
      let x = left[8u * c + local / 8u];
      let y = right[8u * c + local % 8u];
      r0 += x * y.x;
      r1 += x * y.y;
      r2 += x * y.z;
      r3 += x * y.w;
    }
  }
  return mat4x4f(r0, r1, r2, r3);
}

// The place of the invocation's weights for inner row i of its four, and of what it reads for inner row i of 32.
fn ownPlace(i: u32, local: u32) -> u32 { return 8u * (4u * (local % 8u) + i) + local / 8u; }
fn place(i: u32, local: u32) -> u32 { return 8u * i + local / 8u; }

// Four channels of the four outer rows, plus an inner row by its weights.
fn plusRow(sums: mat4x4f, w: vec4f, x: vec4f) -> mat4x4f {
  return mat4x4f(sums[0] + w.x * x, sums[1] + w.y * x, sums[2] + w.z * x, sums[3] + w.w * x);
}

// The same without the outer rows in which the inner one has no part, whatever it holds.
fn plusPartOfRow(sums: mat4x4f, w: vec4f, x: vec4f) -> mat4x4f {
  return mat4x4f(
    sums[0] + w.x * select(vec4f(), x, w.x != 0.0),
    sums[1] + w.y * select(vec4f(), x, w.y != 0.0),
    sums[2] + w.z * select(vec4f(), x, w.z != 0.0),
    sums[3] + w.w * select(vec4f(), x, w.w != 0.0),
  );
}

// Plus the 32 rows in `right` by `weights`; whole: each outer row has a part in all of them.
fn plusWeighted(sums: mat4x4f, whole: bool, local: u32) -> mat4x4f {
  var a = sums;
  if (whole) {
    for (var i = 0u; i < 32u; i++) { a = plusRow(a, weights[place(i, local)], right[8u * i + local % 8u]); }
  } else {
    for (var i = 0u; i < 32u; i++) { a = plusPartOfRow(a, weights[place(i, local)], right[8u * i + local % 8u]); }
  }
  return a;
}
