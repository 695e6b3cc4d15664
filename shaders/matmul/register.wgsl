// Products of activations with a frozen weight, with the LoRA term in the epilogue.
//
//   nt   y[m,n]  = Σ_k x[m,k] W[n,k]  + bias[n] + s Σ_j h[m,j] B[n,j]             (forward; h = drop(x) Aᵀ)
//        y[m,n]  = residual[m,n] + (Σ_k x[m,k] W[n,k] + s Σ_j h[m,j] B[n,j])      (bound in the place of a bias)
//   nn   y[m,n] (+)= Σ_k x[m,k] W[k,n] + mask[m,n]/(1-p) Σ_j h[m,j] A[j,n]        (input gradient; h = ∂h)
//
// Here each invocation owns ROWS x 4 outputs and reads vec4s straight from the buffers; no shared memory, no barrier:
// the best on software adapters. The other files of this folder have kernels for the same products.
// Memory rule: y is assigned (=); `nn` adds to what is there when `accumulate` is 1.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::{VEC, params, x, x4};
@if(QUANTISED) import package::matmul::quantised::{FORMAT, weight4, scaleW, number1, number4};
@else import package::matmul::weight::{weight4, number1, number4};
import package::matmul::quads::{Quads, ntTerms, nnTerms};
import package::matmul::epilogue::{Sums, finishNt, finishNn};

const ROWS: u32 = 4u;  // 4, or 1 for a product with a single row

// Invocations side by side in a row of a workgroup's tile: 32x32 outputs, or 1x256.
const ACROSS: u32 = select(8u, 64u, ROWS == 1u);

// The outputs of an invocation. starts: where its rows of x begin; rows and columns beyond the last repeat it.
struct Tile { row: u32, column: u32, starts: vec4u, columns: vec4u }

fn tileOf(grid: Grid, local: u32) -> Tile {
  let tilesN = (params.n + 4u * ACROSS - 1u) / (4u * ACROSS);
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * (64u / ACROSS) + local / ACROSS) * ROWS;
  let column = ((tile % tilesN) * ACROSS + local % ACROSS) * 4u;
  let rows = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(params.m - 1u));
  let columns = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(params.n - 1u));
  return Tile(row, column, rows * params.ldx + params.xColumn, columns);
}

fn isOutside(tile: Tile) -> bool { return tile.row >= params.m || tile.column >= params.n; }

// Sums over the quads [begin, end) of k, by unscaled elements of W.
fn ntQuads(tile: Tile, begin: u32, end: u32) -> Sums {
  let q = tile.starts >> vec4u(2u);
  let w = tile.columns * (params.k >> 2u);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  for (var i = begin; i < end; i++) {
    let quads = Quads(weight4(w.x + i), weight4(w.y + i), weight4(w.z + i), weight4(w.w + i));
    a0 += ntTerms(x4[q.x + i], quads);
    if (ROWS > 1u) {
      a1 += ntTerms(x4[q.y + i], quads);
      a2 += ntTerms(x4[q.z + i], quads);
      a3 += ntTerms(x4[q.w + i], quads);
    }
  }
  return Sums(a0, a1, a2, a3);
}

@if(!QUANTISED) fn ntSums(tile: Tile) -> Sums { return ntQuads(tile, 0u, params.k >> 2u); }

// Quads with one scale, a row of int8 or a block of nf4, are summed before they are scaled.
@if(QUANTISED) fn ntSums(tile: Tile) -> Sums {
  let k = params.k;
  let first = params.yColumn;
  let kQuads = k >> 2u;
  let span = select(16u, kQuads, FORMAT == 1u);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  for (var start = 0u; start < kQuads; start += span) {
    let sums = ntQuads(tile, start, start + span);
    let at = 4u * (tile.columns * kQuads + start);
    let scale = vec4f(
      scaleW(tile.columns.x, at.x, first, k),
      scaleW(tile.columns.y, at.y, first, k),
      scaleW(tile.columns.z, at.z, first, k),
      scaleW(tile.columns.w, at.w, first, k),
    );
    a0 += scale * sums.a0; a1 += scale * sums.a1; a2 += scale * sums.a2; a3 += scale * sums.a3;
  }
  return Sums(a0, a1, a2, a3);
}

// Adds value k of x times four elements of W.
fn addElement(sums: Sums, starts: vec4u, k: u32, w: vec4f) -> Sums {
  if (ROWS == 1u) { return Sums(sums.a0 + x[starts.x + k] * w, sums.a1, sums.a2, sums.a3); }
  return Sums(
    sums.a0 + x[starts.x + k] * w,
    sums.a1 + x[starts.y + k] * w,
    sums.a2 + x[starts.z + k] * w,
    sums.a3 + x[starts.w + k] * w,
  );
}

@compute @workgroup_size(64)
fn ntRegister(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tile = tileOf(grid, local);
  if (isOutside(tile)) { return; }
  var sums = Sums();
  if (VEC) {
    sums = ntSums(tile);
  } else {
    let k = params.k;
    let first = params.yColumn;
    let n = tile.columns;
    for (var i = 0u; i < k; i++) {
      let w = vec4f(
        number1(n.x, i, first, k), number1(n.y, i, first, k), number1(n.z, i, first, k), number1(n.w, i, first, k),
      );
      sums = addElement(sums, tile.starts, i, w);
    }
  }
  finishNt(tile.row, ROWS, tile.column, sums);
}

@compute @workgroup_size(64)
fn nnRegister(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tile = tileOf(grid, local);
  if (isOutside(tile)) { return; }
  let k = params.k;
  let n = params.n;
  let first = params.xColumn;
  let columns = tile.columns;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  var i = 0u;
  if (VEC) {
    let q = tile.starts >> vec4u(2u);
    let nQuads = n >> 2u;
    let kQuads = k >> 2u;
    var at = tile.column >> 2u;
    for (var j = 0u; j < kQuads; j++) {
      let quads = Quads(
        number4(at, 4u * j, first, n),
        number4(at + nQuads, 4u * j + 1u, first, n),
        number4(at + 2u * nQuads, 4u * j + 2u, first, n),
        number4(at + 3u * nQuads, 4u * j + 3u, first, n),
      );
      at += 4u * nQuads;
      a0 += nnTerms(x4[q.x + j], quads);
      if (ROWS > 1u) {
        a1 += nnTerms(x4[q.y + j], quads);
        a2 += nnTerms(x4[q.z + j], quads);
        a3 += nnTerms(x4[q.w + j], quads);
      }
    }
    i = 4u * kQuads;
  }
  var sums = Sums(a0, a1, a2, a3);
  for (; i < k; i++) {
    let w = vec4f(
      number1(i, columns.x, first, n), number1(i, columns.y, first, n),
      number1(i, columns.z, first, n), number1(i, columns.w, first, n),
    );
    sums = addElement(sums, tile.starts, i, w);
  }
  finishNn(tile.row, ROWS, tile.column, sums);
}
