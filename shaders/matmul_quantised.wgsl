// The products of matmul.wgsl with a frozen weight in 8 or 4 bits. This text follows that of matmul.wgsl in one module and shares its
// parameters, epilogues and memory rule (y is assigned; `nn` adds where `accumulate` is 1).
//
//   int8         W[r,c] = q s_r                  four signed bytes q in a word; s_r = absmax of row r / 127
//   nf4          W[i]   = NF4[q] absmax[i / 64]  i counts all elements row by row; eight codes in a word, the even element in the high
//                                                half of its byte, as bitsandbytes packs them (Dettmers et al., arXiv 2305.14314)
//   nf4_double   absmax[b] = MAP[a_b] m[b / 256] + mean, with 8-bit codes a_b
//
// `scales` holds s (f32), absmax (f32), or for nf4_double: MAP (256 f32), mean (f32), the word at which the codes begin (u32), m (f32 …),
// the codes a (four in a word). Scales are those of the whole tensor, while w may be a part of its rows: the part begins at row
// yColumn (nt) or xColumn (nn), which is a multiple of 512 rows, so that blocks never straddle parts.
//
// FORMAT: 1 int8, 2 nf4, 3 nf4_double. Codes become numbers in the kernel, sums are f32. int8 and nf4 in `nt` multiply a row's or block's sum by its scale; `nn` and
// the kernels of other texts scale what they read (`loadQuantised` in place of `loadW`, `codes4` times `scaleAt` in place of `weight4`). VEC: rows of 4 elements (nf4 in `nt`: of 64, so that blocks lie within rows).

@group(0) @binding(11) var<storage, read> scales: array<u32>;

const MEAN: u32 = 256u;
const CODES_BEGIN: u32 = 257u;
const GROUPS: u32 = 258u;

fn absmax(block: u32) -> f32 {
  if (FORMAT == 2u) { return bitcast<f32>(scales[block]); }
  let code = (scales[scales[CODES_BEGIN] + (block >> 2u)] >> ((block & 3u) * 8u)) & 255u;
  return bitcast<f32>(scales[code]) * bitcast<f32>(scales[GROUPS + (block >> 8u)]) + bitcast<f32>(scales[MEAN]);
}

// Of an element of local row `row` and local index `index`; firstRow: where the part begins, width: elements of a row.
fn scaleAt(row: u32, index: u32, firstRow: u32, width: u32) -> f32 {
  if (FORMAT == 1u) { return bitcast<f32>(scales[firstRow + row]); }
  return absmax(((firstRow * width) >> 6u) + (index >> 6u));
}

// A tree of selections: processors that play a GPU gather tables slowly, and GPUs would put them in memory.
fn nf4(codes: vec4u) -> vec4f {
  let b0 = (codes & vec4u(1u)) != vec4u();
  let b1 = (codes & vec4u(2u)) != vec4u();
  let b2 = (codes & vec4u(4u)) != vec4u();
  let b3 = (codes & vec4u(8u)) != vec4u();
  let v0 = select(vec4f(-1.0), vec4f(-0.6961928009986877), b0);
  let v1 = select(vec4f(-0.5250730514526367), vec4f(-0.39491748809814453), b0);
  let v2 = select(vec4f(-0.28444138169288635), vec4f(-0.18477343022823334), b0);
  let v3 = select(vec4f(-0.09105003625154495), vec4f(0.0), b0);
  let v4 = select(vec4f(0.07958029955625534), vec4f(0.16093020141124725), b0);
  let v5 = select(vec4f(0.24611230194568634), vec4f(0.33791524171829224), b0);
  let v6 = select(vec4f(0.44070982933044434), vec4f(0.5626170039176941), b0);
  let v7 = select(vec4f(0.7229568362236023), vec4f(1.0), b0);
  let low = select(select(v0, v1, b1), select(v2, v3, b1), b2);
  let high = select(select(v4, v5, b1), select(v6, v7, b1), b2);
  return select(low, high, b3);
}

