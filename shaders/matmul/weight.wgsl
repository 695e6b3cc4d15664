// A weight in the checkpoint's type. WEIGHT: 0 f32, 1 bf16, 2 f16; two 16-bit elements in each word, element i in word i >> 1, low half
// first. Unpacked exactly, subnormals included: by integer operations, or by the device's own conversion where that was found exact
// (UNPACK; NATIVE_HALVES: by the type f16 of the feature shader-f16, whose every value is an f32).
// quantised.wgsl has the same functions for weights in 8 or 4 bits.

import package::common::stored::{UNPACK, element, wordOf, f16ToF32};
import package::matmul::operands::{VEC, w, w2};

@if(NATIVE_HALVES) enable f16;

const WEIGHT: u32 = 0u;

@if(NATIVE_HALVES) fn halves4(words: vec2u) -> vec4f { return vec4f(bitcast<vec4<f16>>(words)); }

@else
// Four weights stored in f16, two in a word.
fn halves4(words: vec2u) -> vec4f {
  if (UNPACK) { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }
  return f16ToF32(vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

fn weight1(index: u32) -> f32 {
  return element(w[wordOf(index, WEIGHT)], index, WEIGHT);
}

// Elements 4 quad .. 4 quad + 3.
fn weight4(quad: u32) -> vec4f {
  if (WEIGHT == 0u) { return bitcast<vec4f>(vec4u(w2[2u * quad], w2[2u * quad + 1u])); }
  let words = w2[quad];
  if (WEIGHT == 1u) {
    return bitcast<vec4f>(vec4u(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
  }
  return halves4(words);
}

// Of an element: 1, as these weights are no codes. See `scaleAt` of quantised.wgsl.
fn scaleW(row: u32, index: u32, firstRow: u32, width: u32) -> f32 { return 1.0; }

// W[row, i .. i+3] of a weight with `rows` rows of `width`, zero outside. firstRow: of the part that is bound.
fn loadW(row: u32, rows: u32, i: u32, firstRow: u32, width: u32) -> vec4f {
  if (row >= rows || i >= width) { return vec4f(); }
  let at = row * width + i;
  if (VEC) { return weight4(at >> 2u); }
  var v = vec4f(weight1(at), 0.0, 0.0, 0.0);
  if (i + 1u < width) { v.y = weight1(at + 1u); }
  if (i + 2u < width) { v.z = weight1(at + 2u); }
  if (i + 3u < width) { v.w = weight1(at + 3u); }
  return v;
}
