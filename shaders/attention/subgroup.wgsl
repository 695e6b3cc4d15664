// Attention of rows.wgsl on a software adapter that computes four invocations side by side (matmul/subgroup.wgsl says
// why loads are what costs); the same maths, parameters and memory rule (every output is assigned).
//
// An invocation owns four neighbouring queries (keys in the reverse pass for keys and values), the four invocations of
// a subgroup sixteen of one head. They walk together over the union of what their rows see, eight rows of the other
// side at a time; each loads two of the eight and takes the others from its neighbours' registers (quadBroadcast). What
// a row does not see adds nothing, whatever it holds.
// For batches whose queries are their own keys; in a cache neighbours have nothing in common. Needs Lane = vec4f and
// subgroups of exactly four.

import package::common::grid::{Grid, groupIndex};
import package::attention::eight::{Block, Sums, four, fourFloats, keysFrom, queriesFrom};
import package::attention::eight::{timesQK, timesDOutV, timesKQ, timesVDOut, gatherQ, gatherK, gatherV, gatherDOut};
import package::attention::operands::{N, MASKED, params, bounds, o, logSum, lse, pair, dq, dk, dv};
import package::attention::operands::{queryRow, keyRow, kvHeadOf, capped, slope};

enable subgroups;
// Which invocations are active is uniform in a subgroup by the layout, which WGSL's analysis, being one of whole
// workgroups, cannot see.
diagnostic(off, subgroup_uniformity);

struct Invocation { @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32 }

const OWN: u32 = 4u;     // rows of an invocation
const THREADS: u32 = 8u; // invocations of a workgroup

// Own rows, where each begins in its matrix, and the range that each sees (of a key: by which it is seen).
struct Own { rows: vec4u, at: vec4u, begins: vec4u, ends: vec4u }
// Which of the first four and of the last four count.
struct Mask { a: vec4<bool>, b: vec4<bool> }
// Of the eight queries: the keys that each sees.
struct QueryRanges { beginA: vec4u, endA: vec4u, beginB: vec4u, endB: vec4u }
struct SoftmaxStep { weights: mat2x4f, rowMax: f32, total: f32, rescale: f32 }

// ---- own rows -------------------------------------------------------------------------------------------------------

// The first own row and its head; `group`: the first row of the workgroup.
struct Place { group: u32, row: u32, head: u32 }

fn placeOf(grid: Grid, local: u32, heads: u32) -> Place {
  let flat = groupIndex(grid);
  return Place(flat / heads * THREADS * OWN, (flat / heads * THREADS + local) * OWN, flat % heads);
}

// A surplus invocation stays and repeats the last row: its neighbours need what it loads.
fn ownRows(first: u32, count: u32) -> vec4u {
  return min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(count - 1u));
}

fn ownQueries(place: Place) -> Own {
  let rows = ownRows(place.row, params.queries);
  let b0 = bounds[rows.x];
  let b1 = bounds[rows.y];
  let b2 = bounds[rows.z];
  let b3 = bounds[rows.w];
  let at = (rows * params.heads + place.head) * N;
  return Own(rows, at, vec4u(b0.x, b1.x, b2.x, b3.x), vec4u(b0.y, b1.y, b2.y, b3.y));
}

fn ownKeys(place: Place) -> Own {
  let rows = ownRows(place.row, params.keys);
  let b0 = bounds[rows.x].zw;
  let b1 = bounds[rows.y].zw;
  let b2 = bounds[rows.z].zw;
  let b3 = bounds[rows.w].zw;
  let at = (rows * params.kvHeads + place.head) * N;
  return Own(rows, at, vec4u(b0.x, b1.x, b2.x, b3.x), vec4u(b0.y, b1.y, b2.y, b3.y));
}

// How many of the own rows there are.
fn ownCount(place: Place, count: u32) -> u32 { return select(0u, min(OWN, count - place.row), place.row < count); }

