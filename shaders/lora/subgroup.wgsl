// The skinny products of skinny.wgsl on a software adapter that computes four invocations side by side
// (matmul/subgroup.wgsl says why). Memory rule: h is assigned, a parameter's gradient is added to.
//
// The small side is the same for all four invocations of a subgroup, which each load a quarter of it and take the rest
// from their neighbours' registers (quadBroadcast). Needs VEC and subgroups of exactly four; thread counts are
// multiples of four.

import package::common::grid::{Grid, groupIndex};
import package::lora::operands::{TRANSPOSED, params, s4, dropped4, droppedQuad, ranks4};
import package::lora::operands::{Sums, Quads, plusOuter, dots, storeRows, addColumns};

enable subgroups;
// Which invocations are active is uniform in a subgroup by the layout, which WGSL's analysis, being one of whole
// workgroups, cannot see.
diagnostic(off, subgroup_uniformity);

const DOWN_THREADS: u32 = 16u;
const REDUCE_THREADS: u32 = 16u;

// Eight ranks of four rows or columns.
struct Block { low: Sums, high: Sums }

// One value of each row or column times eight ranks.
fn plusBlock(block: Block, v: vec4f, low: vec4f, high: vec4f) -> Block {
  return Block(plusOuter(block.low, v, low), plusOuter(block.high, v, high));
}

// Four values of each row times the four ranks that the subgroup's invocations have one each.
fn plusDots(sums: Sums, rows: Quads, own: vec4f) -> Sums {
  return Sums(
    sums.a0 + dots(rows, quadBroadcast(own, 0u)),
    sums.a1 + dots(rows, quadBroadcast(own, 1u)),
    sums.a2 + dots(rows, quadBroadcast(own, 2u)),
    sums.a3 + dots(rows, quadBroadcast(own, 3u)),
  );
}

@compute @workgroup_size(DOWN_THREADS)
fn down(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let flat = groupIndex(grid) * DOWN_THREADS + local;
  // Blocks of four rows, four to a subgroup, so that the whole subgroup has the same ranks.
  let blocks = ((params.rows + 15u) / 16u) * 4u;
  let t = (flat % blocks) * 4u;
  let j = (flat / blocks) * 8u;
  if (j >= params.rank) { return; }
  let lastRank = params.rank - 1u;
  let quarter = params.width >> 2u;
  let z = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(params.rows - 1u)) * quarter;
  let lowAt = min(j + lane, lastRank) * quarter;
  let highAt = min(j + 4u + lane, lastRank) * quarter;
  var sums = Block();
  for (var k = 0u; k < quarter; k++) {
    let v = Quads(droppedQuad(z.x + k), droppedQuad(z.y + k), droppedQuad(z.z + k), droppedQuad(z.w + k));
    if (TRANSPOSED) {
      // Rows 4 k .. 4 k + 3 of B, one of them loaded here.
      let low = ranks4(4u * k + lane, j);
      let high = ranks4(4u * k + lane, j + 4u);
      sums = plusBlock(sums, vec4f(v.a.x, v.b.x, v.c.x, v.d.x), quadBroadcast(low, 0u), quadBroadcast(high, 0u));
      sums = plusBlock(sums, vec4f(v.a.y, v.b.y, v.c.y, v.d.y), quadBroadcast(low, 1u), quadBroadcast(high, 1u));
      sums = plusBlock(sums, vec4f(v.a.z, v.b.z, v.c.z, v.d.z), quadBroadcast(low, 2u), quadBroadcast(high, 2u));
      sums = plusBlock(sums, vec4f(v.a.w, v.b.w, v.c.w, v.d.w), quadBroadcast(low, 3u), quadBroadcast(high, 3u));
    } else {
      // Quad k of rows j .. j + 7 of A, two of them loaded here.
      sums = Block(plusDots(sums.low, v, s4[lowAt + k]), plusDots(sums.high, v, s4[highAt + k]));
    }
  }
  storeRows(t, j, sums.low, sums.high);
}

@compute @workgroup_size(REDUCE_THREADS)
fn reduce(grid: Grid, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let columnGroups = (((params.width + 3u) / 4u) + REDUCE_THREADS - 1u) / REDUCE_THREADS;
  let flat = groupIndex(grid);
  let d = ((flat % columnGroups) * REDUCE_THREADS + local) * 4u;
  let j = (flat / columnGroups) * 8u;
  if (j >= params.rank) { return; }
  let column = min(d, params.width - 4u);
  let last = params.rows - 1u;
  var sums = Block();
  for (var t = 0u; t < params.rows; t += 4u) {
    // Rows beyond the last weigh nothing.
    let inside = f32(t + lane < params.rows);
    let low = inside * ranks4(min(t + lane, last), j);
    let high = inside * ranks4(min(t + lane, last), j + 4u);
    sums = plusBlock(sums, dropped4(t, column), quadBroadcast(low, 0u), quadBroadcast(high, 0u));
    sums = plusBlock(sums, dropped4(min(t + 1u, last), column), quadBroadcast(low, 1u), quadBroadcast(high, 1u));
    sums = plusBlock(sums, dropped4(min(t + 2u, last), column), quadBroadcast(low, 2u), quadBroadcast(high, 2u));
    sums = plusBlock(sums, dropped4(min(t + 3u, last), column), quadBroadcast(low, 3u), quadBroadcast(high, 3u));
  }
  addColumns(d, j, sums.low, sums.high);
}
