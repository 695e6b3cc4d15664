// The anchored penalty and its gradient, from thin products X (see anchor.wgsl) and r x r Gram matrices; B·A is never
// formed.
//
//   X = (I - C) B,  Y = (I - C)ᵀ X,  H = XᵀX,  G = A Aᵀ
//   P     = s²·Σ_ij H[i,j] G[i,j]                                 = s²·||(I - C) B A||_F²
//   dP/dB = 2 s²·Y G          dP/dA = 2 s²·H A
//
// Flattened direction v = vec(V)/||V||_F (`flat`): X = Y = B, E = V̂ Aᵀ, F = V̂ᵀB, c = <BA, v> = Σ B o E, and
//   P     = s²·(Σ H o G - c²)
//   dP/dB = 2 s²·(B G - c E)  dP/dA = 2 s²·(H A - c Fᵀ)
//
// One-sided (`flat` 2): only movement along +v is free, so c is max(c, 0) everywhere.
//
//   pack        thin matrix out of the flat parameter buffer, rank padded with zeros to whole vec4s
//   gram        Lᵀ R per module, 4 x 4 tiles, each summed by 64 threads
//   grams       H and G per module, likewise; G straight from the flat buffer. `gramsAlone`: each tile by one thread,
//               in
//               blocks of 64 rows, for software adapters, where barriers cost most
//   inner       c per module
//   gradients   dP/dB and dP/dA
//   penalties   P per module of all groups, and their sum, into stats
//
// Memory rule: the flat gradient buffer is accumulated (+=), times lambda; everything else is assigned (=).
//
// `table`, two lines a module: [offset of B, offset of A (floats, in the bound window of the flat buffers), index of
// the module, s² (f32 bits)] and [begin of H, begin of G, vec4s of each, begin of c (0 = none)], the latter in vec4s of
// the Gram buffer.

import package::common::grid::{Grid, groupIndex};
import package::common::reduction::treeSum;
import host::{Params, STATS_MODULES, STATS_PENALTY};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<vec4u>;               // [2 modules of all groups]
@group(0) @binding(2) var<storage, read> values: array<f32>;                // the flat parameters, a window of them
@group(0) @binding(3) var<storage, read_write> gradientBuffer: array<f32>;  // the flat gradients, the same window
@group(0) @binding(4) var<storage, read> left: array<vec4f>;                // [modules, rows, left4 or r4]
@group(0) @binding(5) var<storage, read> right: array<vec4f>;               // [modules, rows, r4]
@group(0) @binding(6) var<storage, read> alongA: array<vec4f>;              // [modules, columns, r4]
@group(0) @binding(7) var<storage, read> gramBuffer: array<vec4f>;          // H, G and c of all modules
@group(0) @binding(8) var<storage, read_write> result: array<vec4f>;        // what the entry makes
@group(0) @binding(9) var<storage, read_write> stats: array<f32>;           // engine/batchScalars.ts

var<workgroup> lines: array<vec4f, 256>;

@compute @workgroup_size(64)
fn pack(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  let z = i / (params.rows * params.r4);
  if (z >= params.modules) { return; }
  let row = (i / params.r4) % params.rows;
  let rank = 4u * (i % params.r4);
  let line = table[2u * (params.entry + z)];
  let begin = select(line.x, line.y, params.which == 1u) + row * params.alongRows + rank * params.alongRank;
  var packed = vec4f();
  for (var step = 0u; step < 4u; step += 1u) {
    if (rank + step < params.r) { packed[step] = values[begin + step * params.alongRank]; }
  }
  result[i] = packed;
}

// Adds up the four vec4s of 64 threads; thread t < 4 returns line t of the tile.
fn reduceTile(tile: mat4x4f, local: u32) -> vec4f {
  for (var step = 0u; step < 4u; step += 1u) { lines[step * 64u + local] = tile[step]; }
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      for (var step = 0u; step < 4u; step += 1u) { lines[step * 64u + local] += lines[step * 64u + local + half]; }
    }
    workgroupBarrier();
  }
  return lines[(local % 4u) * 64u];
}

