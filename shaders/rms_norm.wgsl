// Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467) over rows of width d (a head of a token
// counts as a row where heads are normalised each on its own). w is the stored weight plus `offset`, 0 or 1.
//
//   r = 1 / sqrt(mean(x²) + eps)      y_i = w_i · x_i · r                (RESIDUAL: added to residual_i)
//   ∂x_i = r · (w_i ∂y_i − x_i · r² · mean_j(w_j ∂y_j x_j))
//   ∂w_i = Σ_t ∂y_ti · x_ti · r_t
//
// `*_row` gives a row to one invocation (software adapters), the others give a row to a workgroup of 64.
// FORMAT of w: 0 f32, 1 bf16, 2 f16 (common/stored.wgsl).
// Memory rule: y, r and (unless ACCUMULATE) ∂x are assigned; with ACCUMULATE ∂x is added to; ∂w is accumulated (+=).

import package::common::grid::{Grid, groupIndex};
import package::common::reduction::treeSum;
import package::common::stored::{element, wordOf};
import host::Params;

const FORMAT: u32 = 0u;
const ACCUMULATE: bool = false;
const RESIDUAL: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // [rows, width]
@group(0) @binding(2) var<storage, read> w: array<u32>;         // [width], as stored
@group(0) @binding(3) var<storage, read_write> y: array<f32>;   // [rows, width]
@group(0) @binding(4) var<storage, read> dy: array<f32>;        // [rows, width]
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;  // [rows, width]
@group(0) @binding(6) var<storage, read_write> r: array<f32>;   // [rows]
@group(0) @binding(7) var<storage, read_write> dw: array<f32>;  // [width]
@group(0) @binding(8) var<storage, read> residual: array<f32>;  // [rows, width]

fn weight(i: u32) -> f32 { return params.offset + element(w[wordOf(i, FORMAT)], i, FORMAT); }

fn reciprocal(squares: f32) -> f32 { return 1.0 / sqrt(squares / f32(params.width) + params.eps); }

fn storeForward(at: u32, i: u32, factor: f32) {
  var value = weight(i) * (x[at] * factor);
  if (RESIDUAL) { value += residual[at]; }
  y[at] = value;
}

fn store(at: u32, i: u32, factor: f32, correction: f32) {
  let value = factor * (weight(i) * dy[at] - x[at] * correction);
  if (ACCUMULATE) { dx[at] += value; } else { dx[at] = value; }
}

@compute @workgroup_size(32)
fn forward_row(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid) * 32u + local;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var squares = 0.0;
  for (var i = 0u; i < params.width; i++) { let value = x[start + i]; squares += value * value; }
  let factor = reciprocal(squares);
  for (var i = 0u; i < params.width; i++) { storeForward(start + i, i, factor); }
}

@compute @workgroup_size(32)
fn backward_row(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid) * 32u + local;
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var squares = 0.0;
  var product = 0.0;
  for (var i = 0u; i < params.width; i++) {
    let value = x[start + i];
    squares += value * value;
    product += weight(i) * dy[start + i] * value;
  }
  let factor = reciprocal(squares);
  let correction = factor * factor * product / f32(params.width);
  for (var i = 0u; i < params.width; i++) { store(start + i, i, factor, correction); }
}

@compute @workgroup_size(64)
fn forward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid);
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var squares = 0.0;
  for (var i = local; i < params.width; i += 64u) { let value = x[start + i]; squares += value * value; }
  let factor = reciprocal(treeSum(local, vec2f(squares, 0.0)).x);
  for (var i = local; i < params.width; i += 64u) { storeForward(start + i, i, factor); }
}

@compute @workgroup_size(64)
fn backward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid);
  if (row >= params.rows) { return; }
  let start = row * params.width;
  var partial = vec2f(0.0);
  for (var i = local; i < params.width; i += 64u) {
    let value = x[start + i];
    partial += vec2f(value * value, weight(i) * dy[start + i] * value);
  }
  let both = treeSum(local, partial);
  let factor = reciprocal(both.x);
  let correction = factor * factor * both.y / f32(params.width);
  for (var i = local; i < params.width; i += 64u) { store(start + i, i, factor, correction); }
}

@compute @workgroup_size(64)
fn factors(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let row = groupIndex(grid);
  if (row >= params.rows) { return; }
  var squares = 0.0;
  for (var i = local; i < params.width; i += 64u) { let value = x[row * params.width + i]; squares += value * value; }
  let sum = treeSum(local, vec2f(squares, 0.0)).x;
  if (local == 0u) { r[row] = reciprocal(sum); }
}

@compute @workgroup_size(64)
fn weight_gradient(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  if (i >= params.width) { return; }
  var sum = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    let at = row * params.width + i;
    sum += dy[at] * x[at] * r[row];
  }
  dw[i] += sum;
}
