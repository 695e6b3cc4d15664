// Grouped-query attention for real GPUs; the maths is that of attention.wgsl (online softmax forward, probabilities computed
// again in the reverse pass; HEAD_DIM a multiple of 4).
//
// A workgroup of 64 takes 32 rows of one head (queries in `forward` and `backward_queries`, keys in the other two) and walks
// over the union of their ranges in tiles of 32 rows. Each 32 × 32 block of scores is a small matrix product: 8 × 8 invocations
// with 4 × 4 results each, channels in chunks of 32 through workgroup memory.
//
//     block[i] (vec4 over 4 outer rows) = Σ_c left[c][outer] · right[c][inner i]      left, right: transposed, 4 KiB each
//     acc[r]   (vec4 over 4 channels)  += Σ_j weights[j][outer r] · right[j][channels]  right: as stored
//
// `decode` is for few queries over a long cache: a workgroup per query and head, 64 keys at a time.
// Memory rule: every output is assigned (=), in a fixed order, without atomics.

import host::Params;

const HEAD_DIM: u32 = 64u;
const N: u32 = HEAD_DIM / 4u;              // quads of channels
const CHUNKS: u32 = (N + 7u) / 8u;         // 8 quads a chunk
const COLUMNS: u32 = min(N, 64u);          // decode: invocations over channels …
const SPLITS: u32 = 64u / COLUMNS;         // … and over keys
const SOFTCAP: bool = false;                // scores go through `capped`
const NOTHING: f32 = -3.0e38;

// Sources of `fetch`.
const Q: u32 = 0u;
const K: u32 = 1u;
const V: u32 = 2u;
const D_OUT: u32 = 3u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> bounds: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> logSum: array<f32>;
@group(0) @binding(7) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(8) var<storage, read> lse: array<f32>;
@group(0) @binding(9) var<storage, read> pair: array<vec2f>; // (l, δ) of a query and head
@group(0) @binding(10) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(11) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(12) var<storage, read_write> dv: array<vec4f>;

var<workgroup> left: array<vec4f, 256>;
var<workgroup> right: array<vec4f, 256>;
var<workgroup> weights: array<vec4f, 256>;
var<workgroup> slopes: array<vec4f, 256>;
var<workgroup> partial: array<vec4f, 64>;

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

fn loadLeft(source: u32, first: u32, head: u32, chunk: u32, local: u32) {
  let block = transposed(source, first, head, chunk, local);
  let at = 32u * (local / 8u) + local % 8u;
  left[at] = block[0];
  left[at + 8u] = block[1];
  left[at + 16u] = block[2];
  left[at + 24u] = block[3];
}

fn loadRight(source: u32, first: u32, head: u32, chunk: u32, local: u32) {
  let block = transposed(source, first, head, chunk, local);
  let at = 32u * (local / 8u) + local % 8u;
  right[at] = block[0];
  right[at + 8u] = block[1];
  right[at + 16u] = block[2];
  right[at + 24u] = block[3];
}

// right[row][quad], as stored.
fn loadRows(source: u32, first: u32, head: u32, chunk: u32, local: u32) {
  for (var i = local; i < 256u; i += 64u) { right[i] = fetch(source, first + i / 8u, head, 8u * chunk + i % 8u); }
}

