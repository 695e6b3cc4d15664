/** @file What is allocated together is there whole or not at all. */

import { describe, expect, it } from "vitest";
import { MemoryError } from "../../src/base/error.ts";
import { Replaceable, allOrNothing, allTogether, temporarily } from "../../src/engine/allOrNothing.ts";
import { type Gpu, createBuffer } from "../../src/engine/device.ts";
import { measureRoutes } from "../../src/engine/routing/measure.ts";
import { allocate, destroyStorage } from "../../src/engine/storage.ts";
import { deviceChecks } from "../../src/experiment/measure/deviceChecks.ts";
import { loadGolden } from "../exactness/engine.ts";
import { withFailingAllocation } from "../support/failingAllocation.ts";
import { testGpu } from "../support/gpu.ts";

class Thing {
  destroyed = 0;

  destroy(): void {
    this.destroyed += 1;
  }
}

const failure = new Error("no memory");

describe("allOrNothing", () => {
  it("destroys what it owns where a later step fails, last first, and nothing where none does", async () => {
    const order: string[] = [];
    const named = (name: string) => ({ destroy: () => void order.push(name) });
    await allOrNothing(async (own) => [own(named("a")), own(named("b"))]);
    expect(order).toEqual([]);
    await expect(
      allOrNothing(async (own) => {
        own(named("a"));
        own(named("b"));
        await Promise.reject(failure);
      }),
    ).rejects.toBe(failure);
    expect(order).toEqual(["b", "a"]);
  });

  it("waits for what is made concurrently, and destroys it where one fails", async () => {
    const [first, late] = [new Thing(), new Thing()];
    const later = new Promise<Thing>((resolve) => void setImmediate(() => resolve(late)));
    await expect(allTogether([Promise.resolve(first), Promise.reject<Thing>(failure), later])).rejects.toBe(failure);
    expect([first.destroyed, late.destroyed]).toEqual([1, 1]);
  });

  it("destroys what is needed for a while in any case", async () => {
    const thing = new Thing();
    expect(await temporarily((own) => Promise.resolve(own(thing).destroyed))).toBe(0);
    expect(thing.destroyed).toBe(1);
  });

  it("holds nothing after a replacement that could not be made", async () => {
    const place = new Replaceable<Thing>();
    const thing = await place.replace(() => Promise.resolve(new Thing()));
    await expect(place.replace(() => Promise.reject(failure))).rejects.toBe(failure);
    expect([thing.destroyed, place.current]).toEqual([1, undefined]);
    place.destroy();
    expect(thing.destroyed).toBe(1);
  });
});

/** What is made in one go on a device, and whether it was destroyed again. */
const MADE: readonly (readonly [string, (gpu: Gpu) => Promise<{ destroy(): void }>])[] = [
  ["a model in quantised types", (gpu) => loadGolden(gpu, "qwen2", "nf4_double")],
  [
    "a tensor in several buffers",
    async (gpu) => {
      const tensor = { id: -1, name: "x", shape: [1000, 16], dtype: "f32", kind: "input" } as const;
      const storage = await allocate({ ...gpu, maxBinding: 16_384, maxBuffer: 16_384 }, tensor);
      expect(new Set(storage.parts.map(({ view }) => view.buffer)).size).toBe(4);
      return { destroy: () => destroyStorage(storage) };
    },
  ],
];

describe("where the n-th allocation finds no memory", () => {
  it.each(MADE)("nothing is left of %s, for every n", async (_name, make) => {
    const gpu = await testGpu();
    const before = gpu.memory.live;
    const { result, count, unguarded } = await withFailingAllocation(gpu, 0, () => make(gpu));
    result.destroy();
    expect(gpu.memory.live).toBe(before);
    expect(unguarded).toEqual([]);
    for (let n = 1; n <= count; n += 1) {
      await expect(withFailingAllocation(gpu, n, () => make(gpu))).rejects.toBeInstanceOf(MemoryError);
      expect(gpu.memory.live, `allocation ${n} of ${count}`).toBe(before);
      gpu.check();
    }
  });

  it("the checks of the device and the measuring of kernels leave nothing", async () => {
    const gpu = await testGpu();
    const before = gpu.memory.live;
    const problem = { form: "nt", dtype: "bf16", m: 32, n: 32, k: 32 } as const;
    const work = async (): Promise<unknown> => {
      const checked = await deviceChecks(gpu);
      gpu.router.choose(problem, ["tile", "register"]);
      await measureRoutes(gpu, { budgetMs: 1e6 }).catch(() => undefined);
      return checked;
    };
    const { count } = await withFailingAllocation(gpu, 0, work);
    for (let n = 1; n <= count; n += 1) {
      await withFailingAllocation(gpu, n, work);
      expect(gpu.memory.live, `allocation ${n} of ${count}`).toBe(before);
      gpu.check();
    }
  });

  it("a buffer larger than the device allows is refused before it is asked for", async () => {
    const gpu = await testGpu();
    const { count } = await withFailingAllocation(gpu, 0, () =>
      expect(createBuffer({ ...gpu, maxBuffer: 1024 }, 2048, GPUBufferUsage.STORAGE, "large")).rejects.toThrow(/large/),
    );
    expect(count).toBe(0);
  });
});
