// Products of activations with a frozen weight, with the LoRA term in the epilogue.
//
//   nt   y[m,n]  = Σ_k x[m,k] W[n,k]  + bias[n] + s Σ_j h[m,j] B[n,j]             (forward; h = drop(x) Aᵀ)
//        y[m,n]  = residual[m,n] + (Σ_k x[m,k] W[n,k] + s Σ_j h[m,j] B[n,j])      (bound in the place of a bias)
//   nn   y[m,n] (+)= Σ_k x[m,k] W[k,n] + mask[m,n]/(1-p) Σ_j h[m,j] A[j,n]        (input gradient; h = ∂h)
//
// Each invocation owns ROWS x 4 outputs and reads vec4s straight from the buffers; no shared memory, no barrier: the best on software
// adapters. Memory rule: y is assigned (=); `nn` adds to what is there when `accumulate` is 1.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::{VEC, params, x, x4, w2, y};
import package::matmul::weight::{halves4, weight1, weight4};
import package::matmul::epilogue::{finishNt, finishNn};

const ROWS: u32 = 4u;  // 4, or 1 for a product with a single row

// Four weights an invocation, for the check of fastPaths.ts that they are read exactly.
@compute @workgroup_size(64)
fn widenHalves(@builtin(global_invocation_id) id: vec3u) {
  let v = halves4(w2[id.x]);
  let at = 4u * id.x;
  y[at] = v.x; y[at + 1u] = v.y; y[at + 2u] = v.z; y[at + 3u] = v.w;
}

// Invocations side by side in a row of a workgroup's tile: 32x32 outputs, or 1x256.
const LANES: u32 = select(8u, 64u, ROWS == 1u);

@compute @workgroup_size(64)
fn ntRegister(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  // Where each row of x begins; rows beyond the last repeat it.
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let lastColumn = params.n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let kQuads = k >> 2u;
    let w0 = column * kQuads; let w1 = column1 * kQuads; let w2nd = column2 * kQuads; let w3 = column3 * kQuads;
    for (var i = 0u; i < kQuads; i++) {
      let wa = weight4(w0 + i); let wb = weight4(w1 + i); let wc = weight4(w2nd + i); let wd = weight4(w3 + i);
      var v = vec4f();
      v = x4[q0 + i]; a0 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
      if (ROWS > 1u) {
        v = x4[q1 + i]; a1 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        v = x4[q2 + i]; a2 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        v = x4[q3 + i]; a3 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
      }
    }
  } else {
    for (var i = 0u; i < k; i++) {
      let wk = vec4f(weight1(column * k + i), weight1(column1 * k + i), weight1(column2 * k + i), weight1(column3 * k + i));
      a0 += x[row0 + i] * wk;
      if (ROWS > 1u) {
        a1 += x[row1 + i] * wk;
        a2 += x[row2 + i] * wk;
        a3 += x[row3 + i] * wk;
      }
    }
  }
  finishNt(row, ROWS, column, a0, a1, a2, a3);
}

@compute @workgroup_size(64)
fn nnRegister(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = groupIndex(grid);
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  // Where each row of x begins; rows beyond the last repeat it.
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let n = params.n;
  let lastColumn = n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  var i = 0u;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let nQuads = n >> 2u;
    let kQuads = k >> 2u;
    var at = column >> 2u;
    for (var j = 0u; j < kQuads; j++) {
      let wa = weight4(at); let wb = weight4(at + nQuads); let wc = weight4(at + 2u * nQuads); let wd = weight4(at + 3u * nQuads);
      at += 4u * nQuads;
      var v = vec4f();
      v = x4[q0 + j]; a0 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
      if (ROWS > 1u) {
        v = x4[q1 + j]; a1 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
        v = x4[q2 + j]; a2 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
        v = x4[q3 + j]; a3 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
      }
    }
    i = 4u * kQuads;
  }
  for (; i < k; i++) {
    let at = i * n;
    let wk = vec4f(weight1(at + column), weight1(at + column1), weight1(at + column2), weight1(at + column3));
    a0 += x[row0 + i] * wk;
    if (ROWS > 1u) {
      a1 += x[row1 + i] * wk;
      a2 += x[row2 + i] * wk;
      a3 += x[row3 + i] * wk;
    }
  }
  finishNn(row, ROWS, column, a0, a1, a2, a3);
}
