// Eight rows of the other side, as the kernels of subgroup.wgsl read them: each invocation of a subgroup of four loads
// two of the eight and takes the others from its neighbours' registers (quadBroadcast). Products of its four own rows
// with them, and their sums by weights.

import package::attention::operands::{N, params, q, k, v, dOut, queryRow, keyRow};

enable subgroups;

// One quad of channels of eight rows of the other side.
struct Eight { r0: vec4f, r1: vec4f, r2: vec4f, r3: vec4f, r4: vec4f, r5: vec4f, r6: vec4f, r7: vec4f }
// A figure for each own row and each of the eight: a matrix an own row, its columns the first four and the last four.
struct Block { g0: mat2x4f, g1: mat2x4f, g2: mat2x4f, g3: mat2x4f }
// Four own rows, channel quad by channel quad.
alias Sums = array<vec4f, 4u * N>;

// What the four invocations of a subgroup have loaded, two rows each.
fn eight(low: vec4f, high: vec4f) -> Eight {
  return Eight(
    quadBroadcast(low, 0u), quadBroadcast(low, 1u), quadBroadcast(low, 2u), quadBroadcast(low, 3u),
    quadBroadcast(high, 0u), quadBroadcast(high, 1u), quadBroadcast(high, 2u), quadBroadcast(high, 3u),
  );
}
fn four(x: u32) -> vec4u {
  return vec4u(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u));
}
fn fourFloats(x: f32) -> vec4f {
  return vec4f(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u));
}

fn dots(u: vec4f, others: Eight) -> mat2x4f {
  return mat2x4f(
    vec4f(dot(u, others.r0), dot(u, others.r1), dot(u, others.r2), dot(u, others.r3)),
    vec4f(dot(u, others.r4), dot(u, others.r5), dot(u, others.r6), dot(u, others.r7)),
  );
}

fn plusDots(s: Block, u0: vec4f, u1: vec4f, u2: vec4f, u3: vec4f, others: Eight) -> Block {
  return Block(s.g0 + dots(u0, others), s.g1 + dots(u1, others), s.g2 + dots(u2, others), s.g3 + dots(u3, others));
}

// Where the two of the eight rows begin that this invocation loads; rows from `end` on repeat the last one.
struct Loaded { low: u32, high: u32 }

fn keysFrom(j: u32, lane: u32, end: u32, kvHead: u32) -> Loaded {
  return Loaded(keyRow(min(j + lane, end - 1u), kvHead), keyRow(min(j + 4u + lane, end - 1u), kvHead));
}
fn queriesFrom(t: u32, lane: u32, end: u32, head: u32) -> Loaded {
  return Loaded(queryRow(min(t + lane, end - 1u), head), queryRow(min(t + 4u + lane, end - 1u), head));
}

// Lane c of eight rows.
fn eightQ(rows: Loaded, c: u32) -> Eight { return eight(q[rows.low + c], q[rows.high + c]); }
fn eightK(rows: Loaded, c: u32) -> Eight { return eight(k[rows.low + c], k[rows.high + c]); }
fn eightV(rows: Loaded, c: u32) -> Eight { return eight(v[rows.low + c], v[rows.high + c]); }
fn eightDOut(rows: Loaded, c: u32) -> Eight { return eight(dOut[rows.low + c], dOut[rows.high + c]); }

// Products of the own rows of one matrix with eight rows of another.
fn timesQK(at: vec4u, rows: Loaded) -> Block {
  var s = Block();
  for (var c = 0u; c < params.lanes; c++) {
    s = plusDots(s, q[at.x + c], q[at.y + c], q[at.z + c], q[at.w + c], eightK(rows, c));
  }
  return s;
}
fn timesDOutV(at: vec4u, rows: Loaded) -> Block {
  var s = Block();
  for (var c = 0u; c < params.lanes; c++) {
    s = plusDots(s, dOut[at.x + c], dOut[at.y + c], dOut[at.z + c], dOut[at.w + c], eightV(rows, c));
  }
  return s;
}
fn timesKQ(at: vec4u, rows: Loaded) -> Block {
  var s = Block();
  for (var c = 0u; c < params.lanes; c++) {
    s = plusDots(s, k[at.x + c], k[at.y + c], k[at.z + c], k[at.w + c], eightQ(rows, c));
  }
  return s;
}
fn timesVDOut(at: vec4u, rows: Loaded) -> Block {
  var s = Block();
  for (var c = 0u; c < params.lanes; c++) {
    s = plusDots(s, v[at.x + c], v[at.y + c], v[at.z + c], v[at.w + c], eightDOut(rows, c));
  }
  return s;
}

