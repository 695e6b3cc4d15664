// Grouped-query attention over packed sequences, one invocation per query (or per key in the reverse pass), without the
// tokens × tokens matrix: online softmax (Milakov & Gimelshein 2018, arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135).
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
// barrier: the variant for software adapters (attention_tiled.wgsl is the one for real GPUs).
// Memory rule: every output is assigned (=); sums over queries run in a fixed order in one invocation, without atomics.

import host::Params;

// PAIRS: HEAD_DIM is no multiple of 4.
@if(PAIRS) alias Lane = vec2f;
@else alias Lane = vec4f;
@if(PAIRS) const LANES: u32 = 2u;
@else const LANES: u32 = 4u;
const HEAD_DIM: u32 = 64u;
const N: u32 = HEAD_DIM / LANES;
const TILE: u32 = 32u;
const SOFTCAP: bool = false;
const NOTHING: f32 = -3.0e38; // a score that weighs nothing and can still be subtracted from itself

// `lanes` is N again. Loops count to it and not to the constant, so that no compiler unrolls them: Mesa took minutes for that
// and the result was slower.
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Lane>;
@group(0) @binding(2) var<storage, read> k: array<Lane>;
@group(0) @binding(3) var<storage, read> v: array<Lane>;
@group(0) @binding(4) var<storage, read> bounds: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> o: array<Lane>;
@group(0) @binding(6) var<storage, read_write> logSum: array<f32>;
@group(0) @binding(7) var<storage, read> out: array<Lane>;
@group(0) @binding(8) var<storage, read> dOut: array<Lane>;
@group(0) @binding(9) var<storage, read> lse: array<f32>;
@group(0) @binding(10) var<storage, read_write> pairs: array<vec2f>; // (l, δ) of a query and head
@group(0) @binding(11) var<storage, read> pair: array<vec2f>;
@group(0) @binding(12) var<storage, read_write> dq: array<Lane>;
@group(0) @binding(13) var<storage, read_write> dk: array<Lane>;
@group(0) @binding(14) var<storage, read_write> dv: array<Lane>;

fn queryRow(t: u32, head: u32) -> u32 { return (t * params.heads + head) * N; }
fn keyRow(j: u32, head: u32) -> u32 { return (j * params.kvHeads + head) * N; }

// SOFTCAP (Gemma 2, arXiv 2408.00118): a score u = scale · q·k becomes softcap · tanh(u / softcap). tanh by exp of negative numbers,
// which cannot overflow, and near zero by its continued fraction, which does not cancel.
fn capped(score: vec4f) -> vec4f {
  if (!SOFTCAP) { return score; }
  let z = score / params.softcap;
  let a = min(abs(z), vec4f(20.0));
  let square = a * a;
  let e = exp(-2.0 * a);
  let near = a * (945.0 + square * (105.0 + square)) / (945.0 + square * (420.0 + 15.0 * square));
  return params.softcap * sign(z) * select((1.0 - e) / (1.0 + e), near, a < vec4f(0.5));
}

// The derivative of `capped`, by its value.
fn slope(score: vec4f) -> vec4f {
  if (!SOFTCAP) { return vec4f(1.0); }
  let t = score / params.softcap;
  return 1.0 - t * t;
}

