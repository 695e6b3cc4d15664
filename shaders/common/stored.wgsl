// Weights as a checkpoint stores them. Kinds: 0 f32, 1 bf16, 2 f16; two 16-bit elements in each word, element i in word
// i >> 1, low half first.

// f16 by unpack2x16float: only where fastPaths.ts found it exact, as a device may take subnormals for 0.
const UNPACK: bool = false;

// The word that holds element `index`.
fn wordOf(index: u32, kind: u32) -> u32 { return select(index >> 1u, index, kind == 0u); }

// Element `index`, by its word.
fn element(word: u32, index: u32, kind: u32) -> f32 {
  if (kind == 0u) { return bitcast<f32>(word); }
  if (kind == 2u && UNPACK) { return unpack2x16float(word)[index & 1u]; }
  let half = (word >> ((index & 1u) * 16u)) & 0xffffu;
  if (kind == 1u) { return bitcast<f32>(half << 16u); }
  return f16ToF32(vec4u(half)).x;
}

// Exact for every f16: a subnormal is mantissa * 2^-24; exponent 31 stays infinite or NaN.
fn f16ToF32(halves: vec4u) -> vec4f {
  let sign = (halves & vec4u(0x8000u)) << vec4u(16u);
  let magnitude = (halves & vec4u(0x7fffu)) << vec4u(13u);
  let rebias = select(vec4u(0x38000000u), vec4u(0x70000000u), magnitude >= vec4u(0x0f800000u));
  let tiny = bitcast<vec4u>(vec4f(halves & vec4u(0x3ffu)) * 5.9604644775390625e-8);
  return bitcast<vec4f>(sign | select(magnitude + rebias, tiny, magnitude < vec4u(0x00800000u)));
}
