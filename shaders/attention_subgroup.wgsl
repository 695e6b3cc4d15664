// Attention of attention.wgsl on a processor that plays a GPU and computes four invocations side by side (matmul_subgroup.wgsl says
// why loads are what costs). This text follows that of attention.wgsl in one module and shares its maths, parameters and memory rule
// (every output is assigned).
//
// An invocation owns four neighbouring queries (keys in the reverse pass for keys and values), the four invocations of a subgroup
// sixteen of one head. They walk together over the union of what their rows see, eight rows of the other side at a time; each
// loads two of the eight and takes the others from its neighbours' registers (subgroupBroadcast). What a row does not see weighs 0.
// For batches whose queries are their own keys; in a cache neighbours have nothing in common. Needs Lane = vec4f and subgroups of
// exactly four.

const OWN: u32 = 4u;     // rows of an invocation
const THREADS: u32 = 8u; // invocations of a workgroup

struct Softened { a: vec4f, b: vec4f, most: f32, weights: f32, keep: f32 }

// One step of the online softmax: scores of eight keys become weights relative to the new maximum.
fn soften(a: vec4f, b: vec4f, most: f32, weights: f32) -> Softened {
  let both = max(a, b);
  let peak = max(most, max(max(both.x, both.y), max(both.z, both.w)));
  // NOTHING less NOTHING is 0: a row that has seen no key yet.
  let p = select(vec4f(), exp(a - peak), a > vec4f(NOTHING));
  let r = select(vec4f(), exp(b - peak), b > vec4f(NOTHING));
  let keep = exp(most - peak);
  let s = p + r;
  return Softened(p, r, peak, weights * keep + (s.x + s.y + s.z + s.w), keep);
}