// The union of what a subgroup's rows see.
fn rangeBegin(own: Own) -> u32 {
  return subgroupMin(min(min(own.begins.x, own.begins.y), min(own.begins.z, own.begins.w)));
}
fn rangeEnd(own: Own) -> u32 {
  return subgroupMax(max(max(own.ends.x, own.ends.y), max(own.ends.z, own.ends.w)));
}

// Whether each own row of the subgroup sees all of the rows first … first + 7 (or, a key, is seen by them).
fn holdEight(own: Own, first: u32) -> bool {
  return subgroupAll(all(own.begins <= vec4u(first)) && all(own.ends >= vec4u(first + 8u)));
}

// ---- masks ----------------------------------------------------------------------------------------------------------

// Which of the keys j … j + 7 lie in [begin, end).
fn keyMask(j: u32, begin: u32, end: u32) -> Mask {
  let a = vec4u(j, j + 1u, j + 2u, j + 3u);
  let b = a + vec4u(4u);
  return Mask((a >= vec4u(begin)) & (a < vec4u(end)), (b >= vec4u(begin)) & (b < vec4u(end)));
}

// Which of the eight queries see key j.
fn queryMask(j: u32, ranges: QueryRanges) -> Mask {
  let key = vec4u(j);
  return Mask((key >= ranges.beginA) & (key < ranges.endA), (key >= ranges.beginB) & (key < ranges.endB));
}

// Of each own key.
struct Masks { m0: Mask, m1: Mask, m2: Mask, m3: Mask }

fn masksOf(keys: vec4u, ranges: QueryRanges) -> Masks {
  return Masks(
    queryMask(keys.x, ranges), queryMask(keys.y, ranges), queryMask(keys.z, ranges), queryMask(keys.w, ranges),
  );
}

// The queries t … t + 7; those from `end` on repeat the last one and see nothing.
fn queryRanges(t: u32, lane: u32, end: u32) -> QueryRanges {
  let seenA = select(vec2u(), bounds[min(t + lane, end - 1u)].xy, t + lane < end);
  let seenB = select(vec2u(), bounds[min(t + 4u + lane, end - 1u)].xy, t + 4u + lane < end);
  return QueryRanges(four(seenA.x), four(seenA.y), four(seenB.x), four(seenB.y));
}

// ---- softmax --------------------------------------------------------------------------------------------------------

fn both(x: f32) -> mat2x4f { return mat2x4f(vec4f(x), vec4f(x)); }

// Scores by the products q·k.
fn scores(raw: mat2x4f, seen: Mask) -> mat2x4f {
  let a = capped(params.scale * raw[0]);
  let b = capped(params.scale * raw[1]);
  return mat2x4f(select(vec4f(MASKED), a, seen.a), select(vec4f(MASKED), b, seen.b));
}

// p by the products q·k and l; 0 where nothing is seen.
fn probabilities(raw: mat2x4f, l: mat2x4f, seen: Mask) -> mat2x4f {
  let a = exp(capped(params.scale * raw[0]) - l[0]);
  let b = exp(capped(params.scale * raw[1]) - l[1]);
  return mat2x4f(select(vec4f(), a, seen.a), select(vec4f(), b, seen.b));
}

fn probabilitiesOf(raw: Block, l: mat2x4f, masks: Masks) -> Block {
  return Block(
    probabilities(raw.g0, l, masks.m0), probabilities(raw.g1, l, masks.m1),
    probabilities(raw.g2, l, masks.m2), probabilities(raw.g3, l, masks.m3),
  );
}

fn scoreGradient(raw: vec4f, dp: vec4f, l: vec4f, delta: vec4f, seen: vec4<bool>) -> vec4f {
  let score = capped(params.scale * raw);
  return select(vec4f(), exp(score - l) * (dp - delta) * slope(score), seen);
}

// ∂s of the unscaled products q·k, from ∂p; 0 where nothing is seen.
fn scoreGradients(raw: mat2x4f, dp: mat2x4f, l: mat2x4f, delta: mat2x4f, seen: Mask) -> mat2x4f {
  return mat2x4f(
    scoreGradient(raw[0], dp[0], l[0], delta[0], seen.a),
    scoreGradient(raw[1], dp[1], l[1], delta[1], seen.b),
  );
}

