// What the matmul kernels read and write: y = x W with the LoRA term, f32 but for W.
//
// Memory rule: y is assigned (=); `nn` adds to what is there when `accumulate` is 1. x and y have row strides ldx and
// ldy and start at a column, so that a weight stored in parts of its rows is a sequence of dispatches.
//
// VEC: ldx, xColumn and the weight's row length are multiples of 4, so operands are read as vec4, and addresses are
// counted in vec4s; otherwise element by element.

import host::Params;

const VEC: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // [m, ldx]
@group(0) @binding(2) var<storage, read> x4: array<vec4f>;     // the same
@group(0) @binding(3) var<storage, read> w: array<u32>;        // nt: [n, k], nn: [k, n], as stored
@group(0) @binding(5) var<storage, read_write> y: array<f32>;  // [m, ldy]
@group(0) @binding(6) var<storage, read> bias: array<u32>;     // [n], or the residual [m, ldy]
@group(0) @binding(7) var<storage, read> h: array<f32>;        // [m, rank]
@group(0) @binding(8) var<storage, read> factor: array<f32>;   // LoRA: B [n, rank] (nt) or A [rank, n] (nn)
@group(0) @binding(10) var<storage, read> batch: array<u32>;   // engine/batchScalars.ts
