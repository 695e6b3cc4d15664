// Grouped-query attention for real GPUs, the reverse pass; the maths is that of rows.wgsl (HEAD_DIM a multiple of 4).
//
// A workgroup of 64 takes 32 rows of one head, queries in `backward_queries`, keys in the other two, and walks over the
// union of their ranges in tiles of 32 rows. Probabilities are computed again, from l.
// Memory rule: every output is assigned (=), in a fixed order, without atomics.

import package::common::grid::Grid;
import package::attention::operands::{N, params, lse, pair, dq, dk, dv, capped, slope};
import package::attention::tile::{CHUNKS, Q, K, V, D_OUT, right, weights, queryTile, keyTile, range, rangesOf};
import package::attention::tile::{ownKeys, seeing, holdTile, loadRows, block};
import package::attention::tile::{ownPlace, place, plusRow, plusPartOfRow, plusWeighted};

var<workgroup> slopes: array<vec4f, 256>;  // [inner row][outer rows / 4]: weights of a second sum

// Sums of the invocation's four outer rows, channels 4 (local % 8) … of each chunk.
alias Sums = array<mat4x4f, CHUNKS>;

// As plusWeighted, by `slopes`.
fn plusSloped(sums: mat4x4f, whole: bool, local: u32) -> mat4x4f {
  var a = sums;
  if (whole) {
    for (var i = 0u; i < 32u; i++) { a = plusRow(a, slopes[place(i, local)], right[8u * i + local % 8u]); }
  } else {
    for (var i = 0u; i < 32u; i++) { a = plusPartOfRow(a, slopes[place(i, local)], right[8u * i + local % 8u]); }
  }
  return a;
}

fn pairOf(t: u32, head: u32) -> vec2f { return pair[min(t, params.queries - 1u) * params.heads + head]; }

// Where the outer row `row` of a chunk begins; false for channels beyond the last.
struct Quad { at: u32, inside: bool }

fn quadOf(row: u32, chunk: u32, local: u32) -> Quad {
  let quad = 8u * chunk + local % 8u;
  return Quad(row * N + quad, quad < N);
}

@compute @workgroup_size(64)
fn backward_queries(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tile = queryTile(grid);
  if (tile.first >= params.queries) { return; }
  let mine = tile.first + 4u * (local / 8u);
  let ranges = rangesOf(mine);
  let p0 = pairOf(mine, tile.head);
  let p1 = pairOf(mine + 1u, tile.head);
  let p2 = pairOf(mine + 2u, tile.head);
  let p3 = pairOf(mine + 3u, tile.head);
  let logs = vec4f(p0.x, p1.x, p2.x, p3.x);
  let deltas = vec4f(p0.y, p1.y, p2.y, p3.y);
  var acc: Sums;
  for (var j = tile.span.x; j < tile.span.y; j += 32u) {
    let s = block(Q, tile.first, tile.head, K, j, tile.kvHead, local);
    let dp = block(D_OUT, tile.first, tile.head, V, j, tile.kvHead, local);
    let key = j + 4u * (local % 8u);
    for (var i = 0u; i < 4u; i++) {
      let score = capped(params.scale * s[i]);
      let ds = exp(score - logs) * (dp[i] - deltas) * slope(score);
      weights[ownPlace(i, local)] = select(vec4f(0.0), ds, seeing(ranges, key + i));
    }
    let whole = holdTile(ranges, j);
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      loadRows(K, j, tile.kvHead, chunk, local);
      acc[chunk] = plusWeighted(acc[chunk], whole, local);
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (mine + r >= params.queries) { break; }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = quadOf((mine + r) * params.heads + tile.head, chunk, local);
      if (quad.inside) { dq[quad.at] = acc[chunk][r] * params.scale; }
    }
  }
}

@compute @workgroup_size(64)
fn backward_values(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tile = keyTile(grid);
  if (tile.first >= params.keys) { return; }
  let perGroup = params.heads / params.kvHeads;
  let own = ownKeys(tile, local);
  var acc: Sums;
  for (var head = tile.head * perGroup; head < (tile.head + 1u) * perGroup; head++) {
    for (var t = tile.span.x; t < tile.span.y; t += 32u) {
      let s = block(K, tile.first, tile.head, Q, t, head, local);
      for (var i = 0u; i < 4u; i++) {
        let query = t + 4u * (local % 8u) + i;
        let r = range(query);
        let inside = (own.keys >= vec4u(r.x)) & (own.keys < vec4u(r.y));
        let l = lse[min(query, params.queries - 1u) * params.heads + head];
        let p = exp(capped(params.scale * s[i]) - l);
        weights[ownPlace(i, local)] = select(vec4f(0.0), p, inside);
      }
      let whole = holdTile(own.ranges, t);
      for (var chunk = 0u; chunk < CHUNKS; chunk++) {
        loadRows(D_OUT, t, head, chunk, local);
        acc[chunk] = plusWeighted(acc[chunk], whole, local);
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (own.first + r >= params.keys) { break; }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = quadOf((own.first + r) * params.kvHeads + tile.head, chunk, local);
      if (quad.inside) { dv[quad.at] = acc[chunk][r]; }
    }
  }
}

@compute @workgroup_size(64)
fn backward_keys_values(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tile = keyTile(grid);
  if (tile.first >= params.keys) { return; }
  let perGroup = params.heads / params.kvHeads;
  let own = ownKeys(tile, local);
  var accK: Sums;
  var accV: Sums;
  for (var head = tile.head * perGroup; head < (tile.head + 1u) * perGroup; head++) {
    for (var t = tile.span.x; t < tile.span.y; t += 32u) {
      let s = block(K, tile.first, tile.head, Q, t, head, local);
      let dp = block(V, tile.first, tile.head, D_OUT, t, head, local);
      for (var i = 0u; i < 4u; i++) {
        let query = t + 4u * (local % 8u) + i;
        let r = range(query);
        let inside = (own.keys >= vec4u(r.x)) & (own.keys < vec4u(r.y));
        let both = pairOf(query, head);
        let score = capped(params.scale * s[i]);
        let p = select(vec4f(0.0), exp(score - both.x), inside);
        let at = ownPlace(i, local);
        weights[at] = p;
        slopes[at] = select(vec4f(0.0), p * (dp[i] - both.y) * slope(score), inside);
      }
      let whole = holdTile(own.ranges, t);
      for (var chunk = 0u; chunk < CHUNKS; chunk++) {
        loadRows(D_OUT, t, head, chunk, local);
        accV[chunk] = plusWeighted(accV[chunk], whole, local);
        loadRows(Q, t, head, chunk, local);
        accK[chunk] = plusSloped(accK[chunk], whole, local);
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (own.first + r >= params.keys) { break; }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = quadOf((own.first + r) * params.kvHeads + tile.head, chunk, local);
      if (!quad.inside) { continue; }
      dk[quad.at] = accK[chunk][r] * params.scale;
      dv[quad.at] = accV[chunk][r];
    }
  }
}
