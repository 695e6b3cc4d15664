// cache[slots[t],:] = x[t,:] for every token t whose slot is not SKIPPED_CACHE_ROW.
//
// Slots of one call are distinct; those past the last row are not written.
// Memory rule: the cache keeps every row that no token names.

import package::common::grid::{Grid, groupIndex};
import host::{Params, SKIPPED_CACHE_ROW};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // [tokens, width]
@group(0) @binding(2) var<storage, read> slots: array<u32>;        // [tokens]
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;  // [rows, width]

@compute @workgroup_size(256)
fn cache_write(grid: Grid, @builtin(local_invocation_index) local: u32) {
  let i = groupIndex(grid) * 256u + local;
  if (i >= params.tokens * params.width) { return; }
  let slot = slots[i / params.width];
  if (slot != SKIPPED_CACHE_ROW && slot < params.rows) { cache[slot * params.width + i % params.width] = x[i]; }
}
