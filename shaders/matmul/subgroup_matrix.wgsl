// The products of register.wgsl by subgroup matrices: a subgroup multiplies 8x8 matrices as a whole, by what its GPU
// has for that (`chromium_experimental_subgroup_matrix`, f32 components and result, 8x8x8, as Apple's GPUs offer).
// Memory rule: y is assigned (=); `nn` adds where `accumulate` is 1.
//
// A workgroup makes 64x64 outputs. Four subgroups own 32x32 of them each, as 4x4 matrices; 16 columns of both operands
// are staged in shared memory. The size of a subgroup is known up to a maximum only (SUBGROUP): there are four of that,
// and what subgroups are more, because they are smaller, help with loading. Sums then go through shared memory to the
// epilogue, eight rows of each subgroup at a time.
//
// Rows in shared memory are 4 longer than their contents, so that a column does not lie in one bank.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::params;
import package::matmul::loads::{loadX, loadW};
import package::matmul::epilogue::{Sums, finishNt, finishNn};

enable subgroups;
enable chromium_experimental_subgroup_matrix;
// What a subgroup does is decided by its number, which WGSL's analysis does not follow through calls.
diagnostic(off, chromium.subgroup_matrix_uniformity);

const SUBGROUP: u32 = 32u;  // largest size of a subgroup on this device; a multiple of 4, at most 64

const PARTS: u32 = 4u;
const DEPTH: u32 = 16u;
const DEEP: u32 = DEPTH + 4u;   // stride of [row or column][k]
const WIDE: u32 = 64u + 4u;     // stride of [k][column]
const STRIP: u32 = 32u + 4u;    // stride of a subgroup's eight rows of outputs

var<workgroup> xs: array<f32, 64u * DEEP>;
var<workgroup> ws: array<f32, 64u * DEEP>;

alias Left = subgroup_matrix_left<f32, 8, 8>;
alias Right = subgroup_matrix_right<f32, 8, 8>;
alias Result = subgroup_matrix_result<f32, 8, 8>;

// The outputs of a workgroup, from row and column on.
struct Tile { row: u32, column: u32 }

fn tileOf(grid: Grid) -> Tile {
  let tilesN = (params.n + 63u) / 64u;
  let tile = groupIndex(grid);
  return Tile((tile / tilesN) * 64u, (tile % tilesN) * 64u);
}

fn stage(nt: bool, tile: Tile, i: u32, local: u32) {
  for (var e = local; e < 64u * DEPTH / 4u; e += PARTS * SUBGROUP) {
    let row = e >> 2u;
    let q = (e & 3u) * 4u;
    let v = loadX(tile.row + row, i + q);
    let at = row * DEEP + q;
    xs[at] = v.x; xs[at + 1u] = v.y; xs[at + 2u] = v.z; xs[at + 3u] = v.w;
    if (nt) {
      let u = loadW(tile.column + row, params.n, i + q, params.yColumn, params.k);
      ws[at] = u.x; ws[at + 1u] = u.y; ws[at + 2u] = u.z; ws[at + 3u] = u.w;
    } else {
      let depth = e >> 4u;
      let column = (e & 15u) * 4u;
      let u = loadW(i + depth, params.k, tile.column + column, params.xColumn, params.n);
      let to = depth * WIDE + column;
      ws[to] = u.x; ws[to + 1u] = u.y; ws[to + 2u] = u.z; ws[to + 3u] = u.w;
    }
  }
}

// Eight rows of a subgroup's outputs (one row of its matrices: constant indices keep the matrices in registers), where
// all invocations can read them.
fn spread(part: u32, a: Result, b: Result, c: Result, d: Result) {
  workgroupBarrier();
  if (part < PARTS) {
    let at = part * 8u * STRIP;
    subgroupMatrixStore<row_major>(&xs, at, a, STRIP);
    subgroupMatrixStore<row_major>(&xs, at + 8u, b, STRIP);
    subgroupMatrixStore<row_major>(&xs, at + 16u, c, STRIP);
    subgroupMatrixStore<row_major>(&xs, at + 24u, d, STRIP);
  }
  workgroupBarrier();
}

