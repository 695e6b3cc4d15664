// The products of register.wgsl in tiles staged in shared memory, for real GPUs. Memory rule: y is assigned (=); `nn`
// adds where `accumulate` is 1.
//
//   TILE 64              256 invocations own 64x64 outputs, 4x4 each: fewest loads for each product
//   TILE 32              64 invocations own 32x32: for outputs that give too few tiles of 64
//   TILE 32, SLICES 4    256 invocations own 32x32, a quarter of k for each 64 of them: few tiles and a long k. The
//   slices' sums are
//                        added in their order, so results do not depend on timing.
//
// Each round stages TILE / 4 columns of both operands, so that every invocation loads one vec4 of each.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::params;
import package::matmul::loads::{loadX, loadW};
import package::matmul::epilogue::{Sums, finishNt, finishNn};

const TILE: u32 = 64u;
const SLICES: u32 = 1u;

const QUADS: u32 = TILE / 4u;
const THREADS: u32 = SLICES * QUADS * QUADS;

// [slice][k][rows or columns / 4]: the staged columns of x and rows of Wᵀ.
var<workgroup> xs: array<array<array<vec4f, QUADS>, QUADS>, SLICES>;
var<workgroup> ws: array<array<array<vec4f, QUADS>, QUADS>, SLICES>;

// The tile at row0, column0: outputs 4 ty, 4 tx of it. Only slice 0 has them whole.
fn tileSums(nt: bool, row0: u32, column0: u32, local: u32) -> Sums {
  let slice = local / (QUADS * QUADS);
  let own = local % (QUADS * QUADS);
  let ty = own / QUADS;
  let tx = own % QUADS;
  // What this invocation stages, where rows of k are loaded: columns q .. q+3 of a row.
  let row = own / (QUADS / 4u);
  let q = (own % (QUADS / 4u)) * 4u;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  for (var start = 0u; start < params.k; start += SLICES * QUADS) {
    let i = start + slice * QUADS;
    let v = loadX(row0 + row, i + q);
    xs[slice][q][row >> 2u][row & 3u] = v.x;
    xs[slice][q + 1u][row >> 2u][row & 3u] = v.y;
    xs[slice][q + 2u][row >> 2u][row & 3u] = v.z;
    xs[slice][q + 3u][row >> 2u][row & 3u] = v.w;
    if (nt) {
      let u = loadW(column0 + row, params.n, i + q, params.yColumn, params.k);
      ws[slice][q][row >> 2u][row & 3u] = u.x;
      ws[slice][q + 1u][row >> 2u][row & 3u] = u.y;
      ws[slice][q + 2u][row >> 2u][row & 3u] = u.z;
      ws[slice][q + 3u][row >> 2u][row & 3u] = u.w;
    } else {
      ws[slice][ty][tx] = loadW(i + ty, params.k, column0 + tx * 4u, params.xColumn, params.n);
    }
    workgroupBarrier();
    for (var kk = 0u; kk < QUADS; kk++) {
      let a = xs[slice][kk][ty];
      let b = ws[slice][kk][tx];
      a0 += a.x * b; a1 += a.y * b; a2 += a.z * b; a3 += a.w * b;
    }
    workgroupBarrier();
  }
  if (SLICES > 1u) {
    xs[slice][ty][tx] = a0;
    ws[slice][ty][tx] = a1;
    workgroupBarrier();
    if (slice == 0u) {
      for (var s = 1u; s < SLICES; s++) { a0 += xs[s][ty][tx]; a1 += ws[s][ty][tx]; }
    }
    workgroupBarrier();
    xs[slice][ty][tx] = a2;
    ws[slice][ty][tx] = a3;
    workgroupBarrier();
    if (slice == 0u) {
      for (var s = 1u; s < SLICES; s++) { a2 += xs[s][ty][tx]; a3 += ws[s][ty][tx]; }
    }
  }
  return Sums(a0, a1, a2, a3);
}

// Four rows of four outputs, from row and column on.
struct Outputs { row: u32, column: u32, sums: Sums }

fn outputsOf(nt: bool, grid: Grid, local: u32) -> Outputs {
  let tilesN = (params.n + TILE - 1u) / TILE;
  let tile = groupIndex(grid);
  let row0 = (tile / tilesN) * TILE;
  let column0 = (tile % tilesN) * TILE;
  let sums = tileSums(nt, row0, column0, local);
  return Outputs(row0 + (local / QUADS) * 4u, column0 + (local % QUADS) * 4u, sums);
}

@compute @workgroup_size(THREADS)
fn ntTile(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let outputs = outputsOf(true, grid, local);
  if (local < QUADS * QUADS) { finishNt(outputs.row, 4u, outputs.column, outputs.sums); }
}

@compute @workgroup_size(THREADS)
fn nnTile(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let outputs = outputsOf(false, grid, local);
  if (local < QUADS * QUADS) { finishNn(outputs.row, 4u, outputs.column, outputs.sums); }
}
