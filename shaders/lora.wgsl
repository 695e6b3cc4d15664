// The skinny products of LoRA (one side has r = rank columns), with the dropout mask recomputed where it is needed.
//
//   down     h[t,j]  = scale Σ_k drop(z)[t,k] S(j,k)       z [T,width]; S is A [r,width], or B [width,r] when `transposed`
//   reduce   G(j,d) += scale Σ_t drop(z)[t,d] s[t,j]       z [T,width], s [T,r]; G is [r,width], or [width,r] when `transposed`
//
//   forward    h  = drop(x) Aᵀ              down
//   backward   ∂h = s ∂y B                  down, transposed, no mask
//              ∂A += ∂hᵀ drop(x)            reduce
//              ∂B += s ∂yᵀ h                reduce, transposed, no mask
//
// Dropout: element index = row · width + column of the module's whole input; four neighbours take the four words of
// pcg4d(seed, counter, stream, index >> 2) (Jarzynski & Olano, JCGT 9(3), 2020); an element is kept when the word's top 24 bits
// are at least round(p · 2^24), and then scaled by 1/(1-p). Nothing is stored between forward and backward.
//
// Memory rule: h is assigned (=), G is the gradient of a parameter and accumulated (+=).

struct Params {
  rows: u32,
  width: u32,
  rank: u32,
  transposed: u32,
  scale: f32,
  row0: u32,
  dropThreshold: u32,
  dropScale: f32,
  stream: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read> s: array<f32>;
@group(0) @binding(3) var<storage, read> batch: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn pcg4d(input: vec4u) -> vec4u {
  var v = input * 1664525u + 1013904223u;
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  return v;
}

fn dropMask(index: u32) -> f32 {
  let bits = pcg4d(vec4u(batch[0], batch[1], params.stream, index >> 2u))[index & 3u] >> 8u;
  return select(0.0, params.dropScale, bits >= params.dropThreshold);
}

fn input1(t: u32, i: u32) -> f32 {
  let at = t * params.width + i;
  if (params.dropThreshold == 0u) { return z[at]; }
  return z[at] * dropMask(params.row0 * params.width + at);
}

@compute @workgroup_size(64)
fn down(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let blocks = (params.rank + 3u) / 4u;
  let i = (group.y * groups.x + group.x) * 64u + local;
  let t = i / blocks;
  if (t >= params.rows) { return; }
  let j = (i % blocks) * 4u;
  let last = params.rank - 1u;
  let stepJ = select(params.width, 1u, params.transposed != 0u);
  let stepK = select(1u, params.rank, params.transposed != 0u);
  let s0 = j * stepJ;
  let s1 = min(j + 1u, last) * stepJ;
  let s2 = min(j + 2u, last) * stepJ;
  let s3 = min(j + 3u, last) * stepJ;
  var sum = vec4f();
  for (var k = 0u; k < params.width; k++) {
    let at = k * stepK;
    sum += input1(t, k) * vec4f(s[s0 + at], s[s1 + at], s[s2 + at], s[s3 + at]);
  }
  sum *= params.scale;
  let at = t * params.rank + j;
  y[at] = sum.x;
  if (j + 1u < params.rank) { y[at + 1u] = sum.y; }
  if (j + 2u < params.rank) { y[at + 2u] = sum.z; }
  if (j + 3u < params.rank) { y[at + 3u] = sum.w; }
}

@compute @workgroup_size(64)
fn reduce(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  let d = i % params.width;
  let j = (i / params.width) * 4u;
  if (j >= params.rank) { return; }
  let last = params.rank - 1u;
  let j1 = min(j + 1u, last);
  let j2 = min(j + 2u, last);
  let j3 = min(j + 3u, last);
  var sum = vec4f();
  for (var t = 0u; t < params.rows; t++) {
    let at = t * params.rank;
    sum += input1(t, d) * vec4f(s[at + j], s[at + j1], s[at + j2], s[at + j3]);
  }
  sum *= params.scale;
  let stepJ = select(params.width, 1u, params.transposed != 0u);
  let at = j * stepJ + d * select(1u, params.rank, params.transposed != 0u);
  y[at] += sum.x;
  if (j + 1u < params.rank) { y[at + stepJ] += sum.y; }
  if (j + 2u < params.rank) { y[at + 2u * stepJ] += sum.z; }
  if (j + 3u < params.rank) { y[at + 3u * stepJ] += sum.w; }
}