// Scores of the invocation's 4 × 4 block: sources `a` (outer rows) and `b` (inner rows).
fn block(a: u32, firstA: u32, headA: u32, b: u32, firstB: u32, headB: u32, local: u32) -> mat4x4f {
  var r0 = vec4f(0.0);
  var r1 = vec4f(0.0);
  var r2 = vec4f(0.0);
  var r3 = vec4f(0.0);
  for (var chunk = 0u; chunk < CHUNKS; chunk++) {
    workgroupBarrier();
    loadLeft(a, firstA, headA, chunk, local);
    loadRight(b, firstB, headB, chunk, local);
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

fn keySpan(first: u32) -> vec2u {
  var low = params.keys;
  var high = 0u;
  for (var t = first; t < min(first + 32u, params.queries); t++) {
    let b = bounds[t];
    if (b.x < b.y) { low = min(low, b.x); high = max(high, b.y); }
  }
  return vec2u(low, min(high, params.keys));
}

fn querySpan(first: u32) -> vec2u {
  var low = params.queries;
  var high = 0u;
  for (var j = first; j < min(first + 32u, params.keys); j++) {
    let b = bounds[j];
    if (b.z < b.w) { low = min(low, b.z); high = max(high, b.w); }
  }
  return vec2u(low, min(high, params.queries));
}

// The key range of a query; empty beyond the last one.
fn range(t: u32) -> vec2u {
  if (t >= params.queries) { return vec2u(0u); }
  return bounds[t].xy;
}

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

@compute @workgroup_size(64)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let head = flat % params.heads;
  let first = flat / params.heads * 32u;
  if (first >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let span = keySpan(first);
  let mine = first + 4u * (local / 8u);
  let r0 = range(mine);
  let r1 = range(mine + 1u);
  let r2 = range(mine + 2u);
  let r3 = range(mine + 3u);
  let starts = vec4u(r0.x, r1.x, r2.x, r3.x);
  let ends = vec4u(r0.y, r1.y, r2.y, r3.y);
  var acc: array<vec4f, 4u * CHUNKS>;
  var most = vec4f(NOTHING);
  var total = vec4f(0.0);
  for (var j = span.x; j < span.y; j += 32u) {
    var s = block(Q, first, head, K, j, kvHead, local);
    let key = j + 4u * (local % 8u);
    var peak = vec4f(NOTHING);
    for (var i = 0u; i < 4u; i++) {
      let inside = (vec4u(key + i) >= starts) & (vec4u(key + i) < ends);
      s[i] = select(vec4f(NOTHING), capped(params.scale * s[i]), inside);
      peak = max(peak, s[i]);
    }
    partial[8u * (local % 8u) + local / 8u] = peak;
    workgroupBarrier();
    peak = most;
    for (var i = 0u; i < 8u; i++) { peak = max(peak, partial[8u * i + local / 8u]); }
    let keep = exp(most - peak);
    total *= keep;
    for (var i = 0u; i < 4u; i++) {
      let p = select(vec4f(0.0), exp(s[i] - peak), s[i] > vec4f(0.5 * NOTHING));
      weights[8u * (4u * (local % 8u) + i) + local / 8u] = p;
      total += p;
    }
    most = peak;
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      workgroupBarrier();
      loadRows(V, j, kvHead, chunk, local);
      workgroupBarrier();
      var a0 = acc[4u * chunk] * keep.x;
      var a1 = acc[4u * chunk + 1u] * keep.y;
      var a2 = acc[4u * chunk + 2u] * keep.z;
      var a3 = acc[4u * chunk + 3u] * keep.w;
      for (var i = 0u; i < 32u; i++) {
        let w = weights[8u * i + local / 8u];
        let x = right[8u * i + local % 8u];
        a0 += w.x * x;
        a1 += w.y * x;
        a2 += w.z * x;
        a3 += w.w * x;
      }
      acc[4u * chunk] = a0;
      acc[4u * chunk + 1u] = a1;
      acc[4u * chunk + 2u] = a2;
      acc[4u * chunk + 3u] = a3;
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
      if (quad < N) { o[(t * params.heads + head) * N + quad] = acc[4u * chunk + r] * inverse; }
    }
    if (local % 8u == 0u) { logSum[t * params.heads + head] = most[r] + log(max(total[r], 1.0e-37)); }
  }
}

@compute @workgroup_size(64)
fn backward_queries(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let head = flat % params.heads;
  let first = flat / params.heads * 32u;
  if (first >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let span = keySpan(first);
  let mine = first + 4u * (local / 8u);
  let r0 = range(mine);
  let r1 = range(mine + 1u);
  let r2 = range(mine + 2u);
  let r3 = range(mine + 3u);
  let starts = vec4u(r0.x, r1.x, r2.x, r3.x);
  let ends = vec4u(r0.y, r1.y, r2.y, r3.y);
  let p0 = pair[min(mine, params.queries - 1u) * params.heads + head];
  let p1 = pair[min(mine + 1u, params.queries - 1u) * params.heads + head];
  let p2 = pair[min(mine + 2u, params.queries - 1u) * params.heads + head];
  let p3 = pair[min(mine + 3u, params.queries - 1u) * params.heads + head];
  let logs = vec4f(p0.x, p1.x, p2.x, p3.x);
  let deltas = vec4f(p0.y, p1.y, p2.y, p3.y);
  var acc: array<vec4f, 4u * CHUNKS>;
  for (var j = span.x; j < span.y; j += 32u) {
    let s = block(Q, first, head, K, j, kvHead, local);
    let dp = block(D_OUT, first, head, V, j, kvHead, local);
    let key = j + 4u * (local % 8u);
    for (var i = 0u; i < 4u; i++) {
      let inside = (vec4u(key + i) >= starts) & (vec4u(key + i) < ends);
      let score = capped(params.scale * s[i]);
      let ds = exp(score - logs) * (dp[i] - deltas) * slope(score);
      weights[8u * (4u * (local % 8u) + i) + local / 8u] = select(vec4f(0.0), ds, inside);
    }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      workgroupBarrier();
      loadRows(K, j, kvHead, chunk, local);
      workgroupBarrier();
      for (var i = 0u; i < 32u; i++) {
        let w = weights[8u * i + local / 8u];
        let x = right[8u * i + local % 8u];
        acc[4u * chunk] += w.x * x;
        acc[4u * chunk + 1u] += w.y * x;
        acc[4u * chunk + 2u] += w.z * x;
        acc[4u * chunk + 3u] += w.w * x;
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let t = mine + r;
    if (t >= params.queries) { break; }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = 8u * chunk + local % 8u;
      if (quad < N) { dq[(t * params.heads + head) * N + quad] = acc[4u * chunk + r] * params.scale; }
    }
  }
}

@compute @workgroup_size(64)
fn backward_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let kvHead = flat % params.kvHeads;
  let first = flat / params.kvHeads * 32u;
  if (first >= params.keys) { return; }
  let perGroup = params.heads / params.kvHeads;
  let span = querySpan(first);
  let mine = first + 4u * (local / 8u);
  let keys = vec4u(mine, mine + 1u, mine + 2u, mine + 3u);
  var acc: array<vec4f, 4u * CHUNKS>;
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = span.x; t < span.y; t += 32u) {
      let s = block(K, first, kvHead, Q, t, head, local);
      for (var i = 0u; i < 4u; i++) {
        let query = t + 4u * (local % 8u) + i;
        let r = range(query);
        let inside = (keys >= vec4u(r.x)) & (keys < vec4u(r.y));
        let l = lse[min(query, params.queries - 1u) * params.heads + head];
        weights[8u * (4u * (local % 8u) + i) + local / 8u] = select(vec4f(0.0), exp(capped(params.scale * s[i]) - l), inside);
      }
      for (var chunk = 0u; chunk < CHUNKS; chunk++) {
        workgroupBarrier();
        loadRows(D_OUT, t, head, chunk, local);
        workgroupBarrier();
        for (var i = 0u; i < 32u; i++) {
          let w = weights[8u * i + local / 8u];
          let x = right[8u * i + local % 8u];
          acc[4u * chunk] += w.x * x;
          acc[4u * chunk + 1u] += w.y * x;
          acc[4u * chunk + 2u] += w.z * x;
          acc[4u * chunk + 3u] += w.w * x;
        }
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let j = mine + r;
    if (j >= params.keys) { break; }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = 8u * chunk + local % 8u;
      if (quad < N) { dv[(j * params.kvHeads + kvHead) * N + quad] = acc[4u * chunk + r]; }
    }
  }
}