fn tileOf(z: u32, row4: u32, column4: u32, local: u32) -> mat4x4f {
  var tile = mat4x4f();
  for (var n = local; n < params.rows; n += 64u) {
    let l = left[(z * params.rows + n) * params.left4 + row4];
    let r = right[(z * params.rows + n) * params.r4 + column4];
    tile += mat4x4f(l.x * r, l.y * r, l.z * r, l.w * r);
  }
  return tile;
}

fn tileOfX(z: u32, row4: u32, column4: u32, begin: u32, end: u32, step: u32) -> mat4x4f {
  var tile = mat4x4f();
  for (var n = begin; n < end; n += step) {
    let at = (z * params.rows + n) * params.r4;
    let l = left[at + row4];
    let r = left[at + column4];
    tile += mat4x4f(l.x * r, l.y * r, l.z * r, l.w * r);
  }
  return tile;
}

// Lines beyond r repeat the last one here; `grams` stores zeros for them.
fn tileOfA(z: u32, row4: u32, column4: u32, begin: u32, end: u32, step: u32) -> mat4x4f {
  let a = table[2u * (params.entry + z)].y;
  let steps = vec4u(0u, 1u, 2u, 3u);
  let rows = a + min(4u * row4 + steps, vec4u(params.r - 1u)) * params.columns;
  let columns = a + min(4u * column4 + steps, vec4u(params.r - 1u)) * params.columns;
  var tile = mat4x4f();
  for (var n = begin; n < end; n += step) {
    let l = vec4f(values[rows.x + n], values[rows.y + n], values[rows.z + n], values[rows.w + n]);
    let r = vec4f(values[columns.x + n], values[columns.y + n], values[columns.z + n], values[columns.w + n]);
    tile += mat4x4f(l.x * r, l.y * r, l.z * r, l.w * r);
  }
  return tile;
}

@compute @workgroup_size(64)
fn gram(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid);
  let z = i / (params.left4 * params.r4);
  if (z >= params.modules) { return; }
  let row4 = (i / params.r4) % params.left4;
  let column4 = i % params.r4;
  let line = reduceTile(tileOf(z, row4, column4, local), local);
  if (local < 4u) { result[(z * 4u * params.left4 + 4u * row4 + local) * params.r4 + column4] = line; }
}

// Which tile of which matrix: all H, then all G.
struct Tile { ofA: bool, z: u32, row4: u32, column4: u32 }

fn tileAt(i: u32, tiles: u32) -> Tile {
  let j = i % tiles;
  return Tile(i >= tiles, j / (params.r4 * params.r4), (j / params.r4) % params.r4, j % params.r4);
}

// Line 0 to 3 of a tile; beyond the rank zero.
fn storeLine(tile: Tile, line: u32, sums: vec4f) {
  let place = table[2u * (params.entry + tile.z) + 1u];
  let row = 4u * tile.row4 + line;
  let inside = (4u * tile.column4 + vec4u(0u, 1u, 2u, 3u) < vec4u(params.r)) & vec4<bool>(row < params.r);
  let begin = select(place.x, place.y, tile.ofA);
  result[begin + row * params.r4 + tile.column4] = select(vec4f(), sums, inside);
}

@compute @workgroup_size(64)
fn grams(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid);
  let tiles = params.modules * params.r4 * params.r4;
  if (i >= 2u * tiles) { return; }
  let tile = tileAt(i, tiles);
  var sums: mat4x4f;
  if (tile.ofA) {
    sums = tileOfA(tile.z, tile.row4, tile.column4, local, params.columns, 64u);
  } else {
    sums = tileOfX(tile.z, tile.row4, tile.column4, local, params.rows, 64u);
  }
  let line = reduceTile(sums, local);
  if (local < 4u) { storeLine(tile, local, line); }
}

@compute @workgroup_size(16)
fn gramsAlone(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 16u + local;
  let tiles = params.modules * params.r4 * params.r4;
  if (i >= 2u * tiles) { return; }
  let tile = tileAt(i, tiles);
  let count = select(params.rows, params.columns, tile.ofA);
  var sums = mat4x4f();
  for (var begin = 0u; begin < count; begin += 64u) {
    let end = min(begin + 64u, count);
    if (tile.ofA) {
      sums += tileOfA(tile.z, tile.row4, tile.column4, begin, end, 1u);
    } else {
      sums += tileOfX(tile.z, tile.row4, tile.column4, begin, end, 1u);
    }
  }
  for (var line = 0u; line < 4u; line += 1u) { storeLine(tile, line, sums[line]); }
}

