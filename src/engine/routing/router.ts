/**
 * @file Which kernel computes a matmul: the built-in choice, or the one that was fastest when this device was measured.
 *
 *     problem  = form, type of the frozen weight, m×n×k          (the number of tokens rounded up to a power of two)
 *     choose   = what was measured for the problem, else the first candidate
 *     pending  = every problem with more than one candidate and no measurement  ▸ measure.ts, when the device is idle
 *
 * Kernels add up in different orders, so another choice changes results in the last digits. A run therefore works with
 * a router that is fixed to what was known when it began (`withFixedRoutes`), and so does its resumption.
 */

import { type MatmulProblem, problemKey, roundTokens } from "./problem.ts";

/** Names of matmul kernels (matmul/registry.ts), the built-in choice first; never empty. */
export type Candidates = readonly [string, ...string[]];

/** ms that each kernel took for one problem, by name; a kernel that did not compile or run here is missing. */
export type Timings = { readonly [kernel in string]?: number | undefined };

export interface Route {
  readonly problem: MatmulProblem;
  readonly kernel: string;
  readonly ms: Timings;
}

/** Routes by the key of their problem, as they are stored. */
export type RouteTable = Readonly<Record<string, Route>>;

/** A problem that waits for its measurement. */
export interface PendingProblem {
  readonly problem: MatmulProblem;
  readonly candidates: Candidates;
}

/** A challenger has to be this much faster than the built-in choice, or timings that scatter would decide. */
const NEEDED_GAIN = 1.1;

/** The fastest kernel, or the built-in one where nothing is clearly faster or nothing was timed. */
export function fastest([builtIn, ...others]: Candidates, ms: Timings): string {
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
  readonly #chosen = new Map<string, string>();
  /** Shared by all routers of a device, so that the problems of a run are measured after it. */
  readonly #pending: Map<string, PendingProblem>;

  constructor(pending = new Map<string, PendingProblem>()) {
    this.#pending = pending;
  }

  /** The kernel for a problem. Remembers the problem where there was a choice and no measurement. */
  choose(exact: MatmulProblem, candidates: Candidates): string {
    const [builtIn, ...others] = candidates;
    const problem = roundTokens(exact);
    const key = problemKey(problem);
    const route = this.#routes.get(key);
    if (!route && others.length > 0) this.#pending.set(key, { problem, candidates });
    // A table may come from another device or an older version.
    const kernel = route && candidates.includes(route.kernel) ? route.kernel : builtIn;
    this.#chosen.set(key, kernel);
    return kernel;
  }

  /** What this router answered last, by the key of the problem. */
  get chosen(): ReadonlyMap<string, string> {
    return this.#chosen;
  }

  /** What waits for a measurement, most work first. */
  get pending(): readonly PendingProblem[] {
    const work = ({ problem: { m, n, k } }: PendingProblem): number => m * n * k;
    return [...this.#pending.values()]
      .filter(({ problem }) => !this.#routes.has(problemKey(problem)))
      .sort((a, b) => work(b) - work(a));
  }

  record({ problem, candidates }: PendingProblem, ms: Timings): Route {
    const route: Route = { problem, kernel: fastest(candidates, ms), ms };
    this.#routes.set(problemKey(problem), route);
    this.#pending.delete(problemKey(problem));
    return route;
  }

  get table(): RouteTable {
    return Object.fromEntries(this.#routes);
  }

  /** Add stored routes. */
  load(table: RouteTable): void {
    for (const route of Object.values(table)) this.#routes.set(problemKey(route.problem), route);
  }

  /** Forget all measurements: the built-in choices hold, and every problem is measured anew. */
  clear(): void {
    this.#routes.clear();
    this.#pending.clear();
  }

  /** A router that keeps to these routes whatever is measured meanwhile; its new problems wait here. */
  withFixedRoutes(table: RouteTable): Router {
    const router = new Router(this.#pending);
    router.load(table);
    return router;
  }
}
