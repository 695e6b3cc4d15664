// The anchored penalty and its gradient, from thin products X (see anchor.wgsl) and r x r Gram matrices; B·A is never formed.
//
//   X = (I - C) B,  Y = (I - C)ᵀ X,  H = XᵀX,  G = A Aᵀ
//   P     = s²·Σ_ij H[i,j] G[i,j]                                 = s²·||(I - C) B A||_F²
//   dP/dB = 2 s²·Y G          dP/dA = 2 s²·H A
//
// Flattened direction v = vec(V)/||V||_F (`flat`): X = Y = B, E = V̂ Aᵀ, F = V̂ᵀB, c = <BA, v> = Σ B o E, and
//   P     = s²·(Σ H o G - c²)
//   dP/dB = 2 s²·(B G - c E)  dP/dA = 2 s²·(H A - c Fᵀ)
//
//   pack        thin matrix out of the flat parameter buffer, rank padded with zeros to whole vec4s
//   gram        Lᵀ R per module, 4 x 4 tiles, summed by 64 threads
//   gramA       A Aᵀ per module, straight from the flat buffer
//   inner       c per module
//   penalties   P per module into stats;  total: their sum
//   gradientB, gradientA
//
// Memory rule: the flat gradient buffer is accumulated (+=), times lambda; everything else is assigned (=).
// `table`, four words a module: offset of B, offset of A (floats, in the bound window of the flat buffers), index of the module, s² (f32 bits).

struct Params {
  modules: u32,
  entry: u32,      // first line of `table`
  rows: u32,       // pack: rows; gram: rows summed; gramA, gradientA: inFeatures; inner, gradientB: outFeatures
  r: u32,
  r4: u32,         // vec4s in a row of a thin matrix, and of the right side of `gram`
  left4: u32,      // gram: vec4s in a row of the left side
  gram: u32,       // where this group's Gram matrices begin, in vec4s
  alongRows: u32,  // pack: distance of two rows in the flat buffer
  alongRank: u32,  // pack: distance of two columns
  which: u32,      // pack: 0 reads B, 1 reads A
  flat: u32,
  lambda: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<vec4u>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(4) var<storage, read> left: array<vec4f>;
@group(0) @binding(5) var<storage, read> right: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> result: array<vec4f>;
@group(0) @binding(7) var<storage, read> gramX: array<vec4f>;
@group(0) @binding(8) var<storage, read> gramA_: array<vec4f>;
@group(0) @binding(9) var<storage, read> coefficients: array<f32>;
@group(0) @binding(10) var<storage, read_write> coefficient: array<f32>;
@group(0) @binding(11) var<storage, read_write> stats: array<f32>;

const MODULES_AT: u32 = 16u;
const PENALTY_AT: u32 = 1u;

var<workgroup> shared4: array<vec4f, 256>;
var<workgroup> partialScalar: array<f32, 64>;

fn flatIndex(group: vec3u, groups: vec3u) -> u32 { return group.y * groups.x + group.x; }

@compute @workgroup_size(64)
fn pack(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = flatIndex(group, groups) * 64u + local;
  let z = i / (params.rows * params.r4);
  if (z >= params.modules) { return; }
  let row = (i / params.r4) % params.rows;
  let rank = 4u * (i % params.r4);
  let line = table[params.entry + z];
  let source = select(line.x, line.y, params.which == 1u) + row * params.alongRows + rank * params.alongRank;
  var packed = vec4f();
  for (var step = 0u; step < 4u; step += 1u) {
    if (rank + step < params.r) { packed[step] = values[source + step * params.alongRank]; }
  }
  result[i] = packed;
}

// Adds up the four vec4s of 64 threads; thread t < 4 returns line t of the tile.
fn reduceTile(tile: mat4x4f, local: u32) -> vec4f {
  for (var step = 0u; step < 4u; step += 1u) { shared4[step * 64u + local] = tile[step]; }
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      for (var step = 0u; step < 4u; step += 1u) { shared4[step * 64u + local] += shared4[step * 64u + local + half]; }
    }
    workgroupBarrier();
  }
  return shared4[(local % 4u) * 64u];
}

@compute @workgroup_size(64)
fn gram(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = flatIndex(group, groups);
  let z = i / (params.left4 * params.r4);
  if (z >= params.modules) { return; }
  let row4 = (i / params.r4) % params.left4;
  let column4 = i % params.r4;
  var tile = mat4x4f();
  for (var n = local; n < params.rows; n += 64u) {
    let l = left[(z * params.rows + n) * params.left4 + row4];
    let r = right[(z * params.rows + n) * params.r4 + column4];
    tile += mat4x4f(l.x * r, l.y * r, l.z * r, l.w * r);
  }
  let line = reduceTile(tile, local);
  if (local < 4u) { result[params.gram + (z * 4u * params.left4 + 4u * row4 + local) * params.r4 + column4] = line; }
}

