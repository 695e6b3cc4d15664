// Dropout without state: a mask is a pure function of (seed, counter, stream, element), so that the reverse pass makes
// it again. Four neighbours share one hash; an element is kept when the top 24 bits of its word are at least round(p ·
// 2^24).

// pcg4d (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020).
fn pcg4d(input: vec4u) -> vec4u {
  var v = input * 1664525u + 1013904223u;
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  return v;
}

// `scale`, 1/(1-p), for the elements that are kept, 0 for the others.
fn dropMask(words: vec4u, threshold: u32, scale: f32) -> vec4f {
  return select(vec4f(), vec4f(scale), (words >> vec4u(8u)) >= vec4u(threshold));
}
