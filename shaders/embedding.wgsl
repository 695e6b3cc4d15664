// Rows of an embedding table and their gradient.
//
//   embedding   y[t,:] = scale · table[ids[t],:]
//   link        next[t] = the next token with the same id as t (count if there is none); bit 31 is set when an earlier
//               one exists
//   scatter     ∂table[ids[t],:] += scale · Σ ∂y[s,:] over all tokens s with the id of t; done by the first of them, in
//               order
//
// The table may be bound in parts: a dispatch touches only tokens whose id lies in [first, first + rows). An id beyond
// the whole table gives a row of zeros and no gradient; nothing is read out of bounds.
// FORMAT of the table: 0 f32, 1 bf16, 2 f16 (common/stored.wgsl).
// Memory rule: y and next are assigned (=); the gradient of the table is accumulated (+=), without atomics.

import package::common::grid::{Grid, groupIndex};
import package::common::stored::{element, wordOf};
import host::Params;

const FORMAT: u32 = 0u;
const REPEATED: u32 = 0x80000000u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;             // [count]
@group(0) @binding(2) var<storage, read> table: array<u32>;           // [rows, width], as stored
@group(0) @binding(3) var<storage, read_write> y: array<f32>;         // [count, width]
@group(0) @binding(4) var<storage, read_write> next: array<u32>;      // [count]
@group(0) @binding(5) var<storage, read> dy: array<f32>;              // [count, width]
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;  // [rows, width]

fn entry(i: u32) -> f32 { return element(table[wordOf(i, FORMAT)], i, FORMAT); }

@compute @workgroup_size(256)
fn embedding(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.count * params.width) { return; }
  let id = ids[i / params.width];
  if (id >= params.vocabulary) {
    if (params.first == 0u) { y[i] = 0.0; }
    return;
  }
  let row = id - params.first;
  if (row < params.rows) { y[i] = params.scale * entry(row * params.width + i % params.width); }
}

@compute @workgroup_size(64)
fn link(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let t = groupIndex(grid) * 64u + local;
  if (t >= params.count) { return; }
  let id = ids[t];
  var found = params.count;
  for (var s = t + 1u; s < params.count; s++) {
    if (ids[s] == id) {
      found = s;
      break;
    }
  }
  for (var s = 0u; s < t; s++) {
    if (ids[s] == id) {
      found |= REPEATED;
      break;
    }
  }
  next[t] = found;
}

@compute @workgroup_size(256)
fn scatter(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.count * params.width) { return; }
  let t = i / params.width;
  let column = i % params.width;
  let row = ids[t] - params.first;
  if (row >= params.rows || (next[t] & REPEATED) != 0u) { return; }
  var sum = 0.0;
  for (var s = t; s < params.count; s = next[s] & ~REPEATED) { sum += dy[s * params.width + column]; }
  gradient[row * params.width + column] += params.scale * sum;
}
