// Products of activations with a frozen weight, with the LoRA term in the epilogue.
//
//   nt   y[m,n]  = Σ_k x[m,k] W[n,k]  + bias[n] + s Σ_j h[m,j] B[n,j]             (forward; h = drop(x) Aᵀ)
//        y[m,n]  = residual[m,n] + (Σ_k x[m,k] W[n,k] + s Σ_j h[m,j] B[n,j])      (bound in the place of a bias)
//   nn   y[m,n] (+)= Σ_k x[m,k] W[k,n] + mask[m,n]/(1-p) Σ_j h[m,j] A[j,n]        (input gradient; h = ∂h)
//
// Memory rule: y is assigned (=); `nn` adds to what is there when `accumulate` is 1. x and y are f32 with row strides ldx
// and ldy and start at a column, so that a weight stored in parts of its rows is a sequence of dispatches. W keeps the type of
// the checkpoint (WEIGHT: 0 f32, 1 bf16, 2 f16; two 16-bit elements in each word, element i in word i >> 1, low half first)
// and is unpacked exactly, subnormals included: by integer operations, or by the device's own conversion where that was found
// exact (UNPACK; with shader-f16, matmul_half.wgsl).
//
// The kernels here, `…Register`: each invocation owns ROWS x 4 outputs and reads vec4s straight from the buffers; no shared
// memory, no barrier: the best on processors that play a GPU. The other texts named matmul_… follow this one in a module of their
// own and share its parameters, loads, epilogues and memory rule. VEC: ldx, xColumn and the weight's row length are multiples
// of 4, so operands are read as vec4, and addresses are counted in vec4s; otherwise element by element.

const WEIGHT: u32 = 0u;
const VEC: bool = true;
const FORMAT: u32 = 0u;  // of a quantised weight, see matmul_quantised.wgsl; 0: none, WEIGHT counts
const UNPACK: bool = false;  // f16 weights by unpack2x16float, which may flush subnormals on some device
const ROWS: u32 = 4u;  // of a `…Register` tile: 4, or 1 for a product with a single row