@compute @workgroup_size(TILE)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let head = flat % params.heads;
  let t = flat / params.heads * TILE + local;
  if (t >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let own = bounds[t];
  let at = queryRow(t, head);
  var query: array<Lane, N>;
  var sum: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) { query[c] = q[at + c] * params.scale; sum[c] = Lane(0.0); }
  var most = NOTHING;
  var weights = 0.0;
  for (var j = own.x; j < own.y; j += 4u) {
    let js = vec4u(j, j + 1u, j + 2u, j + 3u);
    let inside = js < vec4u(own.y);
    let safe = min(js, vec4u(own.y - 1u));
    let k0 = keyRow(safe.x, kvHead);
    let k1 = keyRow(safe.y, kvHead);
    let k2 = keyRow(safe.z, kvHead);
    let k3 = keyRow(safe.w, kvHead);
    var score = vec4f(0.0);
    for (var c = 0u; c < params.lanes; c++) {
      let a = query[c];
      score += vec4f(dot(a, k[k0 + c]), dot(a, k[k1 + c]), dot(a, k[k2 + c]), dot(a, k[k3 + c]));
    }
    score = capped(score);
    let peak = max(most, max(max(score.x, score.y), max(score.z, score.w)));
    let p = select(vec4f(0.0), exp(score - peak), inside);
    let keep = exp(most - peak);
    weights = weights * keep + (p.x + p.y + p.z + p.w);
    for (var c = 0u; c < params.lanes; c++) {
      sum[c] = sum[c] * keep + (p.x * v[k0 + c] + p.y * v[k1 + c] + p.z * v[k2 + c] + p.w * v[k3 + c]);
    }
    most = peak;
  }
  let inverse = select(0.0, 1.0 / weights, weights > 0.0);
  for (var c = 0u; c < params.lanes; c++) { o[at + c] = sum[c] * inverse; }
  logSum[t * params.heads + head] = most + log(max(weights, 1.0e-37));
}

@compute @workgroup_size(64)
fn row_delta(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= params.queries * params.heads) { return; }
  var sum = 0.0;
  for (var c = 0u; c < params.lanes; c++) { sum += dot(out[i * N + c], dOut[i * N + c]); }
  pairs[i] = vec2f(lse[i], sum);
}

@compute @workgroup_size(TILE)
fn backward_queries(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let head = flat % params.heads;
  let t = flat / params.heads * TILE + local;
  if (t >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let own = bounds[t];
  let at = queryRow(t, head);
  let both = pair[t * params.heads + head];
  var query: array<Lane, N>;
  var dOutput: array<Lane, N>;
  var sum: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) { query[c] = q[at + c] * params.scale; dOutput[c] = dOut[at + c]; sum[c] = Lane(0.0); }
  for (var j = own.x; j < own.y; j += 4u) {
    let js = vec4u(j, j + 1u, j + 2u, j + 3u);
    let inside = js < vec4u(own.y);
    let safe = min(js, vec4u(own.y - 1u));
    let k0 = keyRow(safe.x, kvHead);
    let k1 = keyRow(safe.y, kvHead);
    let k2 = keyRow(safe.z, kvHead);
    let k3 = keyRow(safe.w, kvHead);
    var score = vec4f(0.0);
    var dp = vec4f(0.0);
    for (var c = 0u; c < params.lanes; c++) {
      let a = query[c];
      score += vec4f(dot(a, k[k0 + c]), dot(a, k[k1 + c]), dot(a, k[k2 + c]), dot(a, k[k3 + c]));
      let b = dOutput[c];
      dp += vec4f(dot(b, v[k0 + c]), dot(b, v[k1 + c]), dot(b, v[k2 + c]), dot(b, v[k3 + c]));
    }
    score = capped(score);
    let ds = select(vec4f(0.0), exp(score - both.x) * (dp - both.y) * slope(score), inside);
    for (var c = 0u; c < params.lanes; c++) {
      sum[c] += ds.x * k[k0 + c] + ds.y * k[k1 + c] + ds.z * k[k2 + c] + ds.w * k[k3 + c];
    }
  }
  for (var c = 0u; c < params.lanes; c++) { dq[at + c] = sum[c] * params.scale; }
}

// Does query t see key j?
fn sees(t: u32, j: u32) -> bool { return j >= bounds[t].x && j < bounds[t].y; }