fn within(js: vec4u, own: vec4u) -> vec4<bool> { return (js >= vec4u(own.x)) & (js < vec4u(own.y)); }

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
  // A surplus invocation stays and repeats the last query: its neighbours need what it loads.
  if (flat / params.heads * THREADS * OWN >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let last = params.queries - 1u;
  let t0 = min(t, last);
  let t1 = min(t + 1u, last);
  let t2 = min(t + 2u, last);
  let t3 = min(t + 3u, last);
  let at0 = queryRow(t0, head);
  let at1 = queryRow(t1, head);
  let at2 = queryRow(t2, head);
  let at3 = queryRow(t3, head);
  let own0 = bounds[t0];
  let own1 = bounds[t1];
  let own2 = bounds[t2];
  let own3 = bounds[t3];
  let begin = subgroupMin(min(min(own0.x, own1.x), min(own2.x, own3.x)));
  let end = subgroupMax(max(max(own0.y, own1.y), max(own2.y, own3.y)));
  var sum: array<vec4f, 4u * N>;
  var most = vec4f(NOTHING);
  var weights = vec4f();
  for (var j = begin; j < end; j += 8u) {
    let low = keyRow(min(j + lane, end - 1u), kvHead);
    let high = keyRow(min(j + 4u + lane, end - 1u), kvHead);
    let ja = vec4u(j, j + 1u, j + 2u, j + 3u);
    let jb = ja + vec4u(4u);
    var a0 = vec4f(); var b0 = vec4f(); var a1 = vec4f(); var b1 = vec4f(); var a2 = vec4f(); var b2 = vec4f(); var a3 = vec4f(); var b3 = vec4f();
    for (var c = 0u; c < params.lanes; c++) {
      let k0a = k[low + c];
      let k0b = k[high + c];
      let k0 = subgroupBroadcast(k0a, 0u);
      let k1 = subgroupBroadcast(k0a, 1u);
      let k2 = subgroupBroadcast(k0a, 2u);
      let k3 = subgroupBroadcast(k0a, 3u);
      let k4 = subgroupBroadcast(k0b, 0u);
      let k5 = subgroupBroadcast(k0b, 1u);
      let k6 = subgroupBroadcast(k0b, 2u);
      let k7 = subgroupBroadcast(k0b, 3u);
      var u = vec4f();
      u = q[at0 + c];
      a0 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b0 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
      u = q[at1 + c];
      a1 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b1 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
      u = q[at2 + c];
      a2 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b2 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
      u = q[at3 + c];
      a3 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b3 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
    }
    a0 = select(vec4f(NOTHING), capped(params.scale * a0), within(ja, own0));
    b0 = select(vec4f(NOTHING), capped(params.scale * b0), within(jb, own0));
    a1 = select(vec4f(NOTHING), capped(params.scale * a1), within(ja, own1));
    b1 = select(vec4f(NOTHING), capped(params.scale * b1), within(jb, own1));
    a2 = select(vec4f(NOTHING), capped(params.scale * a2), within(ja, own2));
    b2 = select(vec4f(NOTHING), capped(params.scale * b2), within(jb, own2));
    a3 = select(vec4f(NOTHING), capped(params.scale * a3), within(ja, own3));
    b3 = select(vec4f(NOTHING), capped(params.scale * b3), within(jb, own3));
    let s0 = soften(a0, b0, most.x, weights.x);
    let s1 = soften(a1, b1, most.y, weights.y);
    let s2 = soften(a2, b2, most.z, weights.z);
    let s3 = soften(a3, b3, most.w, weights.w);
    most = vec4f(s0.most, s1.most, s2.most, s3.most);
    weights = vec4f(s0.weights, s1.weights, s2.weights, s3.weights);
    for (var c = 0u; c < params.lanes; c++) {
      let v0a = v[low + c];
      let v0b = v[high + c];
      let v0 = subgroupBroadcast(v0a, 0u);
      let v1 = subgroupBroadcast(v0a, 1u);
      let v2 = subgroupBroadcast(v0a, 2u);
      let v3 = subgroupBroadcast(v0a, 3u);
      let v4 = subgroupBroadcast(v0b, 0u);
      let v5 = subgroupBroadcast(v0b, 1u);
      let v6 = subgroupBroadcast(v0b, 2u);
      let v7 = subgroupBroadcast(v0b, 3u);
      sum[c] = sum[c] * s0.keep + (s0.a.x * v0 + s0.a.y * v1 + s0.a.z * v2 + s0.a.w * v3)
        + (s0.b.x * v4 + s0.b.y * v5 + s0.b.z * v6 + s0.b.w * v7);
      sum[1u * N + c] = sum[1u * N + c] * s1.keep + (s1.a.x * v0 + s1.a.y * v1 + s1.a.z * v2 + s1.a.w * v3)
        + (s1.b.x * v4 + s1.b.y * v5 + s1.b.z * v6 + s1.b.w * v7);
      sum[2u * N + c] = sum[2u * N + c] * s2.keep + (s2.a.x * v0 + s2.a.y * v1 + s2.a.z * v2 + s2.a.w * v3)
        + (s2.b.x * v4 + s2.b.y * v5 + s2.b.z * v6 + s2.b.w * v7);
      sum[3u * N + c] = sum[3u * N + c] * s3.keep + (s3.a.x * v0 + s3.a.y * v1 + s3.a.z * v2 + s3.a.w * v3)
        + (s3.b.x * v4 + s3.b.y * v5 + s3.b.z * v6 + s3.b.w * v7);
    }
  }
  let inverse = select(vec4f(), 1.0 / weights, weights > vec4f());
  let logs = most + log(max(weights, vec4f(1.0e-37)));
  let count = select(0u, min(OWN, params.queries - t), t < params.queries);
  for (var i = 0u; i < count; i++) {
    for (var c = 0u; c < params.lanes; c++) { o[queryRow(t + i, head) + c] = sum[i * N + c] * inverse[i]; }
    logSum[(t + i) * params.heads + head] = logs[i];
  }
}