struct Params {
  m: u32,
  n: u32,
  k: u32,
  ldx: u32,
  xColumn: u32,
  ldy: u32,
  yColumn: u32,
  accumulate: u32,
  biasKind: u32,       // 0 none, 1 f32, 2 bf16, 3 f16; 4: a residual, f32, laid out as y
  rank: u32,           // 0 = no LoRA term
  loraScale: f32,
  row0: u32,           // first row of this dispatch in the whole tensor, for the dropout mask
  dropThreshold: u32,  // 0 = no dropout
  dropScale: f32,
  stream: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> x4: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<u32>;
@group(0) @binding(4) var<storage, read> w2: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read> bias: array<u32>;
@group(0) @binding(7) var<storage, read> h: array<f32>;
@group(0) @binding(8) var<storage, read> factor: array<f32>;  // of the LoRA term: B for nt, A for nn
@group(0) @binding(10) var<storage, read> batch: array<u32>;

// ---- weights ----------------------------------------------------------------------------------------------------

// Exact for every f16: a subnormal is mantissa * 2^-24; exponent 31 stays infinite or NaN.
fn f16ToF32(halves: vec4u) -> vec4f {
  let sign = (halves & vec4u(0x8000u)) << vec4u(16u);
  let magnitude = (halves & vec4u(0x7fffu)) << vec4u(13u);
  let rebias = select(vec4u(0x38000000u), vec4u(0x70000000u), magnitude >= vec4u(0x0f800000u));
  let tiny = bitcast<vec4u>(vec4f(halves & vec4u(0x3ffu)) * 5.9604644775390625e-8);
  return bitcast<vec4f>(sign | select(magnitude + rebias, tiny, magnitude < vec4u(0x00800000u)));
}

// Four weights stored in f16, two in a word.
fn halves4(words: vec2u) -> vec4f {
  if (UNPACK) { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }
  return f16ToF32(vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

fn element(word: u32, index: u32, kind: u32) -> f32 {
  if (kind == 0u) { return bitcast<f32>(word); }
  let half = (word >> ((index & 1u) * 16u)) & 0xffffu;
  if (kind == 1u) { return bitcast<f32>(half << 16u); }
  return f16ToF32(vec4u(half)).x;
}

fn weight1(index: u32) -> f32 {
  return element(w[select(index >> 1u, index, WEIGHT == 0u)], index, WEIGHT);
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

// Of an element: 1, as these weights are no codes. See `scaleAt` of matmul_quantised.wgsl.
fn scaleW(row: u32, index: u32, firstRow: u32, width: u32) -> f32 { return 1.0; }

fn bias1(index: u32) -> f32 {
  let kind = params.biasKind - 1u;
  return element(bias[select(index >> 1u, index, kind == 0u)], index, kind);
}

// Four weights an invocation, for the check of fastPaths.ts that they are read exactly.
@compute @workgroup_size(64)
fn widenHalves(@builtin(global_invocation_id) id: vec3u) {
  let v = halves4(w2[id.x]);
  let at = 4u * id.x;
  y[at] = v.x; y[at + 1u] = v.y; y[at + 2u] = v.z; y[at + 3u] = v.w;
}

// ---- four at a time, for the kernels of other texts ------------------------------------------------------------------

// x[row, i .. i+3], zero outside.
fn loadX(row: u32, i: u32) -> vec4f {
  if (row >= params.m || i >= params.k) { return vec4f(); }
  let at = row * params.ldx + params.xColumn + i;
  if (VEC && i + 4u <= params.k) { return x4[at >> 2u]; }
  var v = vec4f(x[at], 0.0, 0.0, 0.0);
  if (i + 1u < params.k) { v.y = x[at + 1u]; }
  if (i + 2u < params.k) { v.z = x[at + 2u]; }
  if (i + 3u < params.k) { v.w = x[at + 3u]; }
  return v;
}

// W[row, i .. i+3] of a weight with `rows` rows of `width`, zero outside. firstRow: of the part that is bound; matmul_quantised.wgsl
// reads by the same call.
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

// ---- epilogues ----------------------------------------------------------------------------------------------------
// Both write a tile's outputs one by one in loops that cannot be unrolled: drivers compile them several times faster so, and they
// are a small part of the work.

// Row i of four, without indexing (which would move the sums from registers to memory).
fn rowOf(i: u32, a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f) -> vec4f {
  return select(select(a0, a1, i == 1u), select(a2, a3, i == 3u), i >= 2u);
}

fn componentOf(i: u32, v: vec4f) -> f32 {
  return select(select(v.x, v.y, i == 1u), select(v.z, v.w, i == 3u), i >= 2u);
}

fn finishNt(row: u32, rows: u32, column: u32, a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f) {
  if (row >= params.m || column >= params.n) { return; }
  let first = params.yColumn + column;
  let last = params.yColumn + params.n - 1u;
  let endColumn = min(first + 4u, last + 1u);
  var offset = vec4f();
  let residual = params.biasKind == 4u;
  if (params.biasKind != 0u && !residual) {
    offset = vec4f(bias1(first), bias1(min(first + 1u, last)), bias1(min(first + 2u, last)), bias1(min(first + 3u, last)));
  }
  let r = params.rank;
  let b0 = first * r;
  let b1 = min(first + 1u, last) * r;
  let b2 = min(first + 2u, last) * r;
  let b3 = min(first + 3u, last) * r;
  let end = min(row + rows, params.m);
  for (var i = row; i < end; i++) {
    var delta = vec4f();
    for (var j = 0u; j < r; j++) {
      delta += h[i * r + j] * vec4f(factor[b0 + j], factor[b1 + j], factor[b2 + j], factor[b3 + j]);
    }
    let sum = rowOf(i - row, a0, a1, a2, a3) + offset + params.loraScale * delta;
    for (var c = first; c < endColumn; c++) {
      let place = i * params.ldy + c;
      var value = componentOf(c - first, sum);
      if (residual) { value += bitcast<f32>(bias[place]); }
      y[place] = value;
    }
  }
}

// pcg4d (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020).
fn pcg4d(input: vec4u) -> vec4u {
  var v = input * 1664525u + 1013904223u;
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w; v.y += v.z * v.x; v.z += v.x * v.y; v.w += v.y * v.z;
  return v;
}

// 1/(1-p) where elements index .. index+3 of the module's input are kept, else 0. Four neighbours share one hash.
fn dropMask4(index: u32) -> vec4f {
  var words = pcg4d(vec4u(batch[0], batch[1], params.stream, index >> 2u));
  if (!VEC && (index & 3u) != 0u) {
    let next = pcg4d(vec4u(batch[0], batch[1], params.stream, (index >> 2u) + 1u));
    let skip = index & 3u;
    if (skip == 1u) { words = vec4u(words.yzw, next.x); }
    if (skip == 2u) { words = vec4u(words.zw, next.xy); }
    if (skip == 3u) { words = vec4u(words.w, next.xyz); }
  }
  return select(vec4f(), vec4f(params.dropScale), (words >> vec4u(8u)) >= vec4u(params.dropThreshold));
}

fn finishNn(row: u32, rows: u32, column: u32, a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f) {
  if (row >= params.m || column >= params.n) { return; }
  let endColumn = min(column + 4u, params.n);
  let r = params.rank;
  let last = params.n - 1u;
  let end = min(row + rows, params.m);
  for (var i = row; i < end; i++) {
    var delta = vec4f();
    var at = 0u;
    for (var j = 0u; j < r; j++) {
      let a = vec4f(
        factor[at + column],
        factor[at + min(column + 1u, last)],
        factor[at + min(column + 2u, last)],
        factor[at + min(column + 3u, last)],
      );
      delta += h[i * r + j] * a;
      at += params.n;
    }
    if (params.dropThreshold > 0u) { delta *= dropMask4((params.row0 + i) * params.n + column); }
    let sum = rowOf(i - row, a0, a1, a2, a3) + delta;
    for (var c = column; c < endColumn; c++) {
      let place = i * params.ldy + params.yColumn + c;
      var value = componentOf(c - column, sum);
      if (params.accumulate != 0u) { value += y[place]; }
      y[place] = value;
    }
  }
}

// ---- ROWS x 4 in registers ------------------------------------------------------------------------------------------

// Invocations side by side in a row of a workgroup's tile: 32x32 outputs, or 1x256.
const LANES: u32 = select(8u, 64u, ROWS == 1u);

@compute @workgroup_size(64)
fn ntRegister(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = group.y * groups.x + group.x;
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  // Where each row of x begins; rows beyond the last repeat it.
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let lastColumn = params.n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let kQuads = k >> 2u;
    let w0 = column * kQuads; let w1 = column1 * kQuads; let w2nd = column2 * kQuads; let w3 = column3 * kQuads;
    for (var i = 0u; i < kQuads; i++) {
      let wa = weight4(w0 + i); let wb = weight4(w1 + i); let wc = weight4(w2nd + i); let wd = weight4(w3 + i);
      var v = vec4f();
      v = x4[q0 + i]; a0 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
      if (ROWS > 1u) {
        v = x4[q1 + i]; a1 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        v = x4[q2 + i]; a2 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
        v = x4[q3 + i]; a3 += vec4f(dot(v, wa), dot(v, wb), dot(v, wc), dot(v, wd));
      }
    }
  } else {
    for (var i = 0u; i < k; i++) {
      let wk = vec4f(weight1(column * k + i), weight1(column1 * k + i), weight1(column2 * k + i), weight1(column3 * k + i));
      a0 += x[row0 + i] * wk;
      if (ROWS > 1u) {
        a1 += x[row1 + i] * wk;
        a2 += x[row2 + i] * wk;
        a3 += x[row3 + i] * wk;
      }
    }
  }
  finishNt(row, ROWS, column, a0, a1, a2, a3);
}

@compute @workgroup_size(64)
fn nnRegister(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tilesN = (params.n + 4u * LANES - 1u) / (4u * LANES);
  let tile = group.y * groups.x + group.x;
  let row = ((tile / tilesN) * (64u / LANES) + local / LANES) * ROWS;
  let column = ((tile % tilesN) * LANES + local % LANES) * 4u;
  if (row >= params.m || column >= params.n) { return; }
  let k = params.k;
  let last = params.m - 1u;
  let begin = params.xColumn;
  // Where each row of x begins; rows beyond the last repeat it.
  let row0 = row * params.ldx + begin;
  let row1 = min(row + 1u, last) * params.ldx + begin;
  let row2 = min(row + 2u, last) * params.ldx + begin;
  let row3 = min(row + 3u, last) * params.ldx + begin;
  let n = params.n;
  let lastColumn = n - 1u;
  let column1 = min(column + 1u, lastColumn);
  let column2 = min(column + 2u, lastColumn);
  let column3 = min(column + 3u, lastColumn);
  var i = 0u;
  var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
  if (VEC) {
    let q0 = row0 >> 2u; let q1 = row1 >> 2u; let q2 = row2 >> 2u; let q3 = row3 >> 2u;
    let nQuads = n >> 2u;
    let kQuads = k >> 2u;
    var at = column >> 2u;
    for (var j = 0u; j < kQuads; j++) {
      let wa = weight4(at); let wb = weight4(at + nQuads); let wc = weight4(at + 2u * nQuads); let wd = weight4(at + 3u * nQuads);
      at += 4u * nQuads;
      var v = vec4f();
      v = x4[q0 + j]; a0 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
      if (ROWS > 1u) {
        v = x4[q1 + j]; a1 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
        v = x4[q2 + j]; a2 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
        v = x4[q3 + j]; a3 += v.x * wa + v.y * wb + v.z * wc + v.w * wd;
      }
    }
    i = 4u * kQuads;
  }
  for (; i < k; i++) {
    let at = i * n;
    let wk = vec4f(weight1(at + column), weight1(at + column1), weight1(at + column2), weight1(at + column3));
    a0 += x[row0 + i] * wk;
    if (ROWS > 1u) {
      a1 += x[row1 + i] * wk;
      a2 += x[row2 + i] * wk;
      a3 += x[row3 + i] * wk;
    }
  }
  finishNn(row, ROWS, column, a0, a1, a2, a3);
}
