// The weight in 8 or 4 bits.
//
//   int8         W[r,c] = q s_r                  four signed bytes q in a word; s_r = absmax of row r / 127
//   nf4          W[i]   = NF4[q] absmax[i / 64]  i counts all elements row by row; eight codes in a word, the even
//   element in
//                                                the high half of its byte, as bitsandbytes packs them (Dettmers et
//                                                al.,
//                                                arXiv 2305.14314)
//   nf4_double   absmax[b] = MAP[a_b] m[b / 256] + mean, with 8-bit codes a_b
//
// `scales` holds s (f32), absmax (f32), or for nf4_double: MAP (256 f32), mean (f32), the word at which the codes begin
// (u32), m (f32 …), the codes a (four in a word). Scales are those of the whole tensor, while w may be a part of its
// rows: the part begins at row yColumn (nt) or xColumn (nn), which is a multiple of 512 rows, so that blocks never
// straddle parts.
//
// FORMAT: 1 int8, 2 nf4, 3 nf4_double. Codes become numbers in the kernel, sums are f32. In `nt` a kernel may multiply
// a row's or a block's sum by its scale instead of each element. VEC: rows of 4 elements (nf4 in `nt`: of 64, so that
// blocks lie within rows).

import package::matmul::operands::w;
import host::{DOUBLE_MEAN, DOUBLE_CODES_BEGIN, DOUBLE_GROUPS, NF4};

const FORMAT: u32 = 1u;

@group(0) @binding(11) var<storage, read> scales: array<u32>;  // see above

fn absmax(block: u32) -> f32 {
  if (FORMAT == 2u) { return bitcast<f32>(scales[block]); }
  let code = (scales[scales[DOUBLE_CODES_BEGIN] + (block >> 2u)] >> ((block & 3u) * 8u)) & 255u;
  let m = bitcast<f32>(scales[DOUBLE_GROUPS + (block >> 8u)]);
  return bitcast<f32>(scales[code]) * m + bitcast<f32>(scales[DOUBLE_MEAN]);
}

// Of an element of local row `row` and local index `index`; firstRow: where the part begins, width: elements of a row.
fn scaleW(row: u32, index: u32, firstRow: u32, width: u32) -> f32 {
  if (FORMAT == 1u) { return bitcast<f32>(scales[firstRow + row]); }
  return absmax(((firstRow * width) >> 6u) + (index >> 6u));
}

// A tree of selections: software adapters gather from tables slowly, and GPUs would put them in memory.
fn nf4(codes: vec4u) -> vec4f {
  let b0 = (codes & vec4u(1u)) != vec4u();
  let b1 = (codes & vec4u(2u)) != vec4u();
  let b2 = (codes & vec4u(4u)) != vec4u();
  let b3 = (codes & vec4u(8u)) != vec4u();
  let v0 = select(vec4f(NF4[0]), vec4f(NF4[1]), b0);
  let v1 = select(vec4f(NF4[2]), vec4f(NF4[3]), b0);
  let v2 = select(vec4f(NF4[4]), vec4f(NF4[5]), b0);
  let v3 = select(vec4f(NF4[6]), vec4f(NF4[7]), b0);
  let v4 = select(vec4f(NF4[8]), vec4f(NF4[9]), b0);
  let v5 = select(vec4f(NF4[10]), vec4f(NF4[11]), b0);
  let v6 = select(vec4f(NF4[12]), vec4f(NF4[13]), b0);
  let v7 = select(vec4f(NF4[14]), vec4f(NF4[15]), b0);
  let low = select(select(v0, v1, b1), select(v2, v3, b1), b2);
  let high = select(select(v4, v5, b1), select(v6, v7, b1), b2);
  return select(low, high, b3);
}

// Elements 4 quad .. 4 quad + 3, not scaled.
fn weight4(quad: u32) -> vec4f {
  if (FORMAT == 1u) {
    return vec4f(bitcast<vec4i>(vec4u(w[quad]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
  }
  let half = w[quad >> 1u] >> ((quad & 1u) * 16u);
  return nf4((vec4u(half) >> vec4u(4u, 0u, 12u, 8u)) & vec4u(15u));
}

// Numbers 4 quad .. 4 quad + 3, which lie in `row`.
fn number4(quad: u32, row: u32, firstRow: u32, width: u32) -> vec4f {
  return weight4(quad) * scaleW(row, 4u * quad, firstRow, width);
}

fn number1(row: u32, column: u32, firstRow: u32, width: u32) -> f32 {
  let index = row * width + column;
  let scale = scaleW(row, index, firstRow, width);
  if (FORMAT == 1u) { return scale * f32(bitcast<i32>(w[index >> 2u] << (24u - (index & 3u) * 8u)) >> 24u); }
  let shift = (index & 6u) * 4u + 4u - (index & 1u) * 4u;
  return scale * nf4(vec4u((w[index >> 3u] >> shift) & 15u)).x;
}
