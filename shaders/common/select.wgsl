// One of four, without indexing, which would move sums from registers to memory. The stores that ask for it stand in
// loops that cannot be unrolled: drivers compile them several times faster so, and they are a small part of the work.

fn vectorOf(i: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  return select(select(a, b, i == 1u), select(c, d, i == 3u), i >= 2u);
}

fn componentOf(i: u32, v: vec4f) -> f32 {
  return select(select(v.x, v.y, i == 1u), select(v.z, v.w, i == 3u), i >= 2u);
}
