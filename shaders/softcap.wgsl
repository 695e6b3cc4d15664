// Soft-capping (Gemma 2, arXiv 2408.00118), element by element in place:
//
//   softcap    y = cap · tanh(x / cap)
//   backward   ∂x = ∂y · (1 − (y / cap)²)
//
// Memory rule: y holds x on entry and is replaced; dx holds ∂y on entry and is replaced.

import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> value: array<f32>; // y, for `backward`
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(256)
fn softcap(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= params.count) { return; }
  let z = y[i] / params.cap;
  let a = min(abs(z), 20.0);
  // exp of a negative number cannot overflow; near zero, where it would cancel, the continued fraction of tanh.
  let e = exp(-2.0 * a);
  let square = a * a;
  let near = a * (945.0 + square * (105.0 + square)) / (945.0 + square * (420.0 + 15.0 * square));
  y[i] = params.cap * sign(z) * select((1.0 - e) / (1.0 + e), near, a < 0.5);
}

@compute @workgroup_size(256)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= params.count) { return; }
  let t = value[i] / params.cap;
  dx[i] *= 1.0 - t * t;
}
