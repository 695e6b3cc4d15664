// Soft-capping (Gemma 2, arXiv 2408.00118): y = cap · tanh(x / cap) lies in (−cap, cap); dy/dx = 1 − (y / cap)². NaN
// stays NaN, which min and sign would hide: recognised by its bits, as WGSL allows compilers to assume x == x.

// tanh by exp of a negative number, which cannot overflow; near zero, where that would cancel, by its continued
// fraction.
fn softcapped(x: f32, cap: f32) -> f32 {
  let z = x / cap;
  let a = min(abs(z), 20.0);
  let square = a * a;
  let e = exp(-2.0 * a);
  let near = a * (945.0 + square * (105.0 + square)) / (945.0 + square * (420.0 + 15.0 * square));
  let y = cap * sign(z) * select((1.0 - e) / (1.0 + e), near, a < 0.5);
  return select(y, x, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}

// The derivative, by the value y.
fn softcapSlope(y: f32, cap: f32) -> f32 {
  let t = y / cap;
  return 1.0 - t * t;
}
