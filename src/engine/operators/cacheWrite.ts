/**
 * @file Keys and values of new tokens go to their rows of a cache that outlives the program: cache[slots[t]] = x[t].
 *
 * The returned tensor is the cache itself (kind "input"), so whoever reads it afterwards comes later in the schedule.
 */

import type { Graph, Operator } from "../graph.ts";
import { cacheWriteFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";

interface CacheWriteAttributes {
  readonly x: Tensor;
  readonly cache: Tensor;
  readonly slots: Tensor;
}

/** x [T, c], cache [S, c] of kind "input", slots u32[T] (distinct, below S, or SKIPPED_CACHE_ROW). Returns the cache. */
export function cacheWrite(graph: Graph, x: Tensor, cache: Tensor, slots: Tensor): Tensor {
  if (cache.kind !== "input" || cache.shape[1] !== x.shape[1]) {
    throw new Error(
      `${x.name} [${x.shape.join(", ")}] does not go into ${cache.kind} ${cache.name} [${cache.shape.join(", ")}]`,
    );
  }
  graph.add(cacheWriteOperator, { x, cache, slots }, [x, slots], [cache]);
  return cache;
}

const cacheWriteOperator: Operator<CacheWriteAttributes> = {
  name: "cacheWrite",
  encode: ({ attributes: { x, cache, slots } }, encoder) => {
    const width = x.shape[1] ?? 1;
    for (const tokens of encoder.ranges(x, slots)) {
      for (const part of encoder.ranges(cache)) {
        encoder.dispatch({
          family: cacheWriteFamily,
          entry: "cache_write",
          bindings: {
            x: encoder.rows(x, tokens),
            slots: encoder.rows(slots, tokens),
            cache: encoder.rows(cache, part),
          },
          params: { tokens: tokens.rows, width, first: part.row, rows: part.rows },
          groups: (tokens.rows * width) / 256,
        });
      }
    }
  },
};