@compute @workgroup_size(64)
fn gramA(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = flatIndex(group, groups);
  let z = i / (params.r4 * params.r4);
  if (z >= params.modules) { return; }
  let row = 4u * ((i / params.r4) % params.r4);
  let column = 4u * (i % params.r4);
  let a = table[params.entry + z].y;
  let last = params.r - 1u;
  let rows = a + min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(last)) * params.rows;
  let columns = a + min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(last)) * params.rows;
  var tile = mat4x4f();
  for (var n = local; n < params.rows; n += 64u) {
    let l = vec4f(values[rows.x + n], values[rows.y + n], values[rows.z + n], values[rows.w + n]);
    let r = vec4f(values[columns.x + n], values[columns.y + n], values[columns.z + n], values[columns.w + n]);
    tile += mat4x4f(l.x * r, l.y * r, l.z * r, l.w * r);
  }
  let line = reduceTile(tile, local);
  if (local < 4u) {
    let inside = (vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(params.r)) & vec4<bool>(row + local < params.r);
    result[params.gram + (z * 4u * params.r4 + row + local) * params.r4 + column / 4u] = select(vec4f(), line, inside);
  }
}

fn reduceScalar(value: f32, local: u32) -> f32 {
  partialScalar[local] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) { partialScalar[local] += partialScalar[local + half]; }
    workgroupBarrier();
  }
  return partialScalar[0];
}

@compute @workgroup_size(64)
fn inner(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let z = flatIndex(group, groups);
  if (z >= params.modules) { return; }
  let count = params.rows * params.r4;
  var sum = 0.0;
  for (var n = local; n < count; n += 64u) { sum += dot(left[z * count + n], right[z * count + n]); }
  let c = reduceScalar(sum, local);
  if (local == 0u) { coefficient[table[params.entry + z].z] = c; }
}

@compute @workgroup_size(64)
fn penalties(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let z = flatIndex(group, groups);
  if (z >= params.modules) { return; }
  let count = 4u * params.r4 * params.r4;
  let begin = params.gram + z * count;
  var sum = 0.0;
  for (var n = local; n < count; n += 64u) { sum += dot(gramX[begin + n], gramA_[begin + n]); }
  var p = reduceScalar(sum, local);
  if (local == 0u) {
    let line = table[params.entry + z];
    if (params.flat == 1u) {
      let c = coefficients[line.z];
      p -= c * c;
    }
    // A squared norm: rounding must not make it negative.
    stats[MODULES_AT + line.z] = bitcast<f32>(line.w) * max(p, 0.0);
  }
}

@compute @workgroup_size(64)
fn total(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var n = local; n < params.modules; n += 64u) { sum += stats[MODULES_AT + n]; }
  let p = reduceScalar(sum, local);
  if (local == 0u) { stats[PENALTY_AT] = p; }
}

// One thread: one row of B, four of its columns. left = Y, right = E.
@compute @workgroup_size(64)
fn gradientB(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = flatIndex(group, groups) * 64u + local;
  let z = i / (params.rows * params.r4);
  if (z >= params.modules) { return; }
  let row = (i / params.r4) % params.rows;
  let column4 = i % params.r4;
  let line = table[params.entry + z];
  let g = params.gram + z * 4u * params.r4 * params.r4 + column4;
  let y = (z * params.rows + row) * params.r4;
  var sum = vec4f();
  for (var k = 0u; k < params.r4; k += 1u) {
    let v = left[y + k];
    let at = g + 4u * k * params.r4;
    sum += v.x * gramA_[at] + v.y * gramA_[at + params.r4] + v.z * gramA_[at + 2u * params.r4] + v.w * gramA_[at + 3u * params.r4];
  }
  if (params.flat == 1u) { sum -= coefficients[line.z] * right[i]; }
  sum *= 2.0 * params.lambda * bitcast<f32>(line.w);
  let to = line.x + row * params.r + 4u * column4;
  for (var step = 0u; step < 4u; step += 1u) {
    if (4u * column4 + step < params.r) { gradients[to + step] += sum[step]; }
  }
}

// One thread: one column of A, four of its rows. right = F (inFeatures x r).
@compute @workgroup_size(64)
fn gradientA(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = flatIndex(group, groups) * 64u + local;
  let z = i / (params.rows * params.r4);
  if (z >= params.modules) { return; }
  let row4 = (i / params.rows) % params.r4;
  let column = i % params.rows;
  let line = table[params.entry + z];
  // H is symmetric: its column is its row.
  let h = params.gram + z * 4u * params.r4 * params.r4 + row4;
  var sum = vec4f();
  for (var k = 0u; k < params.r; k += 1u) { sum += values[line.y + k * params.rows + column] * gramX[h + k * params.r4]; }
  if (params.flat == 1u) { sum -= coefficients[line.z] * right[(z * params.rows + column) * params.r4 + row4]; }
  sum *= 2.0 * params.lambda * bitcast<f32>(line.w);
  for (var step = 0u; step < 4u; step += 1u) {
    if (4u * row4 + step < params.r) { gradients[line.y + (4u * row4 + step) * params.rows + column] += sum[step]; }
  }
}
