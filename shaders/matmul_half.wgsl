// Weights stored in f16, read by a device that has the type (feature shader-f16). This text follows that of matmul.wgsl in one module, whose
// calls of `halves4` are calls of this function then. Every f16 is an f32, so this is exact; but a device may take subnormals for 0,
// so it is used only where all 65536 values came out right. Sums stay f32.

fn nativeHalves4(words: vec2u) -> vec4f {
  return vec4f(bitcast<vec4<f16>>(words));
}