// The eight rows by their weights.
fn blend(w: mat2x4f, others: Eight) -> vec4f {
  return (w[0].x * others.r0 + w[0].y * others.r1 + w[0].z * others.r2 + w[0].w * others.r3)
    + (w[1].x * others.r4 + w[1].y * others.r5 + w[1].z * others.r6 + w[1].w * others.r7);
}

// The same without rows of weight 0: 0 times NaN or an infinity would be NaN.
fn blendSeen(w: mat2x4f, others: Eight) -> vec4f {
  return blend(w, Eight(
    seen(w[0].x, others.r0), seen(w[0].y, others.r1), seen(w[0].z, others.r2), seen(w[0].w, others.r3),
    seen(w[1].x, others.r4), seen(w[1].y, others.r5), seen(w[1].z, others.r6), seen(w[1].w, others.r7),
  ));
}
fn seen(weight: f32, row: vec4f) -> vec4f { return select(vec4f(), row, weight != 0.0); }

// Channel quad c of each own row's sum: `rescale` of what it was, plus the eight rows by their weights.
fn gather(sums: ptr<function, Sums>, c: u32, rescale: vec4f, w: Block, others: Eight) {
  (*sums)[c] = (*sums)[c] * rescale.x + blend(w.g0, others);
  (*sums)[N + c] = (*sums)[N + c] * rescale.y + blend(w.g1, others);
  (*sums)[2u * N + c] = (*sums)[2u * N + c] * rescale.z + blend(w.g2, others);
  (*sums)[3u * N + c] = (*sums)[3u * N + c] * rescale.w + blend(w.g3, others);
}
fn gatherSeen(sums: ptr<function, Sums>, c: u32, rescale: vec4f, w: Block, others: Eight) {
  (*sums)[c] = (*sums)[c] * rescale.x + blendSeen(w.g0, others);
  (*sums)[N + c] = (*sums)[N + c] * rescale.y + blendSeen(w.g1, others);
  (*sums)[2u * N + c] = (*sums)[2u * N + c] * rescale.z + blendSeen(w.g2, others);
  (*sums)[3u * N + c] = (*sums)[3u * N + c] * rescale.w + blendSeen(w.g3, others);
}

// All channels; whole, the same in a subgroup: all of the eight rows count for all of its own rows.
fn gatherV(sums: ptr<function, Sums>, rescale: vec4f, w: Block, rows: Loaded, whole: bool) {
  if (whole) {
    for (var c = 0u; c < params.lanes; c++) { gather(sums, c, rescale, w, eightV(rows, c)); }
  } else {
    for (var c = 0u; c < params.lanes; c++) { gatherSeen(sums, c, rescale, w, eightV(rows, c)); }
  }
}
fn gatherK(sums: ptr<function, Sums>, w: Block, rows: Loaded, whole: bool) {
  if (whole) {
    for (var c = 0u; c < params.lanes; c++) { gather(sums, c, vec4f(1.0), w, eightK(rows, c)); }
  } else {
    for (var c = 0u; c < params.lanes; c++) { gatherSeen(sums, c, vec4f(1.0), w, eightK(rows, c)); }
  }
}
fn gatherQ(sums: ptr<function, Sums>, w: Block, rows: Loaded, whole: bool) {
  if (whole) {
    for (var c = 0u; c < params.lanes; c++) { gather(sums, c, vec4f(1.0), w, eightQ(rows, c)); }
  } else {
    for (var c = 0u; c < params.lanes; c++) { gatherSeen(sums, c, vec4f(1.0), w, eightQ(rows, c)); }
  }
}
fn gatherDOut(sums: ptr<function, Sums>, w: Block, rows: Loaded, whole: bool) {
  if (whole) {
    for (var c = 0u; c < params.lanes; c++) { gather(sums, c, vec4f(1.0), w, eightDOut(rows, c)); }
  } else {
    for (var c = 0u; c < params.lanes; c++) { gatherSeen(sums, c, vec4f(1.0), w, eightDOut(rows, c)); }
  }
}
