// Grouped-query attention over packed sequences, one invocation per query (or per key in the reverse pass), without the
// tokens × tokens matrix: online softmax (Milakov & Gimelshein 2018, arXiv 1805.02867; Dao et al. 2022, arXiv
// 2205.14135).
//
// Query t sees the keys [bounds[t].x, bounds[t].y); key s is seen only by queries in [bounds[s].z, bounds[s].w).
// Head h of q uses head h / (heads / kvHeads) of k and v.
//
//   s_tj = scale · q_t·k_j    l_t = log Σ_j exp(s_tj)    p_tj = exp(s_tj − l_t)    o_t = Σ_j p_tj v_j
//   δ_t  = ∂o_t·o_t           ∂s_tj = p_tj (∂o_t·v_j − δ_t)
//   ∂q_t = scale · Σ_j ∂s_tj k_j     ∂k_j = scale · Σ_t ∂s_tj q_t     ∂v_j = Σ_t p_tj ∂o_t
//
// With SOFTCAP the score is s = softcap · tanh(scale · q·k / softcap), and ∂s gets the factor 1 − (s / softcap)².
//
// An invocation walks over its own range, four rows at a time; a row beyond its end has weight 0. No shared memory, no
// barrier: the variant for software adapters (tiled.wgsl is the one for real GPUs).
// Memory rule: every output is assigned (=); sums over queries run in a fixed order in one invocation, without atomics.
//
// `params.lanes` is N again. Loops count to it and not to the constant, so that no compiler unrolls them: Mesa took
// minutes for that and the result was slower.

import package::common::grid::{Grid, groupIndex};
import package::attention::operands::{Lane, N, MASKED, params, q, k, v, bounds, o, logSum};
import package::attention::operands::{out, dOut, lse, pairs, pair, dq, dk, dv};
import package::attention::operands::{queryRow, keyRow, kvHeadOf, capped, slope};

const TILE: u32 = 32u;  // queries or keys of a workgroup

// The query or the key of an invocation, and where it begins.
struct Own { row: u32, head: u32, at: u32 }

fn ownQuery(grid: Grid, local: u32) -> Own {
  let flat = groupIndex(grid);
  let head = flat % params.heads;
  let t = flat / params.heads * TILE + local;
  return Own(t, head, queryRow(t, head));
}

fn ownKey(grid: Grid, local: u32) -> Own {
  let flat = groupIndex(grid);
  let kvHead = flat % params.kvHeads;
  let j = flat / params.kvHeads * TILE + local;
  return Own(j, kvHead, keyRow(j, kvHead));
}

// Where four rows begin, and which of them count. Rows beyond the last repeat it.
struct Four { at: vec4u, inside: vec4<bool> }

// The keys j … j + 3 of [.., end).
fn keysFrom(j: u32, end: u32, kvHead: u32) -> Four {
  let js = vec4u(j, j + 1u, j + 2u, j + 3u);
  let safe = min(js, vec4u(end - 1u));
  return Four((safe * params.kvHeads + kvHead) * N, js < vec4u(end));
}

// Does query t see key j?
fn sees(t: u32, j: u32) -> bool { return j >= bounds[t].x && j < bounds[t].y; }

// The queries t … t + 3 of [.., end), of which those count that see key j.
fn queriesFrom(t: u32, end: u32, head: u32, j: u32) -> Four {
  let last = end - 1u;
  let ts = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(last));
  let inside = vec4<bool>(
    sees(ts.x, j),
    t + 1u <= last && sees(ts.y, j),
    t + 2u <= last && sees(ts.z, j),
    t + 3u <= last && sees(ts.w, j),
  );
  return Four((ts * params.heads + head) * N, inside);
}

