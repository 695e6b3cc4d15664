// What the kernels of attention read and write, and what a score is. The maths stands in rows.wgsl.

import package::common::softcap::{softcapped, softcapSlope};
import host::Params;

// Channels that are read at once. PAIRS: HEAD_DIM is no multiple of 4.
@if(PAIRS) alias Lane = vec2f;
@else alias Lane = vec4f;
@if(PAIRS) const LANES: u32 = 2u;
@else const LANES: u32 = 4u;

const HEAD_DIM: u32 = 64u;
const N: u32 = HEAD_DIM / LANES;  // lanes of a head
const SOFTCAP: bool = false;      // scores are soft-capped

// The score of a masked pair: it weighs nothing and can still be subtracted from itself.
const MASKED: f32 = -3.0e38;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Lane>;              // [queries, heads, N]
@group(0) @binding(2) var<storage, read> k: array<Lane>;              // [keys, kvHeads, N]
@group(0) @binding(3) var<storage, read> v: array<Lane>;              // [keys, kvHeads, N]
@group(0) @binding(4) var<storage, read> bounds: array<vec4u>;        // [queries]
@group(0) @binding(5) var<storage, read_write> o: array<Lane>;        // [queries, heads, N]
@group(0) @binding(6) var<storage, read_write> logSum: array<f32>;    // l [queries, heads]
@group(0) @binding(7) var<storage, read> out: array<Lane>;            // o, for the reverse pass
@group(0) @binding(8) var<storage, read> dOut: array<Lane>;           // ∂o [queries, heads, N]
@group(0) @binding(9) var<storage, read> lse: array<f32>;             // l, for the reverse pass
@group(0) @binding(10) var<storage, read_write> pairs: array<vec2f>;  // (l, δ) [queries, heads]
@group(0) @binding(11) var<storage, read> pair: array<vec2f>;         // the same, for the reverse pass
@group(0) @binding(12) var<storage, read_write> dq: array<Lane>;      // [queries, heads, N]
@group(0) @binding(13) var<storage, read_write> dk: array<Lane>;      // [keys, kvHeads, N]
@group(0) @binding(14) var<storage, read_write> dv: array<Lane>;      // [keys, kvHeads, N]

// Where a query or a key begins, in lanes.
fn queryRow(t: u32, head: u32) -> u32 { return (t * params.heads + head) * N; }
fn keyRow(j: u32, kvHead: u32) -> u32 { return (j * params.kvHeads + kvHead) * N; }

// The head of k and v that a head of q uses.
fn kvHeadOf(head: u32) -> u32 { return head / (params.heads / params.kvHeads); }

// Scores u = scale · q·k as they go into the softmax.
fn capped(u: vec4f) -> vec4f {
  if (!SOFTCAP) { return u; }
  let cap = params.softcap;
  return vec4f(softcapped(u.x, cap), softcapped(u.y, cap), softcapped(u.z, cap), softcapped(u.w, cap));
}

// The derivative of `capped`, by its value.
fn slope(s: vec4f) -> vec4f {
  if (!SOFTCAP) { return vec4f(1.0); }
  let cap = params.softcap;
  return vec4f(softcapSlope(s.x, cap), softcapSlope(s.y, cap), softcapSlope(s.z, cap), softcapSlope(s.w, cap));
}