@compute @workgroup_size(64)
fn backward_keys_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let kvHead = flat % params.kvHeads;
  let first = flat / params.kvHeads * 32u;
  if (first >= params.keys) { return; }
  let perGroup = params.heads / params.kvHeads;
  let span = querySpan(first);
  let mine = first + 4u * (local / 8u);
  let keys = vec4u(mine, mine + 1u, mine + 2u, mine + 3u);
  var accK: array<vec4f, 4u * CHUNKS>;
  var accV: array<vec4f, 4u * CHUNKS>;
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = span.x; t < span.y; t += 32u) {
      let s = block(K, first, kvHead, Q, t, head, local);
      let dp = block(V, first, kvHead, D_OUT, t, head, local);
      for (var i = 0u; i < 4u; i++) {
        let query = t + 4u * (local % 8u) + i;
        let r = range(query);
        let inside = (keys >= vec4u(r.x)) & (keys < vec4u(r.y));
        let both = pair[min(query, params.queries - 1u) * params.heads + head];
        let score = capped(params.scale * s[i]);
        let p = select(vec4f(0.0), exp(score - both.x), inside);
        let at = 8u * (4u * (local % 8u) + i) + local / 8u;
        weights[at] = p;
        slopes[at] = p * (dp[i] - both.y) * slope(score);
      }
      for (var chunk = 0u; chunk < CHUNKS; chunk++) {
        workgroupBarrier();
        loadRows(D_OUT, t, head, chunk, local);
        workgroupBarrier();
        for (var i = 0u; i < 32u; i++) {
          let w = weights[8u * i + local / 8u];
          let x = right[8u * i + local % 8u];
          accV[4u * chunk] += w.x * x;
          accV[4u * chunk + 1u] += w.y * x;
          accV[4u * chunk + 2u] += w.z * x;
          accV[4u * chunk + 3u] += w.w * x;
        }
        workgroupBarrier();
        loadRows(Q, t, head, chunk, local);
        workgroupBarrier();
        for (var i = 0u; i < 32u; i++) {
          let w = slopes[8u * i + local / 8u];
          let x = right[8u * i + local % 8u];
          accK[4u * chunk] += w.x * x;
          accK[4u * chunk + 1u] += w.y * x;
          accK[4u * chunk + 2u] += w.z * x;
          accK[4u * chunk + 3u] += w.w * x;
        }
      }
    }
  }
  for (var r = 0u; r < 4u; r++) {
    let j = mine + r;
    if (j >= params.keys) { break; }
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      let quad = 8u * chunk + local % 8u;
      if (quad >= N) { continue; }
      let at = (j * params.kvHeads + kvHead) * N + quad;
      dk[at] = accK[4u * chunk + r] * params.scale;
      dv[at] = accV[4u * chunk + r];
    }
  }
}

