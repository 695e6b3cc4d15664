/**
 * @file Lisa's proximal term on a device: value and gradient against f64 and finite differences, and when it counts.
 */

import { describe, expect, it } from "vitest";
import { STATS } from "../../src/engine/batchScalars.ts";
import { testGpu } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import { normals, randomMatrix, relativeError } from "./reference.ts";
import { type MethodRun, type Subject, adapted, startMethod } from "./support.ts";

const RHO = 0.7;

function subject(path: string, out: number, inn: number, r: number, seed: number): Subject {
  const random = normals(seed);
  const values = (rows: number, columns: number): Float32Array =>
    Float32Array.from(randomMatrix(rows, columns, random).data);
  const weight = values(out, inn);
  return {
    module: adapted(path, out, inn, r, 2),
    aligned: weight,
    unaligned: weight,
    a: values(r, inn),
    b: values(out, r),
  };
}

const subjects = [subject("q", 13, 21, 3, 1), subject("k", 7, 21, 3, 2), subject("down", 21, 70, 8, 3)];

/** Moves every value by noise; returns the new ones. */
function move({ parameters }: MethodRun, seed: number): Map<string, Float32Array> {
  const random = normals(seed);
  const moved = new Map<string, Float32Array>();
  for (const { module, a, b } of subjects) {
    for (const [name, values] of [
      [module.a, a],
      [module.b, b],
    ] as const) {
      const next = values.map((value) => value + 0.3 * random());
      parameters.write("values", name, next);
      moved.set(name, next);
    }
  }
  return moved;
}

/** rho/2 ‖w - centre‖² of one tensor. */
function value(w: Float64Array, centre: Float32Array): number {
  return (RHO / 2) * w.reduce((sum, x, i) => sum + (x - (centre[i] ?? 0)) ** 2, 0);
}

describe("the proximal term", () => {
  // Ranges of 320 floats, so that a module lies in three.
  it.each([{}, { maxBinding: 1280 }])(
    "has the value and the gradient of rho/2 ‖w - centre‖², the centre being where the state began %o",
    async (limits) => {
      const run = await startMethod(
        await testGpu(limits),
        { name: "lisa", rho: RHO, alignment_steps: 3, user_steps: 5, proximal_from: 0 },
        subjects,
      );
      const info = { totalSteps: 20 };
      run.prepared.steps?.before({ ...info, step: 0, stream: "safety" });
      move(run, 11);
      run.prepared.steps?.before({ ...info, step: 1, stream: "safety" });
      // A new state: its centre is what stands now.
      const centre = move(run, 12);
      run.prepared.steps?.before({ ...info, step: 3, stream: "user" });
      const moved = move(run, 13);
      run.prepared.steps?.before({ ...info, step: 4, stream: "user" });
      await run.step();
      const [stats, gradients] = [await run.stats(), await run.gradients()];
      let total = 0;
      subjects.forEach(({ module }, index) => {
        let own = 0;
        for (const name of [module.a, module.b]) {
          const [w, from] = [Float64Array.from(moved.get(name) ?? []), centre.get(name) ?? new Float32Array()];
          own += value(w, from);
          const numeric = w.map((x, i) => {
            const at = (shift: number): number => value(w.with(i, x + shift), from);
            return (at(1e-4) - at(-1e-4)) / 2e-4;
          });
          expect(relativeError(gradients.get(name) ?? [], numeric), name).toBeLessThan(1e-6);
          expect(
            relativeError(
              gradients.get(name) ?? [],
              w.map((x, i) => RHO * (x - (from[i] ?? 0))),
            ),
            name,
          ).toBeLessThan(1e-6);
        }
        // Before its weight, as every penalty.
        expect((stats[STATS.modules + index] ?? NaN) / (own / RHO)).toBeCloseTo(1, 6);
        total += own / RHO;
      });
      expect((stats[STATS.penalty] ?? NaN) / total).toBeCloseTo(1, 6);
      const log = (await run.prepared.report()) as { modules: { penalty: number }[] };
      expect(log.modules.reduce((sum, { penalty }) => sum + penalty, 0) / total).toBeCloseTo(1, 6);
      expect(run.prepared.bytes).toBe(run.plannedBytes);
      run.destroy();
    },
  );

  it("is 0 where a state begins, and does not count in the first share of the steps", async () => {
    const run = await startMethod(await testGpu(), { name: "lisa", rho: RHO, proximal_from: 0.1 }, subjects);
    const counted: boolean[] = [];
    for (const step of [0, 1, 2, 3]) {
      run.prepared.steps?.before({ step, totalSteps: 20, stream: "user" });
      move(run, 20 + step);
      await run.step();
      counted.push([...(await run.gradients()).values()].some((values) => values.some((x) => x !== 0)));
      expect((await run.stats())[STATS.penalty] === 0).toBe(!counted.at(-1));
    }
    // As in the released code: in steps beyond a tenth of 20.
    expect(counted).toEqual([false, false, false, true]);
    run.prepared.steps?.before({ step: 4, totalSteps: 20, stream: "safety" });
    await run.step();
    expect((await run.stats()).every((x) => x === 0)).toBe(true);
    run.destroy();
  });

  it("adds to gradients that are already there", async () => {
    const run = await startMethod(await testGpu(), { name: "lisa", rho: RHO, proximal_from: 0 }, subjects);
    run.prepared.steps?.before({ step: 0, totalSteps: 20, stream: "safety" });
    move(run, 31);
    run.prepared.steps?.before({ step: 1, totalSteps: 20, stream: "safety" });
    await run.step();
    const own = await run.gradients();
    const before = new Map([...own].map(([name, values], i) => [name, normal(values.length, 50 + i)]));
    for (const [name, values] of before) run.parameters.write("gradients", name, values);
    await run.step({ keepGradients: true });
    for (const [name, values] of await run.gradients()) {
      const added = own.get(name) ?? [];
      expect(Math.hypot(...Array.from(added)), name).toBeGreaterThan(0.1);
      expect(relativeError(values, plus(before.get(name) ?? [], added)), name).toBeLessThan(1e-6);
    }
    run.destroy();
  });

  it("with rho 0 takes no memory and adds nothing", async () => {
    const run = await startMethod(await testGpu(), { name: "lisa", rho: 0 }, subjects);
    expect(run.dispatches).toEqual([]);
    expect([run.prepared.bytes, run.plannedBytes]).toEqual([0, 0]);
    run.destroy();
  });
});