// Products of a lane with lane c of four rows.
fn dotsK(a: Lane, at: vec4u, c: u32) -> vec4f {
  return vec4f(dot(a, k[at.x + c]), dot(a, k[at.y + c]), dot(a, k[at.z + c]), dot(a, k[at.w + c]));
}
fn dotsV(a: Lane, at: vec4u, c: u32) -> vec4f {
  return vec4f(dot(a, v[at.x + c]), dot(a, v[at.y + c]), dot(a, v[at.z + c]), dot(a, v[at.w + c]));
}
fn dotsQ(a: Lane, at: vec4u, c: u32) -> vec4f {
  return vec4f(dot(a, q[at.x + c]), dot(a, q[at.y + c]), dot(a, q[at.z + c]), dot(a, q[at.w + c]));
}
fn dotsDOut(a: Lane, at: vec4u, c: u32) -> vec4f {
  return vec4f(dot(a, dOut[at.x + c]), dot(a, dOut[at.y + c]), dot(a, dOut[at.z + c]), dot(a, dOut[at.w + c]));
}

// Sums of lane c of four rows by their weights.
fn sumK(w: vec4f, at: vec4u, c: u32) -> Lane {
  return w.x * k[at.x + c] + w.y * k[at.y + c] + w.z * k[at.z + c] + w.w * k[at.w + c];
}
fn sumV(w: vec4f, at: vec4u, c: u32) -> Lane {
  return w.x * v[at.x + c] + w.y * v[at.y + c] + w.z * v[at.z + c] + w.w * v[at.w + c];
}
fn sumQ(w: vec4f, at: vec4u, c: u32) -> Lane {
  return w.x * q[at.x + c] + w.y * q[at.y + c] + w.z * q[at.z + c] + w.w * q[at.w + c];
}
fn sumDOut(w: vec4f, at: vec4u, c: u32) -> Lane {
  return w.x * dOut[at.x + c] + w.y * dOut[at.y + c] + w.z * dOut[at.z + c] + w.w * dOut[at.w + c];
}

@compute @workgroup_size(TILE)
fn forward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let own = ownQuery(grid, local);
  if (own.row >= params.queries) { return; }
  let range = bounds[own.row];
  let kvHead = kvHeadOf(own.head);
  var query: array<Lane, N>;
  var sum: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) { query[c] = q[own.at + c] * params.scale; sum[c] = Lane(0.0); }
  var rowMax = MASKED;
  var weights = 0.0;
  for (var j = range.x; j < range.y; j += 4u) {
    let keys = keysFrom(j, range.y, kvHead);
    var score = vec4f(0.0);
    for (var c = 0u; c < params.lanes; c++) { score += dotsK(query[c], keys.at, c); }
    score = capped(score);
    let newMax = max(rowMax, max(max(score.x, score.y), max(score.z, score.w)));
    let p = select(vec4f(0.0), exp(score - newMax), keys.inside);
    let rescale = exp(rowMax - newMax);
    weights = weights * rescale + (p.x + p.y + p.z + p.w);
    for (var c = 0u; c < params.lanes; c++) { sum[c] = sum[c] * rescale + sumV(p, keys.at, c); }
    rowMax = newMax;
  }
  let inverse = select(0.0, 1.0 / weights, weights > 0.0);
  for (var c = 0u; c < params.lanes; c++) { o[own.at + c] = sum[c] * inverse; }
  logSum[own.row * params.heads + own.head] = rowMax + log(max(weights, 1.0e-37));
}

@compute @workgroup_size(64)
fn row_delta(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  if (i >= params.queries * params.heads) { return; }
  var sum = 0.0;
  for (var c = 0u; c < params.lanes; c++) { sum += dot(out[i * N + c], dOut[i * N + c]); }
  pairs[i] = vec2f(lse[i], sum);
}

