/** @file A penalty's dispatches do not grow with the number of modules: 30 layers with two adapters each. */

import { expect, it } from "vitest";
import { testGpu } from "../support/gpu.ts";
import { type Subject, adapted, startMethod } from "./support.ts";

/** Weights differ a little everywhere, so that every form has a direction. */
function subject(path: string, out: number, inn: number): Subject {
  const values = (count: number, seed: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * seed + seed));
  return {
    module: adapted(path, out, inn, 4, 2),
    aligned: values(out * inn, 1),
    unaligned: values(out * inn, 2),
    a: values(4 * inn, 3),
    b: values(out * 4, 4),
  };
}

const layers = Array.from({ length: 30 }, (_, i) => [subject(`${i}.q`, 16, 16), subject(`${i}.v`, 8, 16)]).flat();

it("30 layers take as many dispatches as one", async () => {
  const gpu = await testGpu();
  const count = async (options: Parameters<typeof startMethod>[1], subjects: readonly Subject[]): Promise<number> => {
    const run = await startMethod(gpu, options, subjects);
    run.destroy();
    return run.dispatches.length;
  };
  // Per group of equal shapes: pack, products with the anchor, Gram matrices, gradients; and one sum over all.
  const expected = [
    ["safe_lora", 2 * 5 + 1],
    ["rank", 2 * 5 + 1],
    ["flat", 2 * 7 + 1],
    ["flat_plus", 2 * 7 + 1],
    ["none", 2 * 3 + 1],
  ] as const;
  for (const [projector, dispatches] of expected) {
    const options = { name: "asft", lambda: 1, projector, rank: 2 } as const;
    expect([await count(options, layers), await count(options, layers.slice(0, 2))], projector).toEqual([
      dispatches,
      dispatches,
    ]);
  }
  // Pull, distance of every module, sum.
  const lisa = { name: "lisa", rho: 1 } as const;
  expect([await count(lisa, layers), await count(lisa, layers.slice(0, 2))]).toEqual([3, 3]);
});
