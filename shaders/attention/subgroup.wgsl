// Attention of attention.wgsl on a processor that plays a GPU and computes four invocations side by side (matmul_subgroup.wgsl says
// why loads are what costs). This text follows that of attention.wgsl in one module and shares its maths, parameters and memory rule
// (every output is assigned).
//
// An invocation owns four neighbouring queries (keys in the reverse pass for keys and values), the four invocations of a subgroup
// sixteen of one head. They walk together over the union of what their rows see, eight rows of the other side at a time; each
// loads two of the eight and takes the others from its neighbours' registers (quadBroadcast). What a row does not see weighs 0.
// For batches whose queries are their own keys; in a cache neighbours have nothing in common. Needs Lane = vec4f and subgroups of
// exactly four.

import package::attention::rows::{N, NOTHING, params, q, k, v, bounds, o, logSum, dOut, lse, pair, dq, dk, dv};
import package::attention::rows::{queryRow, keyRow, capped, slope};

enable subgroups;
// Which invocations are active is uniform in a subgroup by the layout, which WGSL's analysis, being one of whole workgroups, cannot see.
diagnostic(off, subgroup_uniformity);

const OWN: u32 = 4u;     // rows of an invocation
const THREADS: u32 = 8u; // invocations of a workgroup

// Own rows, where each begins in its matrix, and the range that each sees (of a key: by which it is seen).
struct Own { rows: vec4u, at: vec4u, begins: vec4u, ends: vec4u }
// One quad of channels of eight rows of the other side.
struct Eight { r0: vec4f, r1: vec4f, r2: vec4f, r3: vec4f, r4: vec4f, r5: vec4f, r6: vec4f, r7: vec4f }
// A figure for each own row and each of the eight: a matrix an own row, its columns the first four and the last four.
struct Grid { g0: mat2x4f, g1: mat2x4f, g2: mat2x4f, g3: mat2x4f }
struct Mask { a: vec4<bool>, b: vec4<bool> }
// Of the eight queries: what each sees.
struct Lookers { beginA: vec4u, endA: vec4u, beginB: vec4u, endB: vec4u }
struct Softened { weights: mat2x4f, most: f32, total: f32, keep: f32 }
alias Sums = array<vec4f, 4u * N>;

// A surplus invocation stays and repeats the last row: its neighbours need what it loads.
fn ownQueries(t: u32, head: u32) -> Own {
  let rows = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(params.queries - 1u));
  let at = vec4u(queryRow(rows.x, head), queryRow(rows.y, head), queryRow(rows.z, head), queryRow(rows.w, head));
  let b0 = bounds[rows.x];
  let b1 = bounds[rows.y];
  let b2 = bounds[rows.z];
  let b3 = bounds[rows.w];
  return Own(rows, at, vec4u(b0.x, b1.x, b2.x, b3.x), vec4u(b0.y, b1.y, b2.y, b3.y));
}

fn ownKeys(j: u32, kvHead: u32) -> Own {
  let rows = min(vec4u(j, j + 1u, j + 2u, j + 3u), vec4u(params.keys - 1u));
  let at = vec4u(keyRow(rows.x, kvHead), keyRow(rows.y, kvHead), keyRow(rows.z, kvHead), keyRow(rows.w, kvHead));
  let b0 = bounds[rows.x];
  let b1 = bounds[rows.y];
  let b2 = bounds[rows.z];
  let b3 = bounds[rows.w];
  return Own(rows, at, vec4u(b0.z, b1.z, b2.z, b3.z), vec4u(b0.w, b1.w, b2.w, b3.w));
}

fn first(own: Own) -> u32 { return subgroupMin(min(min(own.begins.x, own.begins.y), min(own.begins.z, own.begins.w))); }
fn beyond(own: Own) -> u32 { return subgroupMax(max(max(own.ends.x, own.ends.y), max(own.ends.z, own.ends.w))); }

// What the four invocations of a subgroup have loaded, two rows each.
fn eight(low: vec4f, high: vec4f) -> Eight {
  return Eight(
    quadBroadcast(low, 0u), quadBroadcast(low, 1u), quadBroadcast(low, 2u), quadBroadcast(low, 3u),
    quadBroadcast(high, 0u), quadBroadcast(high, 1u), quadBroadcast(high, 2u), quadBroadcast(high, 3u),
  );
}
fn four(x: u32) -> vec4u { return vec4u(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u)); }
fn fourFloats(x: f32) -> vec4f { return vec4f(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u)); }

fn dots(u: vec4f, others: Eight) -> mat2x4f {
  return mat2x4f(
    vec4f(dot(u, others.r0), dot(u, others.r1), dot(u, others.r2), dot(u, others.r3)),
    vec4f(dot(u, others.r4), dot(u, others.r5), dot(u, others.r6), dot(u, others.r7)),
  );
}