// ∂s of unscaled scores q·k, from ∂p; 0 where the query does not see the key.
fn scoreGradient(raw: vec4f, dp: vec4f, l: vec4f, delta: vec4f, inside: vec4<bool>) -> vec4f {
  let score = capped(params.scale * raw);
  return select(vec4f(), exp(score - l) * (dp - delta) * slope(score), inside);
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
  // A surplus invocation stays and repeats the last query: its neighbours need what it loads.
  if (flat / params.heads * THREADS * OWN >= params.queries) { return; }
  let kvHead = head / (params.heads / params.kvHeads);
  let last = params.queries - 1u;
  let t0 = min(t, last);
  let t1 = min(t + 1u, last);
  let t2 = min(t + 2u, last);
  let t3 = min(t + 3u, last);
  let at0 = queryRow(t0, head);
  let at1 = queryRow(t1, head);
  let at2 = queryRow(t2, head);
  let at3 = queryRow(t3, head);
  let own0 = bounds[t0];
  let own1 = bounds[t1];
  let own2 = bounds[t2];
  let own3 = bounds[t3];
  let begin = subgroupMin(min(min(own0.x, own1.x), min(own2.x, own3.x)));
  let end = subgroupMax(max(max(own0.y, own1.y), max(own2.y, own3.y)));
  let pair0 = pair[t0 * params.heads + head];
  let pair1 = pair[t1 * params.heads + head];
  let pair2 = pair[t2 * params.heads + head];
  let pair3 = pair[t3 * params.heads + head];
  var sum: array<vec4f, 4u * N>;
  for (var j = begin; j < end; j += 8u) {
    let low = keyRow(min(j + lane, end - 1u), kvHead);
    let high = keyRow(min(j + 4u + lane, end - 1u), kvHead);
    let ja = vec4u(j, j + 1u, j + 2u, j + 3u);
    let jb = ja + vec4u(4u);
    var a0 = vec4f(); var b0 = vec4f(); var a1 = vec4f(); var b1 = vec4f(); var a2 = vec4f(); var b2 = vec4f(); var a3 = vec4f(); var b3 = vec4f();
    var e0 = vec4f(); var f0 = vec4f(); var e1 = vec4f(); var f1 = vec4f(); var e2 = vec4f(); var f2 = vec4f(); var e3 = vec4f(); var f3 = vec4f();
    for (var c = 0u; c < params.lanes; c++) {
      let k0a = k[low + c];
      let k0b = k[high + c];
      let k0 = subgroupBroadcast(k0a, 0u);
      let k1 = subgroupBroadcast(k0a, 1u);
      let k2 = subgroupBroadcast(k0a, 2u);
      let k3 = subgroupBroadcast(k0a, 3u);
      let k4 = subgroupBroadcast(k0b, 0u);
      let k5 = subgroupBroadcast(k0b, 1u);
      let k6 = subgroupBroadcast(k0b, 2u);
      let k7 = subgroupBroadcast(k0b, 3u);
      var u = vec4f();
      u = q[at0 + c];
      a0 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b0 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
      u = q[at1 + c];
      a1 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b1 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
      u = q[at2 + c];
      a2 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b2 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
      u = q[at3 + c];
      a3 += vec4f(dot(u, k0), dot(u, k1), dot(u, k2), dot(u, k3));
      b3 += vec4f(dot(u, k4), dot(u, k5), dot(u, k6), dot(u, k7));
    }
    for (var c = 0u; c < params.lanes; c++) {
      let v0a = v[low + c];
      let v0b = v[high + c];
      let v0 = subgroupBroadcast(v0a, 0u);
      let v1 = subgroupBroadcast(v0a, 1u);
      let v2 = subgroupBroadcast(v0a, 2u);
      let v3 = subgroupBroadcast(v0a, 3u);
      let v4 = subgroupBroadcast(v0b, 0u);
      let v5 = subgroupBroadcast(v0b, 1u);
      let v6 = subgroupBroadcast(v0b, 2u);
      let v7 = subgroupBroadcast(v0b, 3u);
      var u = vec4f();
      u = dOut[at0 + c];
      e0 += vec4f(dot(u, v0), dot(u, v1), dot(u, v2), dot(u, v3));
      f0 += vec4f(dot(u, v4), dot(u, v5), dot(u, v6), dot(u, v7));
      u = dOut[at1 + c];
      e1 += vec4f(dot(u, v0), dot(u, v1), dot(u, v2), dot(u, v3));
      f1 += vec4f(dot(u, v4), dot(u, v5), dot(u, v6), dot(u, v7));
      u = dOut[at2 + c];
      e2 += vec4f(dot(u, v0), dot(u, v1), dot(u, v2), dot(u, v3));
      f2 += vec4f(dot(u, v4), dot(u, v5), dot(u, v6), dot(u, v7));
      u = dOut[at3 + c];
      e3 += vec4f(dot(u, v0), dot(u, v1), dot(u, v2), dot(u, v3));
      f3 += vec4f(dot(u, v4), dot(u, v5), dot(u, v6), dot(u, v7));
    }
    a0 = scoreGradient(a0, e0, vec4f(pair0.x), vec4f(pair0.y), within(ja, own0));
    b0 = scoreGradient(b0, f0, vec4f(pair0.x), vec4f(pair0.y), within(jb, own0));
    a1 = scoreGradient(a1, e1, vec4f(pair1.x), vec4f(pair1.y), within(ja, own1));
    b1 = scoreGradient(b1, f1, vec4f(pair1.x), vec4f(pair1.y), within(jb, own1));
    a2 = scoreGradient(a2, e2, vec4f(pair2.x), vec4f(pair2.y), within(ja, own2));
    b2 = scoreGradient(b2, f2, vec4f(pair2.x), vec4f(pair2.y), within(jb, own2));
    a3 = scoreGradient(a3, e3, vec4f(pair3.x), vec4f(pair3.y), within(ja, own3));
    b3 = scoreGradient(b3, f3, vec4f(pair3.x), vec4f(pair3.y), within(jb, own3));
    for (var c = 0u; c < params.lanes; c++) {
      let k0a = k[low + c];
      let k0b = k[high + c];
      let k0 = subgroupBroadcast(k0a, 0u);
      let k1 = subgroupBroadcast(k0a, 1u);
      let k2 = subgroupBroadcast(k0a, 2u);
      let k3 = subgroupBroadcast(k0a, 3u);
      let k4 = subgroupBroadcast(k0b, 0u);
      let k5 = subgroupBroadcast(k0b, 1u);
      let k6 = subgroupBroadcast(k0b, 2u);
      let k7 = subgroupBroadcast(k0b, 3u);
      sum[c] += (a0.x * k0 + a0.y * k1 + a0.z * k2 + a0.w * k3)
        + (b0.x * k4 + b0.y * k5 + b0.z * k6 + b0.w * k7);
      sum[1u * N + c] += (a1.x * k0 + a1.y * k1 + a1.z * k2 + a1.w * k3)
        + (b1.x * k4 + b1.y * k5 + b1.z * k6 + b1.w * k7);
      sum[2u * N + c] += (a2.x * k0 + a2.y * k1 + a2.z * k2 + a2.w * k3)
        + (b2.x * k4 + b2.y * k5 + b2.z * k6 + b2.w * k7);
      sum[3u * N + c] += (a3.x * k0 + a3.y * k1 + a3.z * k2 + a3.w * k3)
        + (b3.x * k4 + b3.y * k5 + b3.z * k6 + b3.w * k7);
    }
  }
  let count = select(0u, min(OWN, params.queries - t), t < params.queries);
  for (var i = 0u; i < count; i++) {
    for (var c = 0u; c < params.lanes; c++) { dq[queryRow(t + i, head) + c] = sum[i * N + c] * params.scale; }
  }
}