// Elements 4 quad .. 4 quad + 3, not scaled.
fn codes4(quad: u32) -> vec4f {
  if (FORMAT == 1u) {
    return vec4f(bitcast<vec4i>(vec4u(w[quad]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
  }
  let half = w[quad >> 1u] >> ((quad & 1u) * 16u);
  return nf4((vec4u(half) >> vec4u(4u, 0u, 12u, 8u)) & vec4u(15u));
}

fn dequantised1(row: u32, column: u32, firstRow: u32, width: u32) -> f32 {
  let index = row * width + column;
  let scale = scaleAt(row, index, firstRow, width);
  if (FORMAT == 1u) { return scale * f32(bitcast<i32>(w[index >> 2u] << (24u - (index & 3u) * 8u)) >> 24u); }
  let shift = (index & 6u) * 4u + 4u - (index & 1u) * 4u;
  return scale * nf4(vec4u((w[index >> 3u] >> shift) & 15u)).x;
}

// W[row, i .. i+3] as numbers, zero outside; `loadW` of this text.
fn loadQuantised(row: u32, rows: u32, i: u32, firstRow: u32, width: u32) -> vec4f {
  if (row >= rows || i >= width) { return vec4f(); }
  let at = row * width + i;
  if (VEC) { return codes4(at >> 2u) * scaleAt(row, at, firstRow, width); }
  var v = vec4f(dequantised1(row, i, firstRow, width), 0.0, 0.0, 0.0);
  if (i + 1u < width) { v.y = dequantised1(row, i + 1u, firstRow, width); }
  if (i + 2u < width) { v.z = dequantised1(row, i + 2u, firstRow, width); }
  if (i + 3u < width) { v.w = dequantised1(row, i + 3u, firstRow, width); }
  return v;
}

// ---- ROWS x 4 in registers ------------------------------------------------------------------------------------------

@compute @workgroup_size(64)
fn ntRegisterQuantised(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = group.y * groups.x + group.x;
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let lastColumn = params.n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  let first = params.yColumn;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let kQuads = k >> 2u;
    let w0 = column * kQuads; let w1 = column1 * kQuads; let w2nd = column2 * kQuads; let w3 = column3 * kQuads;
    // Quads with one scale: a row of int8, a block of nf4.
    let span = select(16u, kQuads, FORMAT == 1u);
    for (var start = 0u; start < kQuads; start += span) {
      var p0 = vec4f(); var p1 = vec4f(); var p2 = vec4f(); var p3 = vec4f();
      let stop = start + span;
      for (var i = start; i < stop; i++) {
        let wa = codes4(w0 + i); let wb = codes4(w1 + i); let wc = codes4(w2nd + i); let wd = codes4(w3 + i);
        var v = vec4f();
        v = x4[q0 + i]; p0 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        if (ROWS > 1u) {
          v = x4[q1 + i]; p1 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
          v = x4[q2 + i]; p2 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
          v = x4[q3 + i]; p3 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        }
      }
      let scale = vec4f(
        scaleAt(column, 4u * (w0 + start), first, k),
        scaleAt(column1, 4u * (w1 + start), first, k),
        scaleAt(column2, 4u * (w2nd + start), first, k),
        scaleAt(column3, 4u * (w3 + start), first, k),
      );
      a0 += scale * p0; a1 += scale * p1; a2 += scale * p2; a3 += scale * p3;
    }
  } else {
    for (var i = 0u; i < k; i++) {
      let wk = vec4f(dequantised1(column, i, first, k), dequantised1(column1, i, first, k), dequantised1(column2, i, first, k), dequantised1(column3, i, first, k));
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
fn nnRegisterQuantised(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = group.y * groups.x + group.x;
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
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
      let ib = at + nQuads; let ic = ib + nQuads; let id = ic + nQuads;
      let wa = codes4(at) * scaleAt(4u * j, 4u * at, begin, n);
      let wb = codes4(ib) * scaleAt(4u * j + 1u, 4u * ib, begin, n);
      let wc = codes4(ic) * scaleAt(4u * j + 2u, 4u * ic, begin, n);
      let wd = codes4(id) * scaleAt(4u * j + 3u, 4u * id, begin, n);
      at = id + nQuads;
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
    let wk = vec4f(dequantised1(i, column, begin, n), dequantised1(i, column1, begin, n), dequantised1(i, column2, begin, n), dequantised1(i, column3, begin, n));
    a0 += x[row0 + i] * wk;
    if (ROWS > 1u) {
      a1 += x[row1 + i] * wk;
      a2 += x[row2 + i] * wk;
      a3 += x[row3 + i] * wk;
    }
  }
  finishNn(row, ROWS, column, a0, a1, a2, a3);
}