// Place `e` of the 256 vec4s of a strip.
struct Place { row: u32, column: u32, value: vec4f }

fn placeOf(e: u32, tile: Tile, strip: u32) -> Place {
  let part = e >> 6u;
  let row = (e >> 3u) & 7u;
  let column = (e & 7u) * 4u;
  let at = (part * 8u + row) * STRIP + column;
  let value = vec4f(xs[at], xs[at + 1u], xs[at + 2u], xs[at + 3u]);
  return Place(tile.row + (part >> 1u) * 32u + strip * 8u + row, tile.column + (part & 1u) * 32u + column, value);
}

// Adds this subgroup's part of the tile, 4x4 matrices row by row.
fn multiply(nt: bool, tile: Tile, local: u32, part: u32, sums: ptr<function, array<Result, 16>>) {
  let rows = (part >> 1u) * 32u;
  let columns = (part & 1u) * 32u;
  for (var i = 0u; i < params.k; i += DEPTH) {
    stage(nt, tile, i, local);
    workgroupBarrier();
    if (part < PARTS) {
      for (var kk = 0u; kk < DEPTH; kk += 8u) {
        var left: array<Left, 4>;
        for (var r = 0u; r < 4u; r++) {
          left[r] = subgroupMatrixLoad<Left, row_major>(&xs, (rows + 8u * r) * DEEP + kk, DEEP);
        }
        for (var c = 0u; c < 4u; c++) {
          var right: Right;
          if (nt) {
            right = subgroupMatrixLoad<Right, col_major>(&ws, (columns + 8u * c) * DEEP + kk, DEEP);
          } else {
            right = subgroupMatrixLoad<Right, row_major>(&ws, kk * WIDE + columns + 8u * c, WIDE);
          }
          for (var r = 0u; r < 4u; r++) {
            (*sums)[4u * r + c] = subgroupMatrixMultiplyAccumulate(left[r], right, (*sums)[4u * r + c]);
          }
        }
      }
    }
    workgroupBarrier();
  }
}

// To the epilogue: the strip that `spread` put into shared memory. The two forms are entries of their own, because
// together they would bind more buffers than the eight that every device has.

fn ntStrip(tile: Tile, strip: u32, local: u32) {
  for (var e = local; e < 256u; e += PARTS * SUBGROUP) {
    let place = placeOf(e, tile, strip);
    finishNt(place.row, 1u, place.column, Sums(place.value, place.value, place.value, place.value));
  }
}

@compute @workgroup_size(PARTS * SUBGROUP)
fn ntSubgroupMatrix(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_id) part: u32) {
  let tile = tileOf(grid);
  var sums: array<Result, 16>;
  multiply(true, tile, local, part, &sums);
  spread(part, sums[0], sums[1], sums[2], sums[3]);
  ntStrip(tile, 0u, local);
  spread(part, sums[4], sums[5], sums[6], sums[7]);
  ntStrip(tile, 1u, local);
  spread(part, sums[8], sums[9], sums[10], sums[11]);
  ntStrip(tile, 2u, local);
  spread(part, sums[12], sums[13], sums[14], sums[15]);
  ntStrip(tile, 3u, local);
}

fn nnStrip(tile: Tile, strip: u32, local: u32) {
  for (var e = local; e < 256u; e += PARTS * SUBGROUP) {
    let place = placeOf(e, tile, strip);
    finishNn(place.row, 1u, place.column, Sums(place.value, place.value, place.value, place.value));
  }
}

@compute @workgroup_size(PARTS * SUBGROUP)
fn nnSubgroupMatrix(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_id) part: u32) {
  let tile = tileOf(grid);
  var sums: array<Result, 16>;
  multiply(false, tile, local, part, &sums);
  spread(part, sums[0], sums[1], sums[2], sums[3]);
  nnStrip(tile, 0u, local);
  spread(part, sums[4], sums[5], sums[6], sums[7]);
  nnStrip(tile, 1u, local);
  spread(part, sums[8], sums[9], sums[10], sums[11]);
  nnStrip(tile, 2u, local);
  spread(part, sums[12], sums[13], sums[14], sums[15]);
  nnStrip(tile, 3u, local);
}