@compute @workgroup_size(TILE)
fn backward_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let kvHead = flat % params.kvHeads;
  let j = flat / params.kvHeads * TILE + local;
  if (j >= params.keys) { return; }
  let own = bounds[j];
  let at = keyRow(j, kvHead);
  let perGroup = params.heads / params.kvHeads;
  var key: array<Lane, N>;
  var sum: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) { key[c] = k[at + c] * params.scale; sum[c] = Lane(0.0); }
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = own.z; t < own.w; t += 4u) {
      let last = own.w - 1u;
      let ts = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(last));
      let inside = vec4<bool>(sees(ts.x, j), t + 1u <= last && sees(ts.y, j), t + 2u <= last && sees(ts.z, j), t + 3u <= last && sees(ts.w, j));
      let q0 = queryRow(ts.x, head);
      let q1 = queryRow(ts.y, head);
      let q2 = queryRow(ts.z, head);
      let q3 = queryRow(ts.w, head);
      var score = vec4f(0.0);
      for (var c = 0u; c < params.lanes; c++) {
        let a = key[c];
        score += vec4f(dot(a, q[q0 + c]), dot(a, q[q1 + c]), dot(a, q[q2 + c]), dot(a, q[q3 + c]));
      }
      score = capped(score);
      let ls = vec4f(lse[q0 / N], lse[q1 / N], lse[q2 / N], lse[q3 / N]);
      let p = select(vec4f(0.0), exp(score - ls), inside);
      for (var c = 0u; c < params.lanes; c++) {
        sum[c] += p.x * dOut[q0 + c] + p.y * dOut[q1 + c] + p.z * dOut[q2 + c] + p.w * dOut[q3 + c];
      }
    }
  }
  for (var c = 0u; c < params.lanes; c++) { dv[at + c] = sum[c]; }
}

@compute @workgroup_size(TILE)
fn backward_keys_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let kvHead = flat % params.kvHeads;
  let j = flat / params.kvHeads * TILE + local;
  if (j >= params.keys) { return; }
  let own = bounds[j];
  let at = keyRow(j, kvHead);
  let perGroup = params.heads / params.kvHeads;
  var key: array<Lane, N>;
  var value: array<Lane, N>;
  var sumK: array<Lane, N>;
  var sumV: array<Lane, N>;
  for (var c = 0u; c < params.lanes; c++) {
    key[c] = k[at + c] * params.scale;
    value[c] = v[at + c];
    sumK[c] = Lane(0.0);
    sumV[c] = Lane(0.0);
  }
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = own.z; t < own.w; t += 4u) {
      let last = own.w - 1u;
      let ts = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(last));
      let inside = vec4<bool>(sees(ts.x, j), t + 1u <= last && sees(ts.y, j), t + 2u <= last && sees(ts.z, j), t + 3u <= last && sees(ts.w, j));
      let q0 = queryRow(ts.x, head);
      let q1 = queryRow(ts.y, head);
      let q2 = queryRow(ts.z, head);
      let q3 = queryRow(ts.w, head);
      var score = vec4f(0.0);
      var dp = vec4f(0.0);
      for (var c = 0u; c < params.lanes; c++) {
        let a = key[c];
        score += vec4f(dot(a, q[q0 + c]), dot(a, q[q1 + c]), dot(a, q[q2 + c]), dot(a, q[q3 + c]));
        let b = value[c];
        dp += vec4f(dot(b, dOut[q0 + c]), dot(b, dOut[q1 + c]), dot(b, dOut[q2 + c]), dot(b, dOut[q3 + c]));
      }
      score = capped(score);
      let b0 = pair[q0 / N];
      let b1 = pair[q1 / N];
      let b2 = pair[q2 / N];
      let b3 = pair[q3 / N];
      let p = select(vec4f(0.0), exp(score - vec4f(b0.x, b1.x, b2.x, b3.x)), inside);
      let ds = p * (dp - vec4f(b0.y, b1.y, b2.y, b3.y)) * slope(score);
      for (var c = 0u; c < params.lanes; c++) {
        sumV[c] += p.x * dOut[q0 + c] + p.y * dOut[q1 + c] + p.z * dOut[q2 + c] + p.w * dOut[q3 + c];
        sumK[c] += ds.x * q[q0 + c] + ds.y * q[q1 + c] + ds.z * q[q2 + c] + ds.w * q[q3 + c];
      }
    }
  }
  for (var c = 0u; c < params.lanes; c++) {
    dk[at + c] = sumK[c] * params.scale;
    dv[at + c] = sumV[c];
  }
}