@compute @workgroup_size(64)
fn inner(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let z = groupIndex(grid);
  if (z >= params.modules) { return; }
  let count = params.rows * params.r4;
  var sum = 0.0;
  for (var n = local; n < count; n += 64u) { sum += dot(left[z * count + n], right[z * count + n]); }
  let whole = treeSum(local, sum);
  let c = select(whole, max(whole, 0.0), params.flat == 2u);
  if (local == 0u) { result[table[2u * (params.entry + z) + 1u].w] = vec4f(c, 0.0, 0.0, 0.0); }
}

// One row of B, four of its columns. left = Y, right = E.
fn gradientOfB(i: u32) {
  let z = i / (params.rows * params.r4);
  let row = (i / params.r4) % params.rows;
  let column4 = i % params.r4;
  let line = table[2u * (params.entry + z)];
  let place = table[2u * (params.entry + z) + 1u];
  let y = (z * params.rows + row) * params.r4;
  var sum = vec4f();
  for (var k = 0u; k < params.r4; k += 1u) {
    let v = left[y + k];
    let at = place.y + 4u * k * params.r4 + column4;
    sum += v.x * gramBuffer[at] + v.y * gramBuffer[at + params.r4]
      + v.z * gramBuffer[at + 2u * params.r4] + v.w * gramBuffer[at + 3u * params.r4];
  }
  if (params.flat != 0u) { sum -= gramBuffer[place.w].x * right[i]; }
  sum *= 2.0 * params.lambda * bitcast<f32>(line.w);
  let begin = line.x + row * params.r + 4u * column4;
  for (var step = 0u; step < 4u; step += 1u) {
    if (4u * column4 + step < params.r) { gradientBuffer[begin + step] += sum[step]; }
  }
}

// One column of A, four of its rows; H is symmetric, so its column is its row. alongA = F (inFeatures x r).
fn gradientOfA(i: u32) {
  let z = i / (params.columns * params.r4);
  let row4 = (i / params.columns) % params.r4;
  let column = i % params.columns;
  let line = table[2u * (params.entry + z)];
  let place = table[2u * (params.entry + z) + 1u];
  let a = line.y + column;
  var sum = vec4f();
  for (var k = 0u; k < params.r; k += 1u) {
    sum += values[a + k * params.columns] * gramBuffer[place.x + k * params.r4 + row4];
  }
  if (params.flat != 0u) { sum -= gramBuffer[place.w].x * alongA[(z * params.columns + column) * params.r4 + row4]; }
  sum *= 2.0 * params.lambda * bitcast<f32>(line.w);
  for (var step = 0u; step < 4u; step += 1u) {
    if (4u * row4 + step < params.r) { gradientBuffer[a + (4u * row4 + step) * params.columns] += sum[step]; }
  }
}

@compute @workgroup_size(64)
fn gradients(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 64u + local;
  let ofB = params.modules * params.rows * params.r4;
  if (i < ofB) {
    gradientOfB(i);
  } else if (i - ofB < params.modules * params.columns * params.r4) {
    gradientOfA(i - ofB);
  }
}

// One workgroup for all modules of all groups: a thread takes every 64th.
@compute @workgroup_size(64)
fn penalties(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var z = local; z < params.modules; z += 64u) {
    let line = table[2u * z];
    let place = table[2u * z + 1u];
    var p = 0.0;
    for (var n = 0u; n < place.z; n += 1u) { p += dot(gramBuffer[place.x + n], gramBuffer[place.y + n]); }
    if (place.w != 0u) {
      let c = gramBuffer[place.w].x;
      p -= c * c;
    }
    // A squared norm: rounding must not make it negative.
    p = bitcast<f32>(line.w) * max(p, 0.0);
    stats[STATS_MODULES + line.z] = p;
    sum += p;
  }
  let total = treeSum(local, sum);
  if (local == 0u) { stats[STATS_PENALTY] = total; }
}
