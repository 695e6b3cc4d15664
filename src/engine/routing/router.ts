/**
 * @file Which kernel makes a product: the built-in choice, or the one that was fastest when this device was measured.
 *
 *     problem  = form, type of the frozen weight, m×n×k          (the number of tokens rounded up to a power of two)
 *     choose   = what was measured for the problem, else the first candidate
 *     unmeasured: every problem that was met with more than one candidate and no measurement  ▸ measure.ts, when the device is idle
 *
 * Kernels add up in different orders, so another choice changes results in the last digits. A run therefore works with a router that is
 * fixed to what was known when it began (`withFixedRoutes`), and so does its resumption.
 */

import type { DType } from "../tensor.ts";

/**
 * Kernels of products.
 *
 *     register        4x4 outputs an invocation (1x4 for a single row), no shared memory
 *     subgroup        16x8 outputs an invocation, rows shared by subgroups of four
 *     shared          tiles of 64x64 in shared memory, 256 invocations; skinny products: 64 invocations share a block
 *     portable        tiles of 32x32 in shared memory, 64 invocations
 *     split           the same, with k split among four times as many
 *     vector          few rows: 64 invocations split k for 4 columns
 *     subgroup_matrix tiles of 64x64, multiplied by subgroups as 8x8 matrices
 */
export const PRODUCT_KERNELS = [
  "register",
  "subgroup",
  "shared",
  "portable",
  "split",
  "vector",
  "subgroup_matrix",
] as const;
export type ProductKernel = (typeof PRODUCT_KERNELS)[number];

/**
 *     nt          y[m,n] = Σ_k x[m,k] W[n,k]       a layer's output
 *     nn          y[m,n] = Σ_k x[m,k] W[k,n]       the gradient of its input
 *     down        h = x Aᵀ          [T,r] of [T,k]
 *     hidden      ∂h = ∂y B         [T,r] of [T,k]
 *     gradientA   ∂A = ∂hᵀ x        [r,n] of T
 *     gradientB   ∂B = ∂yᵀ h        [m,r] of T
 */
export const PRODUCT_FORMS = ["nt", "nn", "down", "hidden", "gradientA", "gradientB"] as const;
export type ProductForm = (typeof PRODUCT_FORMS)[number];

/** A product as the router sees it; `dtype` of the frozen weight, f32 where there is none. */
export interface Problem {
  readonly form: ProductForm;
  readonly dtype: DType;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** In order of the built-in preference; never empty. */
export type Candidates = readonly [ProductKernel, ...ProductKernel[]];

/** ms that each kernel took for one problem; a kernel that did not compile or run here is missing. */
export type Timings = { readonly [kernel in ProductKernel]?: number | undefined };

export interface Route {
  readonly problem: Problem;
  readonly kernel: ProductKernel;
  readonly ms: Timings;
}

/** Routes by the key of their problem, as they are stored. */
export type RouteTable = Readonly<Record<string, Route>>;

/** A problem that waits for its measurement. */
export interface PendingProblem {
  readonly problem: Problem;
  readonly candidates: Candidates;
}

/** A challenger has to be this much faster than the built-in choice, or timings that scatter would decide. */
const NEEDED_GAIN = 1.1;

/** The problem with its number of tokens rounded up to a power of two: packed batches differ a little from step to step. */
export function roundTokens(problem: Problem): Problem {
  const up = (tokens: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, tokens)));
  if (problem.form === "gradientA" || problem.form === "gradientB") return { ...problem, k: up(problem.k) };
  return { ...problem, m: up(problem.m) };
}

/** "nt bf16 256×576×576" */
export function problemKey({ form, dtype, m, n, k }: Problem): string {
  return `${form} ${dtype} ${m}×${n}×${k}`;
}

/** The fastest kernel, or the built-in one where nothing is clearly faster. @throws Error when nothing was timed */
export function fastest([builtIn, ...others]: Candidates, ms: Timings): ProductKernel {
  let best = builtIn;
  let least = (ms[builtIn] ?? Infinity) / NEEDED_GAIN;
  for (const kernel of others) {
    const time = ms[kernel] ?? Infinity;
    if (time < least) [best, least] = [kernel, time];
  }
  return best;
}

export class Router {
  readonly #routes = new Map<string, Route>();
  readonly #chosen = new Map<string, ProductKernel>();
  /** Shared by all routers of a device, so that what a run meets is measured after it. */
  readonly #waiting: Map<string, PendingProblem>;

  constructor(waiting = new Map<string, PendingProblem>()) {
    this.#waiting = waiting;
  }

  /** The kernel for a problem. Remembers the problem where there was a choice and no measurement. */
  choose(exact: Problem, candidates: Candidates): ProductKernel {
    const [builtIn, ...others] = candidates;
    const problem = roundTokens(exact);
    const key = problemKey(problem);
    const route = this.#routes.get(key);
    if (!route && others.length > 0) this.#waiting.set(key, { problem, candidates });
    // A table may come from another device or an older version.
    const kernel = route && candidates.includes(route.kernel) ? route.kernel : builtIn;
    this.#chosen.set(key, kernel);
    return kernel;
  }

  /** What this router answered last, by the key of the problem. */
  get chosen(): ReadonlyMap<string, ProductKernel> {
    return this.#chosen;
  }

  /** What waits for a measurement, most work first. */
  get pending(): readonly PendingProblem[] {
    const work = ({ problem: { m, n, k } }: PendingProblem): number => m * n * k;
    return [...this.#waiting.values()]
      .filter(({ problem }) => !this.#routes.has(problemKey(problem)))
      .sort((a, b) => work(b) - work(a));
  }

  record({ problem, candidates }: PendingProblem, ms: Timings): Route {
    const route: Route = { problem, kernel: fastest(candidates, ms), ms };
    this.#routes.set(problemKey(problem), route);
    this.#waiting.delete(problemKey(problem));
    return route;
  }

  get table(): RouteTable {
    return Object.fromEntries(this.#routes);
  }

  /** Take over stored routes. */
  load(table: RouteTable): void {
    for (const route of Object.values(table)) this.#routes.set(problemKey(route.problem), route);
  }

  /** Forget all measurements: the built-in choices hold, and what is met is measured anew. */
  clear(): void {
    this.#routes.clear();
    this.#waiting.clear();
  }

  /** A router that keeps to these routes whatever is measured meanwhile; problems that it meets wait here. */
  withFixedRoutes(table: RouteTable): Router {
    const router = new Router(this.#waiting);
    router.load(table);
    return router;
  }
}