@compute @workgroup_size(TILE)
fn backward_queries(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let own = ownQuery(grid, local);
  if (own.row >= params.queries) { return; }
  let range = bounds[own.row];
  let kvHead = kvHeadOf(own.head);
  let both = pair[own.row * params.heads + own.head];
  var query: array<Lane, N>;
  var dOutput: array<Lane, N>;
  var sum: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) {
    query[c] = q[own.at + c] * params.scale;
    dOutput[c] = dOut[own.at + c];
    sum[c] = Lane(0.0);
  }
  for (var j = range.x; j < range.y; j += 4u) {
    let keys = keysFrom(j, range.y, kvHead);
    var score = vec4f(0.0);
    var dp = vec4f(0.0);
    for (var c = 0u; c < params.lanes; c++) {
      score += dotsK(query[c], keys.at, c);
      dp += dotsV(dOutput[c], keys.at, c);
    }
    score = capped(score);
    let ds = select(vec4f(0.0), exp(score - both.x) * (dp - both.y) * slope(score), keys.inside);
    for (var c = 0u; c < params.lanes; c++) { sum[c] += sumK(ds, keys.at, c); }
  }
  for (var c = 0u; c < params.lanes; c++) { dq[own.at + c] = sum[c] * params.scale; }
}

@compute @workgroup_size(TILE)
fn backward_values(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let own = ownKey(grid, local);
  if (own.row >= params.keys) { return; }
  let range = bounds[own.row];
  let perGroup = params.heads / params.kvHeads;
  var key: array<Lane, N>;
  var sum: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) { key[c] = k[own.at + c] * params.scale; sum[c] = Lane(0.0); }
  for (var head = own.head * perGroup; head < (own.head + 1u) * perGroup; head++) {
    for (var t = range.z; t < range.w; t += 4u) {
      let queries = queriesFrom(t, range.w, head, own.row);
      var score = vec4f(0.0);
      for (var c = 0u; c < params.lanes; c++) { score += dotsQ(key[c], queries.at, c); }
      let rows = queries.at / N;
      let ls = vec4f(lse[rows.x], lse[rows.y], lse[rows.z], lse[rows.w]);
      let p = select(vec4f(0.0), exp(capped(score) - ls), queries.inside);
      for (var c = 0u; c < params.lanes; c++) { sum[c] += sumDOut(p, queries.at, c); }
    }
  }
  for (var c = 0u; c < params.lanes; c++) { dv[own.at + c] = sum[c]; }
}

@compute @workgroup_size(TILE)
fn backward_keys_values(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let own = ownKey(grid, local);
  if (own.row >= params.keys) { return; }
  let range = bounds[own.row];
  let perGroup = params.heads / params.kvHeads;
  var key: array<Lane, N>;
  var value: array<Lane, N>;
  var dKey: array<Lane, N>;
  var dValue: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) {
    key[c] = k[own.at + c] * params.scale;
    value[c] = v[own.at + c];
    dKey[c] = Lane(0.0);
    dValue[c] = Lane(0.0);
  }
  for (var head = own.head * perGroup; head < (own.head + 1u) * perGroup; head++) {
    for (var t = range.z; t < range.w; t += 4u) {
      let queries = queriesFrom(t, range.w, head, own.row);
      var score = vec4f(0.0);
      var dp = vec4f(0.0);
      for (var c = 0u; c < params.lanes; c++) {
        score += dotsQ(key[c], queries.at, c);
        dp += dotsDOut(value[c], queries.at, c);
      }
      score = capped(score);
      let rows = queries.at / N;
      let b0 = pair[rows.x];
      let b1 = pair[rows.y];
      let b2 = pair[rows.z];
      let b3 = pair[rows.w];
      let p = select(vec4f(0.0), exp(score - vec4f(b0.x, b1.x, b2.x, b3.x)), queries.inside);
      let ds = p * (dp - vec4f(b0.y, b1.y, b2.y, b3.y)) * slope(score);
      for (var c = 0u; c < params.lanes; c++) {
        dValue[c] += sumDOut(p, queries.at, c);
        dKey[c] += sumQ(ds, queries.at, c);
      }
    }
  }
  for (var c = 0u; c < params.lanes; c++) {
    dk[own.at + c] = dKey[c] * params.scale;
    dv[own.at + c] = dValue[c];
  }
}