fn plusDots(s: Grid, u0: vec4f, u1: vec4f, u2: vec4f, u3: vec4f, others: Eight) -> Grid {
  return Grid(s.g0 + dots(u0, others), s.g1 + dots(u1, others), s.g2 + dots(u2, others), s.g3 + dots(u3, others));
}

fn blend(w: mat2x4f, others: Eight) -> vec4f {
  return (w[0].x * others.r0 + w[0].y * others.r1 + w[0].z * others.r2 + w[0].w * others.r3)
    + (w[1].x * others.r4 + w[1].y * others.r5 + w[1].z * others.r6 + w[1].w * others.r7);
}

// Channel quad c of each own row's sum: `keep` of what it was, plus the eight rows by their weights.
fn gather(sums: ptr<function, Sums>, c: u32, keep: vec4f, w: Grid, others: Eight) {
  (*sums)[c] = (*sums)[c] * keep.x + blend(w.g0, others);
  (*sums)[N + c] = (*sums)[N + c] * keep.y + blend(w.g1, others);
  (*sums)[2u * N + c] = (*sums)[2u * N + c] * keep.z + blend(w.g2, others);
  (*sums)[3u * N + c] = (*sums)[3u * N + c] * keep.w + blend(w.g3, others);
}

// Which of the keys j … j + 7 lie in [begin, end).
fn within(j: u32, begin: u32, end: u32) -> Mask {
  let a = vec4u(j, j + 1u, j + 2u, j + 3u);
  let b = a + vec4u(4u);
  return Mask((a >= vec4u(begin)) & (a < vec4u(end)), (b >= vec4u(begin)) & (b < vec4u(end)));
}

// Which of the eight queries see key j.
fn seenBy(j: u32, eyes: Lookers) -> Mask {
  return Mask((vec4u(j) >= eyes.beginA) & (vec4u(j) < eyes.endA), (vec4u(j) >= eyes.beginB) & (vec4u(j) < eyes.endB));
}

// The queries t … t + 7; those from `end` on repeat the last one and see nothing.
fn lookersAt(t: u32, lane: u32, end: u32) -> Lookers {
  let seenA = select(vec2u(), bounds[min(t + lane, end - 1u)].xy, t + lane < end);
  let seenB = select(vec2u(), bounds[min(t + 4u + lane, end - 1u)].xy, t + 4u + lane < end);
  return Lookers(four(seenA.x), four(seenA.y), four(seenB.x), four(seenB.y));
}

fn both(x: f32) -> mat2x4f { return mat2x4f(vec4f(x), vec4f(x)); }

// Scores by the products q·k; NOTHING where nothing is seen.
fn scores(raw: mat2x4f, seen: Mask) -> mat2x4f {
  return mat2x4f(select(vec4f(NOTHING), capped(params.scale * raw[0]), seen.a), select(vec4f(NOTHING), capped(params.scale * raw[1]), seen.b));
}

// p by the products q·k and l; 0 where nothing is seen.
fn probabilities(raw: mat2x4f, l: mat2x4f, seen: Mask) -> mat2x4f {
  return mat2x4f(select(vec4f(), exp(capped(params.scale * raw[0]) - l[0]), seen.a), select(vec4f(), exp(capped(params.scale * raw[1]) - l[1]), seen.b));
}

fn scoreGradient(raw: vec4f, dp: vec4f, l: vec4f, delta: vec4f, seen: vec4<bool>) -> vec4f {
  let score = capped(params.scale * raw);
  return select(vec4f(), exp(score - l) * (dp - delta) * slope(score), seen);
}

// ∂s of the unscaled products q·k, from ∂p; 0 where nothing is seen.
fn scoreGradients(raw: mat2x4f, dp: mat2x4f, l: mat2x4f, delta: mat2x4f, seen: Mask) -> mat2x4f {
  return mat2x4f(scoreGradient(raw[0], dp[0], l[0], delta[0], seen.a), scoreGradient(raw[1], dp[1], l[1], delta[1], seen.b));
}

// One step of the online softmax: scores of eight keys become weights relative to the new maximum.
fn soften(s: mat2x4f, most: f32, total: f32) -> Softened {
  let larger = max(s[0], s[1]);
  let peak = max(most, max(max(larger.x, larger.y), max(larger.z, larger.w)));
  // NOTHING less NOTHING is 0: a row that has seen no key yet.
  let a = select(vec4f(), exp(s[0] - peak), s[0] > vec4f(NOTHING));
  let b = select(vec4f(), exp(s[1] - peak), s[1] > vec4f(NOTHING));
  let keep = exp(most - peak);
  let sum = a + b;
  return Softened(mat2x4f(a, b), peak, total * keep + (sum.x + sum.y + sum.z + sum.w), keep);
}