var<workgroup> words: array<f32, 64>;    // scores of 64 keys, then partial sums of weights
var<workgroup> row: array<vec4f, 64>;    // the query, then partial sums

@compute @workgroup_size(64)
fn decode(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = group.y * groups.x + group.x;
  let t = flat / params.heads;
  if (t >= params.queries) { return; }
  let head = flat % params.heads;
  let kvHead = head / (params.heads / params.kvHeads);
  let own = bounds[t].xy;
  if (local < N) { row[local] = q[(t * params.heads + head) * N + local] * params.scale; }
  workgroupBarrier();
  let column = local % COLUMNS;
  let split = local / COLUMNS;
  var acc = vec4f(0.0);
  var most = NOTHING;
  var total = 0.0;
  for (var first = own.x; first < own.y; first += 64u) {
    var score = NOTHING;
    if (first + local < own.y) {
      let at = ((first + local) * params.kvHeads + kvHead) * N;
      score = 0.0;
      for (var c = 0u; c < N; c++) { score += dot(row[c], k[at + c]); }
      score = capped(vec4f(score)).x;
    }
    words[local] = score;
    workgroupBarrier();
    var peak = most;
    for (var i = 0u; i < 64u; i++) { peak = max(peak, words[i]); }
    let keep = exp(most - peak);
    acc *= keep;
    total *= keep;
    if (split < SPLITS) {
      for (var i = split; i < min(64u, own.y - first); i += SPLITS) {
        let p = exp(words[i] - peak);
        acc += p * v[((first + i) * params.kvHeads + kvHead) * N + column];
        total += p;
      }
    }
    most = peak;
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
  if (local == 0u) { logSum[t * params.heads + head] = most + log(max(all, 1.0e-37)); }
}
