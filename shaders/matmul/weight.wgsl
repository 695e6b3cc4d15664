// The weight in the checkpoint's type. WEIGHT: its kind (common/stored.wgsl). Unpacked exactly, subnormals included: by
// integer operations, or by the device's own conversion where that was found exact (UNPACK; NATIVE_HALVES: the weight
// is f16 and bound as such, with the feature shader-f16; every value is an f32). Sums stay f32.
//
// quantised.wgsl has the same functions for weights in 8 or 4 bits.

import package::common::stored::{UNPACK, element, wordOf, f16ToF32};
import package::matmul::operands::w;

@if(NATIVE_HALVES) enable f16;

@if(NATIVE_HALVES) const WEIGHT: u32 = 2u;
@else const WEIGHT: u32 = 0u;

// The same as w. Halves are not cast from words: naga, the compiler of Firefox and Deno, knows no bitcast of 64 bits.
@if(NATIVE_HALVES) @group(0) @binding(4) var<storage, read> w2: array<vec4<f16>>;
@else @group(0) @binding(4) var<storage, read> w2: array<vec2u>;

// Elements 4 quad .. 4 quad + 3.
@if(NATIVE_HALVES) fn weight4(quad: u32) -> vec4f { return vec4f(w2[quad]); }
@else fn weight4(quad: u32) -> vec4f {
  if (WEIGHT == 0u) { return bitcast<vec4f>(vec4u(w2[2u * quad], w2[2u * quad + 1u])); }
  let words = w2[quad];
  if (WEIGHT == 1u) {
    return bitcast<vec4f>(vec4u(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
  }
  if (UNPACK) { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }
  return f16ToF32(vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

// The scale of an element: 1, as these weights are no codes.
fn scaleW(row: u32, index: u32, firstRow: u32, width: u32) -> f32 { return 1.0; }

// Numbers 4 quad .. 4 quad + 3, which lie in `row`; firstRow: of the part that is bound, width: elements of a row.
fn number4(quad: u32, row: u32, firstRow: u32, width: u32) -> vec4f { return weight4(quad); }

fn number1(row: u32, column: u32, firstRow: u32, width: u32) -> f32 {
  let index = row * width + column;
  return element(w[wordOf(index, WEIGHT)], index, WEIGHT);
}
