// Gated linear unit (Shazeer 2020, arXiv 2002.05202), element by element, with f = SiLU or the tanh form of GELU
// (Hendrycks & Gimpel 2016, arXiv 1606.08415), both written with σ(z) = 1 / (1 + exp(−z)):
//
//   y = f(g) · u       ∂u = ∂y · f(g)       ∂g = ∂y · u · f'(g)
//   f(g) = g · σ(z)    f'(g) = σ(z) · (1 + g · z' · (1 − σ(z)))
//
//   SILU   z = g
//   GELU   z = 2 sqrt(2/π) (g + 0.044715 g³), since (1 + tanh(a)) / 2 = σ(2a): no tanh, whose exp overflows on some
//          drivers, and no cancellation where it approaches −1
//
// Memory rule: y and `second` are assigned. `first` holds ∂y on entry and is overwritten by the gradient asked for
// (`backward_gate`: ∂g, `backward_up`: ∂u, `backward`: ∂g, with ∂u in `second`).

import package::common::grid::{Grid, groupIndex};
import host::Params;

const SILU: u32 = 0u;
const GELU: u32 = 1u;
const ACTIVATION: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<f32>;  // [count], as all others
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> first: array<f32>;
@group(0) @binding(5) var<storage, read_write> second: array<f32>;

// exp of a large number must not become infinity over infinity: σ is taken on the side where exp stays below 1.
fn sigmoid(z: f32) -> f32 {
  let e = exp(-abs(z));
  return select(e, 1.0, z >= 0.0) / (1.0 + e);
}

// z and its derivative. Beyond ±12 σ(z) of GELU is 0 or 1 in f32, and g³ must not overflow.
fn inner(g: f32) -> vec2f {
  if (ACTIVATION == SILU) { return vec2f(g, 1.0); }
  let c = clamp(g, -12.0, 12.0);
  return 1.5957691216057308 * vec2f(c + 0.044715 * c * c * c, 1.0 + 0.134145 * c * c);
}

fn activation(g: f32) -> f32 { return g * sigmoid(inner(g).x); }

fn slope(g: f32) -> f32 {
  let z = inner(g);
  let s = sigmoid(z.x);
  return s * (1.0 + g * z.y * (1.0 - s));
}

@compute @workgroup_size(256)
fn forward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count) { y[i] = activation(gate[i]) * up[i]; }
}

@compute @workgroup_size(256)
fn backward(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.count) { return; }
  let dy = first[i];
  let g = gate[i];
  second[i] = dy * activation(g);
  first[i] = dy * up[i] * slope(g);
}

@compute @workgroup_size(256)
fn backward_gate(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count) { first[i] *= up[i] * slope(gate[i]); }
}

@compute @workgroup_size(256)
fn backward_up(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i < params.count) { first[i] *= activation(gate[i]); }
}