@compute @workgroup_size(THREADS)
fn forwardShared(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let flat = group.y * groups.x + group.x;
  let head = flat % params.heads;
  let t = (flat / params.heads * THREADS + local) * OWN;
  if (flat / params.heads * THREADS * OWN >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let own = ownQueries(t, head);
  let end = beyond(own);
  var sum: Sums;
  var most = vec4f(NOTHING);
  var total = vec4f();
  for (var j = first(own); j < end; j += 8u) {
    let low = keyRow(min(j + lane, end - 1u), kvHead);
    let high = keyRow(min(j + 4u + lane, end - 1u), kvHead);
    var s = Grid();
    for (var c = 0u; c < params.lanes; c++) {
      s = plusDots(s, q[own.at.x + c], q[own.at.y + c], q[own.at.z + c], q[own.at.w + c], eight(k[low + c], k[high + c]));
    }
    let s0 = soften(scores(s.g0, within(j, own.begins.x, own.ends.x)), most.x, total.x);
    let s1 = soften(scores(s.g1, within(j, own.begins.y, own.ends.y)), most.y, total.y);
    let s2 = soften(scores(s.g2, within(j, own.begins.z, own.ends.z)), most.z, total.z);
    let s3 = soften(scores(s.g3, within(j, own.begins.w, own.ends.w)), most.w, total.w);
    most = vec4f(s0.most, s1.most, s2.most, s3.most);
    total = vec4f(s0.total, s1.total, s2.total, s3.total);
    let keep = vec4f(s0.keep, s1.keep, s2.keep, s3.keep);
    let p = Grid(s0.weights, s1.weights, s2.weights, s3.weights);
    for (var c = 0u; c < params.lanes; c++) { gather(&sum, c, keep, p, eight(v[low + c], v[high + c])); }
  }
  let inverse = select(vec4f(), 1.0 / total, total > vec4f());
  let logs = most + log(max(total, vec4f(1.0e-37)));
  let count = select(0u, min(OWN, params.queries - t), t < params.queries);
  for (var i = 0u; i < count; i++) {
    for (var c = 0u; c < params.lanes; c++) { o[queryRow(t + i, head) + c] = sum[i * N + c] * inverse[i]; }
    logSum[(t + i) * params.heads + head] = logs[i];
  }
}

@compute @workgroup_size(THREADS)
fn queriesShared(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let flat = group.y * groups.x + group.x;
  let head = flat % params.heads;
  let t = (flat / params.heads * THREADS + local) * OWN;
  if (flat / params.heads * THREADS * OWN >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let own = ownQueries(t, head);
  let end = beyond(own);
  let p0 = pair[own.rows.x * params.heads + head];
  let p1 = pair[own.rows.y * params.heads + head];
  let p2 = pair[own.rows.z * params.heads + head];
  let p3 = pair[own.rows.w * params.heads + head];
  var sum: Sums;
  for (var j = first(own); j < end; j += 8u) {
    let low = keyRow(min(j + lane, end - 1u), kvHead);
    let high = keyRow(min(j + 4u + lane, end - 1u), kvHead);
    var s = Grid();
    for (var c = 0u; c < params.lanes; c++) {
      s = plusDots(s, q[own.at.x + c], q[own.at.y + c], q[own.at.z + c], q[own.at.w + c], eight(k[low + c], k[high + c]));
    }
    var dp = Grid();
    for (var c = 0u; c < params.lanes; c++) {
      dp = plusDots(dp, dOut[own.at.x + c], dOut[own.at.y + c], dOut[own.at.z + c], dOut[own.at.w + c], eight(v[low + c], v[high + c]));
    }
    let ds = Grid(
      scoreGradients(s.g0, dp.g0, both(p0.x), both(p0.y), within(j, own.begins.x, own.ends.x)),
      scoreGradients(s.g1, dp.g1, both(p1.x), both(p1.y), within(j, own.begins.y, own.ends.y)),
      scoreGradients(s.g2, dp.g2, both(p2.x), both(p2.y), within(j, own.begins.z, own.ends.z)),
      scoreGradients(s.g3, dp.g3, both(p3.x), both(p3.y), within(j, own.begins.w, own.ends.w)),
    );
    for (var c = 0u; c < params.lanes; c++) { gather(&sum, c, vec4f(1.0), ds, eight(k[low + c], k[high + c])); }
  }
  let count = select(0u, min(OWN, params.queries - t), t < params.queries);
  for (var i = 0u; i < count; i++) {
    for (var c = 0u; c < params.lanes; c++) { dq[queryRow(t + i, head) + c] = sum[i * N + c] * params.scale; }
  }
}

@compute @workgroup_size(THREADS)
fn valuesShared(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let flat = group.y * groups.x + group.x;
  let kvHead = flat % params.kvHeads;
  let j = (flat / params.kvHeads * THREADS + local) * OWN;
  if (flat / params.kvHeads * THREADS * OWN >= params.keys) { return; }
  let own = ownKeys(j, kvHead);
  let end = beyond(own);
  let perGroup = params.heads / params.kvHeads;
  var sum: Sums;
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = first(own); t < end; t += 8u) {
      let ta = min(t + lane, end - 1u);
      let tb = min(t + 4u + lane, end - 1u);
      let low = queryRow(ta, head);
      let high = queryRow(tb, head);
      let eyes = lookersAt(t, lane, end);
      let l = mat2x4f(fourFloats(lse[ta * params.heads + head]), fourFloats(lse[tb * params.heads + head]));
      var s = Grid();
      for (var c = 0u; c < params.lanes; c++) {
        s = plusDots(s, k[own.at.x + c], k[own.at.y + c], k[own.at.z + c], k[own.at.w + c], eight(q[low + c], q[high + c]));
      }
      let p = Grid(
        probabilities(s.g0, l, seenBy(own.rows.x, eyes)),
        probabilities(s.g1, l, seenBy(own.rows.y, eyes)),
        probabilities(s.g2, l, seenBy(own.rows.z, eyes)),
        probabilities(s.g3, l, seenBy(own.rows.w, eyes)),
      );
      for (var c = 0u; c < params.lanes; c++) { gather(&sum, c, vec4f(1.0), p, eight(dOut[low + c], dOut[high + c])); }
    }
  }
  let count = select(0u, min(OWN, params.keys - j), j < params.keys);
  for (var i = 0u; i < count; i++) {
    for (var c = 0u; c < params.lanes; c++) { dv[keyRow(j + i, kvHead) + c] = sum[i * N + c]; }
  }
}

