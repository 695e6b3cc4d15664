// What LoRA's skinny products read and write; rank r. The maths stands in skinny.wgsl.
//
// An invocation owns 8 ranks of 4 rows (down) or 4 columns (reduce), so a dropout mask is made once per 8 ranks.
// VEC: width is a multiple of 4. RANK_VEC: r is. DROPOUT: something is dropped; as a constant, because a branch in the
// loop, though all invocations take it alike, costs SwiftShader more than the loop's products.

import package::common::dropout::{pcg4d, dropMask};
import package::common::select::{vectorOf, componentOf};
import host::{Params, BATCH_SEED, BATCH_COUNTER};

const TRANSPOSED: bool = false;
const VEC: bool = true;
const RANK_VEC: bool = true;
const DROPOUT: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;        // [rows, width]
@group(0) @binding(2) var<storage, read> z4: array<vec4f>;     // the same
@group(0) @binding(3) var<storage, read> s: array<f32>;        // down: [r, width], or [width, r]; reduce: [rows, r]
@group(0) @binding(4) var<storage, read> s4: array<vec4f>;     // the same
@group(0) @binding(5) var<storage, read> batch: array<u32>;    // engine/batchScalars.ts
@group(0) @binding(6) var<storage, read_write> h: array<f32>;  // down: [rows, r]; reduce: [r, width], or [width, r]

// ---- z, with its dropout --------------------------------------------------------------------------------------------

// The hash of four neighbours of the module's whole input.
fn dropWords(quad: u32) -> vec4u {
  return pcg4d(vec4u(batch[BATCH_SEED], batch[BATCH_COUNTER], params.stream, quad));
}

// drop(z)[t, i]; i is clamped to the row.
fn dropped1(t: u32, i: u32) -> f32 {
  let at = t * params.width + min(i, params.width - 1u);
  if (!DROPOUT) { return z[at]; }
  let index = params.row0 * params.width + at;
  let bits = dropWords(index >> 2u)[index & 3u] >> 8u;
  return z[at] * select(0.0, params.dropScale, bits >= params.dropThreshold);
}

// Of the four elements with number 4 quad in this dispatch (width is a multiple of 4).
fn dropMask4(quad: u32) -> vec4f {
  return dropMask(dropWords(((params.row0 * params.width) >> 2u) + quad), params.dropThreshold, params.dropScale);
}

// drop(z) of four elements, by their number.
fn droppedQuad(quad: u32) -> vec4f {
  if (!DROPOUT) { return z4[quad]; }
  return z4[quad] * dropMask4(quad);
}

// drop(z)[t, i .. i+3]; with VEC, i is a multiple of 4.
fn dropped4(t: u32, i: u32) -> vec4f {
  if (!VEC) { return vec4f(dropped1(t, i), dropped1(t, i + 1u), dropped1(t, i + 2u), dropped1(t, i + 3u)); }
  return droppedQuad((t * params.width + i) >> 2u);
}

// ---- s
// ----------------------------------------------------------------------------------------------------------------

// Four ranks j .. j+3 of row t of a [*, r] matrix; ranks beyond the last repeat it.
fn ranks4(t: u32, j: u32) -> vec4f {
  let at = t * params.rank;
  if (RANK_VEC) { return s4[(at + min(j, params.rank - 4u)) >> 2u]; }
  let last = params.rank - 1u;
  return vec4f(s[at + min(j, last)], s[at + min(j + 1u, last)], s[at + min(j + 2u, last)], s[at + min(j + 3u, last)]);
}

// ---- sums
// -------------------------------------------------------------------------------------------------------------

// Four ranks of four rows or columns.
struct Sums { a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f }

// One value of each row or column times four ranks.
fn plusOuter(sums: Sums, v: vec4f, ranks: vec4f) -> Sums {
  return Sums(sums.a0 + v * ranks.x, sums.a1 + v * ranks.y, sums.a2 + v * ranks.z, sums.a3 + v * ranks.w);
}

// Four values of four rows times those of a rank.
struct Quads { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn dots(rows: Quads, rank: vec4f) -> vec4f {
  return vec4f(dot(rows.a, rank), dot(rows.b, rank), dot(rows.c, rank), dot(rows.d, rank));
}

// ---- stores
// -----------------------------------------------------------------------------------------------------------

fn rankOf(i: u32, low: Sums, high: Sums) -> vec4f {
  let a = vectorOf(i, low.a0, low.a1, low.a2, low.a3);
  let b = vectorOf(i - 4u, high.a0, high.a1, high.a2, high.a3);
  return select(a, b, i >= 4u);
}

// Assigns eight ranks of the rows t .. t+3 of h.
fn storeRows(t: u32, j: u32, low: Sums, high: Sums) {
  let endRank = min(j + 8u, params.rank);
  let endRow = min(t + 4u, params.rows);
  for (var rank = j; rank < endRank; rank++) {
    let sum = rankOf(rank - j, low, high);
    for (var row = t; row < endRow; row++) { h[row * params.rank + rank] = componentOf(row - t, sum) * params.scale; }
  }
}

fn addGradient(j: u32, d: u32, sum: f32) {
  if (j >= params.rank || d >= params.width) { return; }
  let at = select(j * params.width + d, d * params.rank + j, TRANSPOSED);
  h[at] += sum * params.scale;
}

// Adds eight ranks of the columns d .. d+3 to the gradient.
fn addColumns(d: u32, j: u32, low: Sums, high: Sums) {
  let endRank = min(j + 8u, params.rank);
  let endColumn = min(d + 4u, params.width);
  for (var rank = j; rank < endRank; rank++) {
    let sum = rankOf(rank - j, low, high);
    for (var column = d; column < endColumn; column++) { addGradient(rank, column, componentOf(column - d, sum)); }
  }
}
