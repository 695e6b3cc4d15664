// Masked cross-entropy over a vocabulary that is seen in chunks.
//
//   loss[i] = logsumexp_v l[i,v] - l[i,target]      0 where the target is IGNORED_TARGET
//   ∂l[i,v] = (softmax(l[i,:])[v] - [v = target]) · lossScale
//
// `online` folds one chunk of logits into a running maximum m, a running sum s = Σ exp(l - m) and the target's logit
// (state [L, 4]; Milakov & Gimelshein, arXiv 1805.02867); so does `onlineRow`, for software adapters. `finish` makes
// the losses and adds Σ loss · lossScale to stats[0] (`finishRows`: no stats). `gradient` turns a chunk of logits into
// their gradient in place. Where the logits l = cap · tanh(u / cap) were soft-capped (softcap.wgsl), it makes that of
// u, with the factor 1 − (l · inverseCap)²; inverseCap is 0 where they were not.
//
// With terms, the loss of label i is w · CE + c · KL and not CE alone (`finishTerms`, `gradientTerms`):
//
//   CE = loss[i] = -log p    d = log p_ref - log p    KL: k2 d²/2, k3 exp(d) - 1 - d    (arXiv 2505.17196, OpenRLHF)
//   ∂l[i,v] = (softmax(l[i,:])[v] - [v = target]) · (w + c · (k2: d, k3: exp(d) - 1)) · lossScale
//
// w and c may be of either sign. With w = 1 and c = 0 both are bit for bit those without terms.
//
// Memory rule: state and loss are assigned (=), stats[0] is accumulated (+=), logits are replaced by their gradient.
// The logits have a row stride `stride` >= the chunk; the columns between are set to zero by `gradient`.

import package::common::grid::{Grid, groupIndex};
import package::common::reduction::treeSum;
import host::{Params, BATCH_LOSS_SCALE, IGNORED_TARGET, STATS_CROSS_ENTROPY};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;   // [rows, stride]
@group(0) @binding(2) var<storage, read> targets: array<u32>;        // [L]
@group(0) @binding(3) var<storage, read_write> state: array<vec4f>;  // [L]: m, s, the target's logit
@group(0) @binding(4) var<storage, read> batch: array<u32>;          // engine/batchScalars.ts
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;     // [L]
@group(0) @binding(6) var<storage, read_write> stats: array<f32>;    // engine/batchScalars.ts
@group(0) @binding(7) var<storage, read> terms: array<vec4f>;        // [L]: w, c, log p_ref, unused

const LOWEST: f32 = -3.4028234e38;

var<workgroup> maxima: array<f32, 256>;
var<workgroup> parts: array<f32, 256>;

@compute @workgroup_size(256)
fn online(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid);
  if (row >= params.rows) { return; }
  let begin = row * params.stride;
  var largest = LOWEST;
  for (var i = local; i < params.chunk; i += 256u) { largest = max(largest, logits[begin + i]); }
  var sum = 0.0;
  for (var i = local; i < params.chunk; i += 256u) { sum += exp(logits[begin + i] - largest); }
  maxima[local] = largest;
  parts[local] = sum;
  workgroupBarrier();
  for (var half = 128u; half > 0u; half >>= 1u) {
    if (local < half) {
      let m = max(maxima[local], maxima[local + half]);
      parts[local] = parts[local] * exp(maxima[local] - m) + parts[local + half] * exp(maxima[local + half] - m);
      maxima[local] = m;
    }
    workgroupBarrier();
  }
  if (local == 0u) { fold(row, maxima[0], parts[0]); }
}

// The chunk's part of a row into its state.
fn fold(row: u32, largest: f32, sum: f32) {
  let at = params.offset + row;
  var old = vec4f(LOWEST, 0.0, 0.0, 0.0);
  if (params.first == 0u) { old = state[at]; }
  let m = max(old.x, largest);
  let total = old.y * exp(old.x - m) + sum * exp(largest - m);
  let column = targets[at] - params.vocabulary0;
  let own = targets[at] != IGNORED_TARGET && targets[at] >= params.vocabulary0 && column < params.chunk;
  state[at] = vec4f(m, total, select(old.z, logits[row * params.stride + min(column, params.chunk - 1u)], own), 0.0);
}

