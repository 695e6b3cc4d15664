// Gated linear unit with SiLU (Shazeer 2020, arXiv 2002.05202), element by element:
//
//   y = silu(g) · u,  silu(g) = g · σ(g),  σ(g) = 1 / (1 + exp(−g))
//   ∂u = ∂y · silu(g)        ∂g = ∂y · u · σ(g) · (1 + g · (1 − σ(g)))
//
// Memory rule: y and `second` are assigned. `first` holds ∂y on entry and is overwritten by the gradient asked for
// (`backward_gate`: ∂g, `backward_up`: ∂u, `backward`: ∂g, with ∂u in `second`).

struct Params { count: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> first: array<f32>;
@group(0) @binding(5) var<storage, read_write> second: array<f32>;

// exp of a large number must not become infinity over infinity: σ is taken on the side where exp stays below 1.
fn sigmoid(g: f32) -> f32 {
  let e = exp(-abs(g));
  return select(e, 1.0, g >= 0.0) / (1.0 + e);
}

fn slope(g: f32) -> f32 {
  let s = sigmoid(g);
  return s * (1.0 + g * (1.0 - s));
}

@compute @workgroup_size(256)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i < params.count) { y[i] = gate[i] * sigmoid(gate[i]) * up[i]; }
}

@compute @workgroup_size(256)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= params.count) { return; }
  let dy = first[i];
  let g = gate[i];
  second[i] = dy * g * sigmoid(g);
  first[i] = dy * up[i] * slope(g);
}

@compute @workgroup_size(256)
fn backward_gate(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i < params.count) { first[i] *= up[i] * slope(gate[i]); }
}

@compute @workgroup_size(256)
fn backward_up(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i < params.count) { first[i] *= gate[i] * sigmoid(gate[i]); }
}
