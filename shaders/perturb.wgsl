// One step of a landscape: adds a direction to weights that were copied from the originals.
//
//   noise   w += k · g(key, i)      a random direction, computed here and never stored
//   along   w += k · d[i]           a stored one: the difference of two models, the update of an adapter
//
// k = coefficients[slot]; where it is 0 nothing is written, so that at the origin the weights are the originals bit for
// bit. g is Threefry-2x32-20 of the counter (i >> 1, 0), word i & 1, as a quantile of the normal distribution
// (analysis/landscape/gaussian.ts): integers until the last step, so every device computes the same g.
//
// Memory rule: target is updated in place, everything else is read.

import package::common::grid::{Grid, groupIndex};
import host::Params;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coefficients: array<f32>;
@group(0) @binding(2) var<storage, read> quantiles: array<i32>;        // [1601], units of 2^-20
@group(0) @binding(3) var<storage, read> direction: array<f32>;        // [count], for `along`
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;    // [count]

fn rotated(x: u32, by: u32) -> u32 { return (x << by) | (x >> (32u - by)); }

// Four rounds, then the key's next two words.
fn rounds(x: vec2u, by: vec4u, key: vec2u) -> vec2u {
  var a = x.x;
  var b = x.y;
  a += b; b = rotated(b, by.x) ^ a;
  a += b; b = rotated(b, by.y) ^ a;
  a += b; b = rotated(b, by.z) ^ a;
  a += b; b = rotated(b, by.w) ^ a;
  return vec2u(a + key.x, b + key.y);
}

fn threefry(key: vec2u, counter: u32) -> vec2u {
  let third = key.x ^ key.y ^ 0x1bd11bdau;
  let even = vec4u(13u, 15u, 26u, 6u);
  let odd = vec4u(17u, 29u, 16u, 24u);
  var x = vec2u(counter + key.x, key.y);
  x = rounds(x, even, vec2u(key.y, third + 1u));
  x = rounds(x, odd, vec2u(third, key.x + 2u));
  x = rounds(x, even, vec2u(key.x, key.y + 3u));
  x = rounds(x, odd, vec2u(key.y, third + 4u));
  x = rounds(x, even, vec2u(third, key.x + 5u));
  return x;
}

// A word as a normal number in units of 2^-20.
fn gaussian(word: u32) -> i32 {
  let v = max(word & 0x7fffffffu, 64u);
  let octave = countLeadingZeros(v) - 1u;
  let scaled = v << octave;
  let at = (24u - octave) * 64u + ((scaled >> 24u) & 63u);
  let low = quantiles[at];
  let value = low - (((low - quantiles[at + 1u]) * i32((scaled >> 10u) & 0x3fffu)) >> 14u);
  return select(value, -value, (word >> 31u) == 1u);
}

@compute @workgroup_size(256)
fn noise(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  let k = coefficients[params.slot];
  if (i >= params.count || k == 0.0) { return; }
  let element = params.first + i;
  let words = threefry(vec2u(params.key0, params.key1), element >> 1u);
  let word = select(words.x, words.y, (element & 1u) == 1u);
  weights[i] += k * (f32(gaussian(word)) * 0x1p-20f);
}

@compute @workgroup_size(256)
fn along(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  let k = coefficients[params.slot];
  if (i >= params.count || k == 0.0) { return; }
  weights[i] += k * direction[i];
}
