// Operands four at a time, for kernels that stage them; zero outside.

import package::matmul::operands::{VEC, params, x, x4};
@if(QUANTISED) import package::matmul::quantised::{number1, number4};
@else import package::matmul::weight::{number1, number4};

// x[row, i .. i+3]
fn loadX(row: u32, i: u32) -> vec4f {
  if (row >= params.m || i >= params.k) { return vec4f(); }
  let at = row * params.ldx + params.xColumn + i;
  if (VEC && i + 4u <= params.k) { return x4[at >> 2u]; }
  var v = vec4f(x[at], 0.0, 0.0, 0.0);
  if (i + 1u < params.k) { v.y = x[at + 1u]; }
  if (i + 2u < params.k) { v.z = x[at + 2u]; }
  if (i + 3u < params.k) { v.w = x[at + 3u]; }
  return v;
}

// W[row, i .. i+3] of a weight with `rows` rows of `width`; firstRow: of the part that is bound.
fn loadW(row: u32, rows: u32, i: u32, firstRow: u32, width: u32) -> vec4f {
  if (row >= rows || i >= width) { return vec4f(); }
  if (VEC) { return number4((row * width + i) >> 2u, row, firstRow, width); }
  var v = vec4f(number1(row, i, firstRow, width), 0.0, 0.0, 0.0);
  if (i + 1u < width) { v.y = number1(row, i + 1u, firstRow, width); }
  if (i + 2u < width) { v.z = number1(row, i + 2u, firstRow, width); }
  if (i + 3u < width) { v.w = number1(row, i + 3u, firstRow, width); }
  return v;
}
