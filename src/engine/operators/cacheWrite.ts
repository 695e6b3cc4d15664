/**
 * @file Writes the keys or values of new tokens to their rows of a cache that outlives the program:
 * cache[cacheRows[t]] = x[t].
 *
 * The returned tensor is the cache itself (kind "input"), so that its readers come later in the schedule. The cache is
 * bound whole, as attention binds it.
 */

import type { Graph, Operator } from "../graph.ts";
import { cacheWriteFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";

interface CacheWriteAttributes {
  /** [T, c] */
  readonly x: Tensor;
  /** [S, c] */
  readonly cache: Tensor;
  /** u32[T] */
  readonly cacheRows: Tensor;
}

/**
 * @param x [T, c]
 * @param cache [S, c], of kind "input"
 * @param cacheRows u32[T]: distinct and below S, or SKIPPED_CACHE_ROW (marks.ts)
 * @returns the cache
 * @throws Error when the shapes do not fit
 */
export function cacheWrite(graph: Graph, x: Tensor, cache: Tensor, cacheRows: Tensor): Tensor {
  if (cache.kind !== "input" || cache.shape[1] !== x.shape[1]) {
    throw new Error(
      `${x.name} [${x.shape.join(", ")}] does not go into ${cache.kind} ${cache.name} [${cache.shape.join(", ")}]`,
    );
  }
  graph.add(cacheWriteOperator, { x, cache, cacheRows }, [x, cacheRows], [cache]);
  return cache;
}

const cacheWriteOperator: Operator<CacheWriteAttributes> = {
  name: "cacheWrite",
  encode: ({ attributes: { x, cache, cacheRows } }, encoder) => {
    const width = x.shape[1] ?? 1;
    for (const tokens of encoder.ranges(x, cacheRows)) {
      encoder.dispatch({
        family: cacheWriteFamily,
        entry: "cache_write",
        bindings: {
          x: encoder.rows(x, tokens),
          slots: encoder.rows(cacheRows, tokens),
          cache: encoder.whole(cache),
        },
        params: { tokens: tokens.rows, width, rows: cache.shape[0] ?? 1 },
        groups: (tokens.rows * width) / 256,
      });
    }
  },
};
