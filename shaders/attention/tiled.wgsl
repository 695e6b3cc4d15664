// Grouped-query attention for real GPUs, the forward pass; the maths is that of rows.wgsl (HEAD_DIM a multiple of 4).
//
// `forward`: a workgroup of 64 takes 32 queries of one head and walks over the union of their ranges in tiles of 32
// keys. `decode` is for few queries over a long cache: a workgroup per query and head, 64 keys at a time.
// Memory rule: every output is assigned (=), in a fixed order, without atomics.

import package::common::grid::{Grid, groupIndex};
import package::attention::operands::{N, MASKED, params, q, k, v, bounds, o, logSum, kvHeadOf, capped};
import package::attention::tile::{CHUNKS, Q, K, V, weights, queryTile, rangesOf, seeing, holdTile, loadRows, block};
import package::attention::tile::{ownPlace, plusWeighted};

const COLUMNS: u32 = min(N, 64u);   // decode: invocations over channels …
const SPLITS: u32 = 64u / COLUMNS;  // … and over keys

var<workgroup> partial: array<vec4f, 64>;  // [keys / 4][queries / 4]

@compute @workgroup_size(64)
fn forward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tile = queryTile(grid);
  if (tile.first >= params.queries) { return; }
  let mine = tile.first + 4u * (local / 8u);
  let ranges = rangesOf(mine);
  var acc: array<mat4x4f, CHUNKS>;
  var rowMax = vec4f(MASKED);
  var total = vec4f(0.0);
  for (var j = tile.span.x; j < tile.span.y; j += 32u) {
    var s = block(Q, tile.first, tile.head, K, j, tile.kvHead, local);
    let key = j + 4u * (local % 8u);
    var newMax = vec4f(MASKED);
    for (var i = 0u; i < 4u; i++) {
      s[i] = select(vec4f(MASKED), capped(params.scale * s[i]), seeing(ranges, key + i));
      newMax = max(newMax, s[i]);
    }
    partial[8u * (local % 8u) + local / 8u] = newMax;
    workgroupBarrier();
    newMax = rowMax;
    for (var i = 0u; i < 8u; i++) { newMax = max(newMax, partial[8u * i + local / 8u]); }
    let rescale = exp(rowMax - newMax);
    total *= rescale;
    for (var i = 0u; i < 4u; i++) {
      let p = select(vec4f(0.0), exp(s[i] - newMax), seeing(ranges, key + i));
      weights[ownPlace(i, local)] = p;
      total += p;
    }
    rowMax = newMax;
    let whole = holdTile(ranges, j);
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      loadRows(V, j, tile.kvHead, chunk, local);
      let a = acc[chunk];
      let rescaled = mat4x4f(a[0] * rescale.x, a[1] * rescale.y, a[2] * rescale.z, a[3] * rescale.w);
      acc[chunk] = plusWeighted(rescaled, whole, local);
    }
  }
  partial[8u * (local % 8u) + local / 8u] = total;
  workgroupBarrier();
  total = vec4f(0.0);
  for (var i = 0u; i < 8u; i++) { total += partial[8u * i + local / 8u]; }
  for (var r = 0u; r < 4u; r++) {
    let t = mine + r;
    if (t >= params.queries) { break; }
    let inverse = select(0.0, 1.0 / total[r], total[r] > 0.0);
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = 8u * chunk + local % 8u;
      if (quad < N) { o[(t * params.heads + tile.head) * N + quad] = acc[chunk][r] * inverse; }
    }
    if (local % 8u == 0u) { logSum[t * params.heads + tile.head] = rowMax[r] + log(max(total[r], 1.0e-37)); }
  }
}

var<workgroup> words: array<f32, 64>;  // scores of 64 keys, then partial sums of weights
var<workgroup> row: array<vec4f, 64>;  // the query, then partial sums

@compute @workgroup_size(64)
fn decode(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let flat = groupIndex(grid);
  let t = flat / params.heads;
  if (t >= params.queries) { return; }
  let head = flat % params.heads;
  let kvHead = kvHeadOf(head);
  let own = bounds[t].xy;
  if (local < N) { row[local] = q[(t * params.heads + head) * N + local] * params.scale; }
  workgroupBarrier();
  let column = local % COLUMNS;
  let split = local / COLUMNS;
  var acc = vec4f(0.0);
  var rowMax = MASKED;
  var total = 0.0;
  for (var first = own.x; first < own.y; first += 64u) {
    var score = MASKED;
    if (first + local < own.y) {
      let at = ((first + local) * params.kvHeads + kvHead) * N;
      score = 0.0;
      for (var c = 0u; c < N; c++) { score += dot(row[c], k[at + c]); }
      score = capped(vec4f(score)).x;
    }
    words[local] = score;
    workgroupBarrier();
    var newMax = rowMax;
    for (var i = 0u; i < 64u; i++) { newMax = max(newMax, words[i]); }
    let rescale = exp(rowMax - newMax);
    acc *= rescale;
    total *= rescale;
    if (split < SPLITS) {
      for (var i = split; i < min(64u, own.y - first); i += SPLITS) {
        let p = exp(words[i] - newMax);
        acc += p * v[((first + i) * params.kvHeads + kvHead) * N + column];
        total += p;
      }
    }
    rowMax = newMax;
    workgroupBarrier();
  }
  row[local] = acc;
  words[local] = total;
  workgroupBarrier();
  if (local >= COLUMNS) { return; }
  var sum = vec4f(0.0);
  var all = 0.0;
  for (var i = 0u; i < SPLITS; i++) {
    sum += row[i * COLUMNS + local];
    all += words[i * COLUMNS + local];
  }
  let inverse = select(0.0, 1.0 / all, all > 0.0);
  o[(t * params.heads + head) * N + local] = sum * inverse;
  if (local == 0u) { logSum[t * params.heads + head] = rowMax + log(max(all, 1.0e-37)); }
}
