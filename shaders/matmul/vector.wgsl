// The product y = x Wᵀ of register.wgsl for a few rows of x (decoding), for real GPUs. Memory rule: y is assigned (=).
//
// So few rows give no work to tiles; what is left is reading W once, fast. A workgroup makes ROWS x 4 outputs. Its 64
// invocations take turns at the vec4s of k, so that neighbours read neighbouring memory, and so with the ranks of the
// LoRA term. Then the 64 partial sums of each output are added: 8 each by 8 invocations, then those 8. The order is
// fixed. ROWS: 1, 2, 4 or 8.

import package::common::grid::{Grid, groupIndex};
import package::matmul::operands::{params, y, bias, h, factor};
import package::matmul::loads::{loadX, loadW};
import package::matmul::epilogue::bias1;

const ROWS: u32 = 4u;
const LANES_OF_K: u32 = 64u;

var<workgroup> parts: array<array<vec4f, LANES_OF_K>, ROWS>;

@compute @workgroup_size(LANES_OF_K)
fn ntVector(grid: Grid, @builtin(local_invocation_index) lane: u32) {
  let tilesN = (params.n + 3u) / 4u;
  let tile = groupIndex(grid);
  let row = (tile / tilesN) * ROWS;
  let column = (tile % tilesN) * 4u;
  let k = params.k;
  let n = params.n;
  let first = params.yColumn;
  var sums: array<vec4f, ROWS>;
  for (var i = 4u * lane; i < k; i += 4u * LANES_OF_K) {
    let wa = loadW(column, n, i, first, k);
    let wb = loadW(column + 1u, n, i, first, k);
    let wc = loadW(column + 2u, n, i, first, k);
    let wd = loadW(column + 3u, n, i, first, k);
    for (var r = 0u; r < ROWS; r++) {
      let v = loadX(row + r, i);
      sums[r] += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
    }
  }
  let rank = params.rank;
  let lastColumn = n - 1u;
  let b0 = (first + column) * rank;
  let b1 = (first + min(column + 1u, lastColumn)) * rank;
  let b2 = (first + min(column + 2u, lastColumn)) * rank;
  let b3 = (first + min(column + 3u, lastColumn)) * rank;
  for (var j = lane; j < rank; j += LANES_OF_K) {
    let b = params.loraScale * vec4f(factor[b0 + j], factor[b1 + j], factor[b2 + j], factor[b3 + j]);
    // Rows beyond the last repeat it; they are not written.
    for (var r = 0u; r < ROWS; r++) { sums[r] += h[min(row + r, params.m - 1u) * rank + j] * b; }
  }
  for (var r = 0u; r < ROWS; r++) { parts[r][lane] = sums[r]; }
  workgroupBarrier();
  let eighth = lane & 7u;
  var total = vec4f();
  if (lane < 8u * ROWS) {
    for (var j = eighth; j < LANES_OF_K; j += 8u) { total += parts[lane >> 3u][j]; }
  }
  workgroupBarrier();
  if (lane < 8u * ROWS) { parts[lane >> 3u][eighth] = total; }
  workgroupBarrier();
  let r = lane >> 2u;
  let c = lane & 3u;
  if (r >= ROWS || row + r >= params.m || column + c >= n) { return; }
  var sum = 0.0;
  for (var j = 0u; j < 8u; j++) { sum += parts[r][j][c]; }
  let place = (row + r) * params.ldy + first + column + c;
  if (params.biasKind == 4u) {
    sum += bitcast<f32>(bias[place]);
  } else if (params.biasKind != 0u) {
    sum += bias1(first + column + c);
  }
  y[place] = sum;
}