@compute @workgroup_size(THREADS)
fn keysValuesShared(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let flat = group.y * groups.x + group.x;
  let kvHead = flat % params.kvHeads;
  let j = (flat / params.kvHeads * THREADS + local) * OWN;
  if (flat / params.kvHeads * THREADS * OWN >= params.keys) { return; }
  let own = ownKeys(j, kvHead);
  let end = beyond(own);
  let perGroup = params.heads / params.kvHeads;
  var sumK: Sums;
  var sumV: Sums;
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = first(own); t < end; t += 8u) {
      let ta = min(t + lane, end - 1u);
      let tb = min(t + 4u + lane, end - 1u);
      let low = queryRow(ta, head);
      let high = queryRow(tb, head);
      let eyes = lookersAt(t, lane, end);
      let pairA = pair[ta * params.heads + head];
      let pairB = pair[tb * params.heads + head];
      let l = mat2x4f(fourFloats(pairA.x), fourFloats(pairB.x));
      let delta = mat2x4f(fourFloats(pairA.y), fourFloats(pairB.y));
      var s = Grid();
      for (var c = 0u; c < params.lanes; c++) {
        s = plusDots(s, k[own.at.x + c], k[own.at.y + c], k[own.at.z + c], k[own.at.w + c], eight(q[low + c], q[high + c]));
      }
      var dp = Grid();
      for (var c = 0u; c < params.lanes; c++) {
        dp = plusDots(dp, v[own.at.x + c], v[own.at.y + c], v[own.at.z + c], v[own.at.w + c], eight(dOut[low + c], dOut[high + c]));
      }
      let see0 = seenBy(own.rows.x, eyes);
      let see1 = seenBy(own.rows.y, eyes);
      let see2 = seenBy(own.rows.z, eyes);
      let see3 = seenBy(own.rows.w, eyes);
      let p = Grid(probabilities(s.g0, l, see0), probabilities(s.g1, l, see1), probabilities(s.g2, l, see2), probabilities(s.g3, l, see3));
      for (var c = 0u; c < params.lanes; c++) { gather(&sumV, c, vec4f(1.0), p, eight(dOut[low + c], dOut[high + c])); }
      let ds = Grid(
        scoreGradients(s.g0, dp.g0, l, delta, see0),
        scoreGradients(s.g1, dp.g1, l, delta, see1),
        scoreGradients(s.g2, dp.g2, l, delta, see2),
        scoreGradients(s.g3, dp.g3, l, delta, see3),
      );
      for (var c = 0u; c < params.lanes; c++) { gather(&sumK, c, vec4f(1.0), ds, eight(q[low + c], q[high + c])); }
    }
  }
  let count = select(0u, min(OWN, params.keys - j), j < params.keys);
  for (var i = 0u; i < count; i++) {
    for (var c = 0u; c < params.lanes; c++) {
      dk[keyRow(j + i, kvHead) + c] = sumK[i * N + c] * params.scale;
      dv[keyRow(j + i, kvHead) + c] = sumV[i * N + c];
    }
  }
}