// One step of the online softmax: products q·k of eight keys become weights relative to the new maximum.
fn softmaxStep(raw: mat2x4f, seen: Mask, rowMax: f32, total: f32) -> SoftmaxStep {
  let s = scores(raw, seen);
  let larger = max(s[0], s[1]);
  let newMax = max(rowMax, max(max(larger.x, larger.y), max(larger.z, larger.w)));
  let a = select(vec4f(), exp(s[0] - newMax), seen.a);
  let b = select(vec4f(), exp(s[1] - newMax), seen.b);
  let rescale = exp(rowMax - newMax);
  let sum = a + b;
  return SoftmaxStep(mat2x4f(a, b), newMax, total * rescale + (sum.x + sum.y + sum.z + sum.w), rescale);
}

// ---- kernels --------------------------------------------------------------------------------------------------------

@compute @workgroup_size(THREADS)
fn forward(grid: Grid, me: Invocation) {
  let place = placeOf(grid, me.local, params.heads);
  if (place.group >= params.queries) { return; }
  let kvHead = kvHeadOf(place.head);
  let own = ownQueries(place);
  let end = rangeEnd(own);
  var sum: Sums;
  var rowMax = vec4f(MASKED);
  var total = vec4f();
  for (var j = rangeBegin(own); j < end; j += 8u) {
    let keys = keysFrom(j, me.lane, end, kvHead);
    let s = timesQK(own.at, keys);
    let s0 = softmaxStep(s.g0, keyMask(j, own.begins.x, own.ends.x), rowMax.x, total.x);
    let s1 = softmaxStep(s.g1, keyMask(j, own.begins.y, own.ends.y), rowMax.y, total.y);
    let s2 = softmaxStep(s.g2, keyMask(j, own.begins.z, own.ends.z), rowMax.z, total.z);
    let s3 = softmaxStep(s.g3, keyMask(j, own.begins.w, own.ends.w), rowMax.w, total.w);
    rowMax = vec4f(s0.rowMax, s1.rowMax, s2.rowMax, s3.rowMax);
    total = vec4f(s0.total, s1.total, s2.total, s3.total);
    let rescale = vec4f(s0.rescale, s1.rescale, s2.rescale, s3.rescale);
    let p = Block(s0.weights, s1.weights, s2.weights, s3.weights);
    gatherV(&sum, rescale, p, keys, holdEight(own, j));
  }
  let inverse = select(vec4f(), 1.0 / total, total > vec4f());
  let logs = rowMax + log(max(total, vec4f(1.0e-37)));
  let count = ownCount(place, params.queries);
  for (var i = 0u; i < count; i++) {
    let at = queryRow(place.row + i, place.head);
    for (var c = 0u; c < params.lanes; c++) { o[at + c] = sum[i * N + c] * inverse[i]; }
    logSum[(place.row + i) * params.heads + place.head] = logs[i];
  }
}

@compute @workgroup_size(THREADS)
fn backward_queries(grid: Grid, me: Invocation) {
  let place = placeOf(grid, me.local, params.heads);
  if (place.group >= params.queries) { return; }
  let kvHead = kvHeadOf(place.head);
  let own = ownQueries(place);
  let end = rangeEnd(own);
  let pairs = own.rows * params.heads + place.head;
  let p0 = pair[pairs.x];
  let p1 = pair[pairs.y];
  let p2 = pair[pairs.z];
  let p3 = pair[pairs.w];
  var sum: Sums;
  for (var j = rangeBegin(own); j < end; j += 8u) {
    let keys = keysFrom(j, me.lane, end, kvHead);
    let s = timesQK(own.at, keys);
    let dp = timesDOutV(own.at, keys);
    let ds = Block(
      scoreGradients(s.g0, dp.g0, both(p0.x), both(p0.y), keyMask(j, own.begins.x, own.ends.x)),
      scoreGradients(s.g1, dp.g1, both(p1.x), both(p1.y), keyMask(j, own.begins.y, own.ends.y)),
      scoreGradients(s.g2, dp.g2, both(p2.x), both(p2.y), keyMask(j, own.begins.z, own.ends.z)),
      scoreGradients(s.g3, dp.g3, both(p3.x), both(p3.y), keyMask(j, own.begins.w, own.ends.w)),
    );
    gatherK(&sum, ds, keys, holdEight(own, j));
  }
  let count = ownCount(place, params.queries);
  for (var i = 0u; i < count; i++) {
    let at = queryRow(place.row + i, place.head);
    for (var c = 0u; c < params.lanes; c++) { dq[at + c] = sum[i * N + c] * params.scale; }
  }
}

