/** @file The router's table: what it chooses, what it remembers, and what a fixed router keeps to. */

import { describe, expect, it } from "vitest";
import { type MatmulProblem, problemKey, roundTokens } from "../../../src/engine/routing/problem.ts";
import { Router, fastest } from "../../../src/engine/routing/router.ts";

const problem: MatmulProblem = { form: "nt", dtype: "bf16", m: 256, n: 576, k: 576 };

describe("the router", () => {
  it("takes the first candidate until something was measured", () => {
    const router = new Router();
    expect(router.choose(problem, ["shared", "register"])).toBe("shared");
    const [waiting] = router.pending;
    if (!waiting) throw new Error("the problem was not remembered");
    router.record(waiting, { shared: 2, register: 1 });
    expect(router.choose(problem, ["shared", "register"])).toBe("register");
    expect(router.pending).toEqual([]);
  });

  it("rounds the number of tokens up to a power of two, whichever side it is", () => {
    expect(problemKey(roundTokens({ ...problem, m: 200 }))).toBe("nt bf16 256×576×576");
    expect(problemKey(roundTokens({ ...problem, m: 1 }))).toBe("nt bf16 1×576×576");
    expect(problemKey(roundTokens({ form: "gradientA", dtype: "f32", m: 8, n: 576, k: 257 }))).toBe(
      "gradientA f32 8×576×512",
    );
    expect(problemKey(roundTokens({ form: "gradientB", dtype: "f32", m: 576, n: 8, k: 100 }))).toBe(
      "gradientB f32 576×8×128",
    );
  });

  it("remembers nothing where there is no choice", () => {
    const router = new Router();
    expect(router.choose(problem, ["register"])).toBe("register");
    expect(router.pending).toEqual([]);
  });

  it("puts the most work first", () => {
    const router = new Router();
    router.choose({ ...problem, n: 8 }, ["shared", "register"]);
    router.choose(problem, ["shared", "register"]);
    expect(router.pending.map((waiting) => waiting.problem.n)).toEqual([576, 8]);
  });

  it("keeps the built-in choice against less than a tenth, and where a kernel did not run", () => {
    expect(fastest(["shared", "register"], { shared: 1, register: 0.92 })).toBe("shared");
    expect(fastest(["shared", "register"], { shared: 1, register: 0.9 })).toBe("register");
    expect(fastest(["shared", "register", "subgroup"], { shared: 1, register: 0.8, subgroup: 0.7 })).toBe("subgroup");
    expect(fastest(["shared", "register"], { register: 5 })).toBe("register");
    expect(fastest(["shared", "register"], {})).toBe("shared");
  });

  it("ignores a route to a kernel that this product cannot have", () => {
    const router = new Router();
    const key = problemKey(problem);
    router.load({ [key]: { problem, kernel: "subgroup", ms: { subgroup: 1 } } });
    expect(router.choose(problem, ["shared", "register"])).toBe("shared");
  });

  it("fixed to a table, it keeps to it while the device is measured, and what it meets waits there", () => {
    const router = new Router();
    const fixed = router.withFixedRoutes({});
    expect(fixed.choose(problem, ["shared", "register"])).toBe("shared");
    const [waiting] = router.pending;
    if (!waiting) throw new Error("what the fixed router met does not wait");
    router.record(waiting, { shared: 2, register: 1 });
    expect(router.choose(problem, ["shared", "register"])).toBe("register");
    expect(fixed.choose(problem, ["shared", "register"])).toBe("shared");
    expect(router.withFixedRoutes(router.table).choose(problem, ["shared", "register"])).toBe("register");
  });

  it("is as new after forgetting", () => {
    const router = new Router();
    router.load({ [problemKey(problem)]: { problem, kernel: "register", ms: { shared: 2, register: 1 } } });
    router.clear();
    expect(router.table).toEqual({});
    expect(router.choose(problem, ["shared", "register"])).toBe("shared");
    expect(router.pending).toHaveLength(1);
  });
});