// One invocation per row, without barriers, which cost software adapters dearly. Sums of 256 columns are summed, so
// that rounding does not grow with the vocabulary.
@compute @workgroup_size(8)
fn onlineRow(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid) * 8u + local;
  if (row >= params.rows) { return; }
  let begin = row * params.stride;
  let end = begin + params.chunk;
  var largest = LOWEST;
  for (var i = begin; i < end; i++) { largest = max(largest, logits[i]); }
  var sum = 0.0;
  for (var block = begin; block < end; block += 256u) {
    let stop = min(block + 256u, end);
    var part = 0.0;
    for (var i = block; i < stop; i++) { part += exp(logits[i] - largest); }
    sum += part;
  }
  fold(row, largest, sum);
}

fn rowLoss(i: u32) -> f32 {
  if (targets[i] == IGNORED_TARGET) { return 0.0; }
  return state[i].x + log(state[i].y) - state[i].z;
}

// One workgroup, so that the sum has one order.
@compute @workgroup_size(256)
fn finish(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < params.rows; i += 256u) {
    let value = rowLoss(i);
    loss[i] = value;
    sum += value;
  }
  let all = treeSum(local, sum);
  if (local == 0u) { stats[STATS_CROSS_ENTROPY] += all * bitcast<f32>(batch[BATCH_LOSS_SCALE]); }
}

// Of a label's loss where the label has terms. `value` is its cross-entropy.
fn termsLoss(i: u32, value: f32) -> f32 {
  let term = terms[i];
  if (term.y == 0.0) { return term.x * value; }
  let d = term.z + value;
  let divergence = select(0.5 * d * d, expMinusOne(d) - d, params.k3 != 0u);
  return term.x * value + term.y * divergence;
}

// exp(d) - 1; near 0, where the difference would cancel, by its series.
fn expMinusOne(d: f32) -> f32 {
  if (abs(d) > 0.125) { return exp(d) - 1.0; }
  return d * (1.0 + d / 2.0 * (1.0 + d / 3.0 * (1.0 + d / 4.0 * (1.0 + d / 5.0))));
}

// What the gradient of a label's cross-entropy is multiplied with.
fn termsFactor(i: u32) -> f32 {
  let term = terms[i];
  if (term.y == 0.0) { return term.x; }
  let d = term.z + rowLoss(i);
  return term.x + term.y * select(d, expMinusOne(d), params.k3 != 0u);
}

// As `finish`, with terms; `loss` stays the cross-entropy.
@compute @workgroup_size(256)
fn finishTerms(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < params.rows; i += 256u) {
    let value = rowLoss(i);
    loss[i] = value;
    sum += select(termsLoss(i, value), 0.0, targets[i] == IGNORED_TARGET);
  }
  let all = treeSum(local, sum);
  if (local == 0u) { stats[STATS_CROSS_ENTROPY] += all * bitcast<f32>(batch[BATCH_LOSS_SCALE]); }
}

// Without stats.
@compute @workgroup_size(256)
fn finishRows(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.rows) { loss[i] = rowLoss(i); }
}

@compute @workgroup_size(256)
fn gradient(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.rows * params.stride) { logits[i] = logitGradient(i); }
}

// As `gradient`, with terms.
@compute @workgroup_size(256)
fn gradientTerms(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.rows * params.stride) { return; }
  logits[i] = logitGradient(i) * termsFactor(params.offset + i / params.stride);
}

// 0 beside the chunk, and in rows that are padding.
fn logitGradient(i: u32) -> f32 {
  let row = params.offset + i / params.stride;
  let column = i % params.stride;
  let target_ = targets[row];
  if (column >= params.chunk || target_ == IGNORED_TARGET) { return 0.0; }
  let seen = state[row];
  let probability = exp(logits[i] - seen.x) / seen.y;
  let own = select(0.0, 1.0, params.vocabulary0 + column == target_);
  let t = logits[i] * params.inverseCap;
  return (probability - own) * (1.0 - t * t) * bitcast<f32>(batch[BATCH_LOSS_SCALE]);
}