@compute @workgroup_size(THREADS)
fn backward_values(grid: Grid, me: Invocation) {
  let place = placeOf(grid, me.local, params.kvHeads);
  if (place.group >= params.keys) { return; }
  let own = ownKeys(place);
  let end = rangeEnd(own);
  let perGroup = params.heads / params.kvHeads;
  var sum: Sums;
  for (var head = place.head * perGroup; head < (place.head + 1u) * perGroup; head++) {
    for (var t = rangeBegin(own); t < end; t += 8u) {
      let queries = queriesFrom(t, me.lane, end, head);
      let l = mat2x4f(fourFloats(lse[queries.low / N]), fourFloats(lse[queries.high / N]));
      let p = probabilitiesOf(timesKQ(own.at, queries), l, masksOf(own.rows, queryRanges(t, me.lane, end)));
      gatherDOut(&sum, p, queries, holdEight(own, t));
    }
  }
  let count = ownCount(place, params.keys);
  for (var i = 0u; i < count; i++) {
    let at = keyRow(place.row + i, place.head);
    for (var c = 0u; c < params.lanes; c++) { dv[at + c] = sum[i * N + c]; }
  }
}

@compute @workgroup_size(THREADS)
fn backward_keys_values(grid: Grid, me: Invocation) {
  let place = placeOf(grid, me.local, params.kvHeads);
  if (place.group >= params.keys) { return; }
  let own = ownKeys(place);
  let end = rangeEnd(own);
  let perGroup = params.heads / params.kvHeads;
  var sumK: Sums;
  var sumV: Sums;
  for (var head = place.head * perGroup; head < (place.head + 1u) * perGroup; head++) {
    for (var t = rangeBegin(own); t < end; t += 8u) {
      let queries = queriesFrom(t, me.lane, end, head);
      let masks = masksOf(own.rows, queryRanges(t, me.lane, end));
      let pairA = pair[queries.low / N];
      let pairB = pair[queries.high / N];
      let l = mat2x4f(fourFloats(pairA.x), fourFloats(pairB.x));
      let delta = mat2x4f(fourFloats(pairA.y), fourFloats(pairB.y));
      let s = timesKQ(own.at, queries);
      let dp = timesVDOut(own.at, queries);
      let whole = holdEight(own, t);
      gatherDOut(&sumV, probabilitiesOf(s, l, masks), queries, whole);
      let ds = Block(
        scoreGradients(s.g0, dp.g0, l, delta, masks.m0), scoreGradients(s.g1, dp.g1, l, delta, masks.m1),
        scoreGradients(s.g2, dp.g2, l, delta, masks.m2), scoreGradients(s.g3, dp.g3, l, delta, masks.m3),
      );
      gatherQ(&sumK, ds, queries, whole);
    }
  }
  let count = ownCount(place, params.keys);
  for (var i = 0u; i < count; i++) {
    let at = keyRow(place.row + i, place.head);
    for (var c = 0u; c < params.lanes; c++) {
      dk[at + c] = sumK[i * N + c] * params.scale;
      dv[at + c] = sumV[i * N + c];
    }
  }
}