// The values of the four invocations of a subgroup.
fn four(x: u32) -> vec4u { return vec4u(subgroupBroadcast(x, 0u), subgroupBroadcast(x, 1u), subgroupBroadcast(x, 2u), subgroupBroadcast(x, 3u)); }
fn fourFloats(x: f32) -> vec4f { return vec4f(subgroupBroadcast(x, 0u), subgroupBroadcast(x, 1u), subgroupBroadcast(x, 2u), subgroupBroadcast(x, 3u)); }
fn between(j: u32, begins: vec4u, ends: vec4u) -> vec4<bool> { return (vec4u(j) >= begins) & (vec4u(j) < ends); }

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
  let lastKey = params.keys - 1u;
  let j0 = min(j, lastKey);
  let j1 = min(j + 1u, lastKey);
  let j2 = min(j + 2u, lastKey);
  let j3 = min(j + 3u, lastKey);
  let at0 = keyRow(j0, kvHead);
  let at1 = keyRow(j1, kvHead);
  let at2 = keyRow(j2, kvHead);
  let at3 = keyRow(j3, kvHead);
  let low4 = vec4u(bounds[j0].z, bounds[j1].z, bounds[j2].z, bounds[j3].z);
  let high4 = vec4u(bounds[j0].w, bounds[j1].w, bounds[j2].w, bounds[j3].w);
  let begin = subgroupMin(min(min(low4.x, low4.y), min(low4.z, low4.w)));
  let end = subgroupMax(max(max(high4.x, high4.y), max(high4.z, high4.w)));
  let perGroup = params.heads / params.kvHeads;
  var sum: array<vec4f, 4u * N>;
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = begin; t < end; t += 8u) {
      let ta = min(t + lane, end - 1u);
      let tb = min(t + 4u + lane, end - 1u);
      let low = queryRow(ta, head);
      let high = queryRow(tb, head);
      // What each of the eight queries sees; a repeated last one sees nothing.
      let seenA = select(vec2u(), bounds[ta].xy, t + lane < end);
      let seenB = select(vec2u(), bounds[tb].xy, t + 4u + lane < end);
      let fromA = four(seenA.x);
      let toA = four(seenA.y);
      let fromB = four(seenB.x);
      let toB = four(seenB.y);
      let la = fourFloats(lse[ta * params.heads + head]);
      let lb = fourFloats(lse[tb * params.heads + head]);
      var a0 = vec4f(); var b0 = vec4f(); var a1 = vec4f(); var b1 = vec4f(); var a2 = vec4f(); var b2 = vec4f(); var a3 = vec4f(); var b3 = vec4f();
      for (var c = 0u; c < params.lanes; c++) {
        let q0a = q[low + c];
        let q0b = q[high + c];
        let q0 = subgroupBroadcast(q0a, 0u);
        let q1 = subgroupBroadcast(q0a, 1u);
        let q2 = subgroupBroadcast(q0a, 2u);
        let q3 = subgroupBroadcast(q0a, 3u);
        let q4 = subgroupBroadcast(q0b, 0u);
        let q5 = subgroupBroadcast(q0b, 1u);
        let q6 = subgroupBroadcast(q0b, 2u);
        let q7 = subgroupBroadcast(q0b, 3u);
        var u = vec4f();
        u = k[at0 + c];
        a0 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b0 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
        u = k[at1 + c];
        a1 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b1 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
        u = k[at2 + c];
        a2 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b2 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
        u = k[at3 + c];
        a3 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b3 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
      }
      a0 = select(vec4f(), exp(capped(params.scale * a0) - la), between(j0, fromA, toA));
      b0 = select(vec4f(), exp(capped(params.scale * b0) - lb), between(j0, fromB, toB));
      a1 = select(vec4f(), exp(capped(params.scale * a1) - la), between(j1, fromA, toA));
      b1 = select(vec4f(), exp(capped(params.scale * b1) - lb), between(j1, fromB, toB));
      a2 = select(vec4f(), exp(capped(params.scale * a2) - la), between(j2, fromA, toA));
      b2 = select(vec4f(), exp(capped(params.scale * b2) - lb), between(j2, fromB, toB));
      a3 = select(vec4f(), exp(capped(params.scale * a3) - la), between(j3, fromA, toA));
      b3 = select(vec4f(), exp(capped(params.scale * b3) - lb), between(j3, fromB, toB));
      for (var c = 0u; c < params.lanes; c++) {
        let d0a = dOut[low + c];
        let d0b = dOut[high + c];
        let d0 = subgroupBroadcast(d0a, 0u);
        let d1 = subgroupBroadcast(d0a, 1u);
        let d2 = subgroupBroadcast(d0a, 2u);
        let d3 = subgroupBroadcast(d0a, 3u);
        let d4 = subgroupBroadcast(d0b, 0u);
        let d5 = subgroupBroadcast(d0b, 1u);
        let d6 = subgroupBroadcast(d0b, 2u);
        let d7 = subgroupBroadcast(d0b, 3u);
        sum[c] += (a0.x * d0 + a0.y * d1 + a0.z * d2 + a0.w * d3)
          + (b0.x * d4 + b0.y * d5 + b0.z * d6 + b0.w * d7);
        sum[1u * N + c] += (a1.x * d0 + a1.y * d1 + a1.z * d2 + a1.w * d3)
          + (b1.x * d4 + b1.y * d5 + b1.z * d6 + b1.w * d7);
        sum[2u * N + c] += (a2.x * d0 + a2.y * d1 + a2.z * d2 + a2.w * d3)
          + (b2.x * d4 + b2.y * d5 + b2.z * d6 + b2.w * d7);
        sum[3u * N + c] += (a3.x * d0 + a3.y * d1 + a3.z * d2 + a3.w * d3)
          + (b3.x * d4 + b3.y * d5 + b3.z * d6 + b3.w * d7);
      }
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
  let lastKey = params.keys - 1u;
  let j0 = min(j, lastKey);
  let j1 = min(j + 1u, lastKey);
  let j2 = min(j + 2u, lastKey);
  let j3 = min(j + 3u, lastKey);
  let at0 = keyRow(j0, kvHead);
  let at1 = keyRow(j1, kvHead);
  let at2 = keyRow(j2, kvHead);
  let at3 = keyRow(j3, kvHead);
  let low4 = vec4u(bounds[j0].z, bounds[j1].z, bounds[j2].z, bounds[j3].z);
  let high4 = vec4u(bounds[j0].w, bounds[j1].w, bounds[j2].w, bounds[j3].w);
  let begin = subgroupMin(min(min(low4.x, low4.y), min(low4.z, low4.w)));
  let end = subgroupMax(max(max(high4.x, high4.y), max(high4.z, high4.w)));
  let perGroup = params.heads / params.kvHeads;
  var sumK: array<vec4f, 4u * N>;
  var sumV: array<vec4f, 4u * N>;
  for (var head = kvHead * perGroup; head < (kvHead + 1u) * perGroup; head++) {
    for (var t = begin; t < end; t += 8u) {
      let ta = min(t + lane, end - 1u);
      let tb = min(t + 4u + lane, end - 1u);
      let low = queryRow(ta, head);
      let high = queryRow(tb, head);
      // What each of the eight queries sees; a repeated last one sees nothing.
      let seenA = select(vec2u(), bounds[ta].xy, t + lane < end);
      let seenB = select(vec2u(), bounds[tb].xy, t + 4u + lane < end);
      let fromA = four(seenA.x);
      let toA = four(seenA.y);
      let fromB = four(seenB.x);
      let toB = four(seenB.y);
      let pairA = pair[ta * params.heads + head];
      let pairB = pair[tb * params.heads + head];
      let la = fourFloats(pairA.x);
      let lb = fourFloats(pairB.x);
      let deltaA = fourFloats(pairA.y);
      let deltaB = fourFloats(pairB.y);
      var a0 = vec4f(); var b0 = vec4f(); var a1 = vec4f(); var b1 = vec4f(); var a2 = vec4f(); var b2 = vec4f(); var a3 = vec4f(); var b3 = vec4f();
      for (var c = 0u; c < params.lanes; c++) {
        let q0a = q[low + c];
        let q0b = q[high + c];
        let q0 = subgroupBroadcast(q0a, 0u);
        let q1 = subgroupBroadcast(q0a, 1u);
        let q2 = subgroupBroadcast(q0a, 2u);
        let q3 = subgroupBroadcast(q0a, 3u);
        let q4 = subgroupBroadcast(q0b, 0u);
        let q5 = subgroupBroadcast(q0b, 1u);
        let q6 = subgroupBroadcast(q0b, 2u);
        let q7 = subgroupBroadcast(q0b, 3u);
        var u = vec4f();
        u = k[at0 + c];
        a0 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b0 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
        u = k[at1 + c];
        a1 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b1 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
        u = k[at2 + c];
        a2 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b2 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
        u = k[at3 + c];
        a3 += vec4f(dot(u, q0), dot(u, q1), dot(u, q2), dot(u, q3));
        b3 += vec4f(dot(u, q4), dot(u, q5), dot(u, q6), dot(u, q7));
      }
      var e0 = vec4f(); var f0 = vec4f(); var e1 = vec4f(); var f1 = vec4f(); var e2 = vec4f(); var f2 = vec4f(); var e3 = vec4f(); var f3 = vec4f();
      for (var c = 0u; c < params.lanes; c++) {
        let d0a = dOut[low + c];
        let d0b = dOut[high + c];
        let d0 = subgroupBroadcast(d0a, 0u);
        let d1 = subgroupBroadcast(d0a, 1u);
        let d2 = subgroupBroadcast(d0a, 2u);
        let d3 = subgroupBroadcast(d0a, 3u);
        let d4 = subgroupBroadcast(d0b, 0u);
        let d5 = subgroupBroadcast(d0b, 1u);
        let d6 = subgroupBroadcast(d0b, 2u);
        let d7 = subgroupBroadcast(d0b, 3u);
        var u = vec4f();
        u = v[at0 + c];
        e0 += vec4f(dot(u, d0), dot(u, d1), dot(u, d2), dot(u, d3));
        f0 += vec4f(dot(u, d4), dot(u, d5), dot(u, d6), dot(u, d7));
        u = v[at1 + c];
        e1 += vec4f(dot(u, d0), dot(u, d1), dot(u, d2), dot(u, d3));
        f1 += vec4f(dot(u, d4), dot(u, d5), dot(u, d6), dot(u, d7));
        u = v[at2 + c];
        e2 += vec4f(dot(u, d0), dot(u, d1), dot(u, d2), dot(u, d3));
        f2 += vec4f(dot(u, d4), dot(u, d5), dot(u, d6), dot(u, d7));
        u = v[at3 + c];
        e3 += vec4f(dot(u, d0), dot(u, d1), dot(u, d2), dot(u, d3));
        f3 += vec4f(dot(u, d4), dot(u, d5), dot(u, d6), dot(u, d7));
      }
      e0 = scoreGradient(a0, e0, la, deltaA, between(j0, fromA, toA));
      a0 = select(vec4f(), exp(capped(params.scale * a0) - la), between(j0, fromA, toA));
      f0 = scoreGradient(b0, f0, lb, deltaB, between(j0, fromB, toB));
      b0 = select(vec4f(), exp(capped(params.scale * b0) - lb), between(j0, fromB, toB));
      e1 = scoreGradient(a1, e1, la, deltaA, between(j1, fromA, toA));
      a1 = select(vec4f(), exp(capped(params.scale * a1) - la), between(j1, fromA, toA));
      f1 = scoreGradient(b1, f1, lb, deltaB, between(j1, fromB, toB));
      b1 = select(vec4f(), exp(capped(params.scale * b1) - lb), between(j1, fromB, toB));
      e2 = scoreGradient(a2, e2, la, deltaA, between(j2, fromA, toA));
      a2 = select(vec4f(), exp(capped(params.scale * a2) - la), between(j2, fromA, toA));
      f2 = scoreGradient(b2, f2, lb, deltaB, between(j2, fromB, toB));
      b2 = select(vec4f(), exp(capped(params.scale * b2) - lb), between(j2, fromB, toB));
      e3 = scoreGradient(a3, e3, la, deltaA, between(j3, fromA, toA));
      a3 = select(vec4f(), exp(capped(params.scale * a3) - la), between(j3, fromA, toA));
      f3 = scoreGradient(b3, f3, lb, deltaB, between(j3, fromB, toB));
      b3 = select(vec4f(), exp(capped(params.scale * b3) - lb), between(j3, fromB, toB));
      for (var c = 0u; c < params.lanes; c++) {
        let d0a = dOut[low + c];
        let d0b = dOut[high + c];
        let d0 = subgroupBroadcast(d0a, 0u);
        let d1 = subgroupBroadcast(d0a, 1u);
        let d2 = subgroupBroadcast(d0a, 2u);
        let d3 = subgroupBroadcast(d0a, 3u);
        let d4 = subgroupBroadcast(d0b, 0u);
        let d5 = subgroupBroadcast(d0b, 1u);
        let d6 = subgroupBroadcast(d0b, 2u);
        let d7 = subgroupBroadcast(d0b, 3u);
        sumV[c] += (a0.x * d0 + a0.y * d1 + a0.z * d2 + a0.w * d3)
          + (b0.x * d4 + b0.y * d5 + b0.z * d6 + b0.w * d7);
        sumV[1u * N + c] += (a1.x * d0 + a1.y * d1 + a1.z * d2 + a1.w * d3)
          + (b1.x * d4 + b1.y * d5 + b1.z * d6 + b1.w * d7);
        sumV[2u * N + c] += (a2.x * d0 + a2.y * d1 + a2.z * d2 + a2.w * d3)
          + (b2.x * d4 + b2.y * d5 + b2.z * d6 + b2.w * d7);
        sumV[3u * N + c] += (a3.x * d0 + a3.y * d1 + a3.z * d2 + a3.w * d3)
          + (b3.x * d4 + b3.y * d5 + b3.z * d6 + b3.w * d7);
      }
      for (var c = 0u; c < params.lanes; c++) {
        let q0a = q[low + c];
        let q0b = q[high + c];
        let q0 = subgroupBroadcast(q0a, 0u);
        let q1 = subgroupBroadcast(q0a, 1u);
        let q2 = subgroupBroadcast(q0a, 2u);
        let q3 = subgroupBroadcast(q0a, 3u);
        let q4 = subgroupBroadcast(q0b, 0u);
        let q5 = subgroupBroadcast(q0b, 1u);
        let q6 = subgroupBroadcast(q0b, 2u);
        let q7 = subgroupBroadcast(q0b, 3u);
        sumK[c] += (e0.x * q0 + e0.y * q1 + e0.z * q2 + e0.w * q3)
          + (f0.x * q4 + f0.y * q5 + f0.z * q6 + f0.w * q7);
        sumK[1u * N + c] += (e1.x * q0 + e1.y * q1 + e1.z * q2 + e1.w * q3)
          + (f1.x * q4 + f1.y * q5 + f1.z * q6 + f1.w * q7);
        sumK[2u * N + c] += (e2.x * q0 + e2.y * q1 + e2.z * q2 + e2.w * q3)
          + (f2.x * q4 + f2.y * q5 + f2.z * q6 + f2.w * q7);
        sumK[3u * N + c] += (e3.x * q0 + e3.y * q1 + e3.z * q2 + e3.w * q3)
          + (f3.x * q4 + f3.y * q5 + f3.z * q6 + f3.w * q7);
      }
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
