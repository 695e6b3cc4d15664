/**
 * @file When kernels are measured in the background: a clock that the test turns, measurements that end when it says.
 */
import { beforeEach, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { BasinError } from "../../src/base/error.ts";
import type { MeasureOptions } from "../../src/engine/routing/measure.ts";
import { Router } from "../../src/engine/routing/router.ts";
import { matmulKernels } from "../../src/engine/matmul/registry.ts";
import type { RouteStore } from "../../src/experiment/measure/kernelRoutes.ts";
import { KernelTuning } from "../../src/lab/worker/kernelTuning.ts";

class Clock {
  #now = 0;
  #timers: { readonly at: number; readonly work: () => void }[] = [];

  readonly after = (ms: number, work: () => void): (() => void) => {
    const timer = { at: this.#now + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  };

  async pass(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { work } of due) work();
    await settled();
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

interface Measurement {
  readonly gpu: Gpu;
  readonly options: MeasureOptions;
  readonly end: (error?: Error) => Promise<void>;
}

/** Everything but the device's work is real: the router, the routes, what is stored. */
interface Fake {
  readonly gpu: Gpu;
  readonly lose: () => Promise<void>;
}

function device(software = true): Fake {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve));
  const gpu = {
    adapter: { vendor: "a", architecture: "b", device: "c", description: "d", software },
    device: { features: new Set<string>() },
    fastPaths: { passed: new Set(["subgroups_of_four"]), f16Loading: "unpack", subgroupSize: 4 },
    matmulKernels,
    router: new Router(),
    lost,
  } as unknown as Gpu;
  return {
    gpu,
    lose: () => {
      lose({ reason: "unknown", message: "" } as GPUDeviceLostInfo);
      return settled();
    },
  };
}

function meet({ router }: Gpu, n: number): void {
  router.choose({ form: "nt", dtype: "f32", m: 64, n, k: 64 }, ["shared", "register"]);
}

function recordAll({ router }: Gpu): void {
  for (const waiting of router.pending) router.record(waiting, { shared: 2, register: 1 });
}

/** A device is opened, and a run measures a product itself. */
async function runThatMeasures(tuning: KernelTuning, gpu: Gpu): Promise<void> {
  await tuning.adopt(gpu);
  await tuning.during(async () => {
    meet(gpu, 128);
    recordAll(gpu);
  });
  await clock.pass(1000);
}

let clock: Clock;
let measurements: Measurement[];
let texts: Map<string, string>;
let store: RouteStore;

function tuningOver(
  memory: RouteStore = store,
  alone = (work: () => Promise<void>): Promise<void> => work(),
): KernelTuning {
  return new KernelTuning({
    store: memory,
    alone,
    platform: "test",
    after: clock.after,
    measure: (gpu, options) =>
      new Promise<void>((resolve, reject) => {
        measurements.push({
          gpu,
          options,
          end: (error) => {
            if (error) reject(error);
            else resolve();
            return settled();
          },
        });
      }),
  });
}

function theOnly(): Measurement {
  const [one, ...others] = measurements;
  if (!one || others.length > 0) throw new Error(`${measurements.length} measurements`);
  return one;
}

const stored = (): number => [...texts.values()].filter((text) => text.includes("basin-kernel-routes")).length;

beforeEach(() => {
  clock = new Clock();
  measurements = [];
  texts = new Map();
  store = {
    read: (identity) => Promise.resolve(texts.get(identity)),
    write: (identity, text) => Promise.resolve(void texts.set(identity, text)),
    remove: (identity) => Promise.resolve(void texts.delete(identity)),
  };
});

describe("kernels in the background", () => {
  it("are measured after a second of idleness, within the limits for the kind of device, and stored", async () => {
    for (const [software, budgetMs] of [
      [true, 3000],
      [false, 2000],
    ] as const) {
      measurements = [];
      const tuning = tuningOver();
      const { gpu } = device(software);
      await tuning.adopt(gpu);
      await tuning.during(async () => meet(gpu, 128));
      await clock.pass(900);
      expect(measurements).toEqual([]);
      await clock.pass(100);
      const { options, end } = theOnly();
      expect(options.budgetMs).toBe(budgetMs);
      expect(await tuning.run("look")).toMatchObject({
        state: { kind: "measuring", requested: false },
        waiting: 1,
        rows: [],
      });
      recordAll(gpu);
      await end();
      expect(await tuning.run("look")).toMatchObject({
        state: { kind: "idle" },
        waiting: 0,
        rows: [{ product: "output 64×128×64", kernel: "register" }],
        persisted: true,
      });
      await expect.poll(stored).toBe(1);
      texts.clear();
    }
  });

  it("have to wait while commands overlap, and begin a second after the last", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await tuning.adopt(gpu);
    meet(gpu, 128);
    let endRun: () => void = () => undefined;
    const run = tuning.during(() => new Promise<void>((resolve) => (endRun = resolve)));
    await tuning.during(async () => undefined);
    await clock.pass(10_000);
    expect(measurements).toEqual([]);
    endRun();
    await run;
    await clock.pass(999);
    expect(measurements).toEqual([]);
    await clock.pass(1);
    expect(measurements).toHaveLength(1);
  });

  it("give way to a command, which waits until they have let go; a look does not disturb them", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await tuning.adopt(gpu);
    await tuning.during(async () => meet(gpu, 128));
    await clock.pass(1000);
    const { options, end } = theOnly();
    await tuning.run("look");
    expect(options.interrupted?.()).toBe(false);
    let began = false;
    const command = tuning.during(async () => {
      await tuning.release();
      began = true;
    });
    expect(options.interrupted?.()).toBe(true);
    await settled();
    expect(began).toBe(false);
    await end();
    await command;
    expect(began).toBe(true);
    // What was begun waits for the next time.
    await clock.pass(1000);
    expect(measurements).toHaveLength(2);
  });

  it("are measured once in an idle phase, however much is left", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await tuning.adopt(gpu);
    await tuning.during(async () => [128, 256].forEach((n) => meet(gpu, n)));
    await clock.pass(1000);
    await theOnly().end();
    await clock.pass(60_000);
    expect(measurements).toHaveLength(1);
    await tuning.during(async () => undefined);
    await clock.pass(1000);
    expect(measurements).toHaveLength(2);
  });

  it("that a run measured itself are kept, too", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await runThatMeasures(tuning, gpu);
    expect(measurements).toEqual([]);
    await expect.poll(stored).toBe(1);
  });

  it("come back on the next visit, beside what another tab has kept meanwhile", async () => {
    const [one, other] = [device(), device()];
    const [here, there] = [tuningOver(), tuningOver()];
    await here.adopt(one.gpu);
    await there.adopt(other.gpu);
    for (const [tuning, { gpu }, n] of [
      [here, one, 128],
      [there, other, 256],
    ] as const) {
      await tuning.during(async () => {
        meet(gpu, n);
        recordAll(gpu);
      });
      await clock.pass(1000);
      await expect.poll(() => [...texts.values()].some((text) => text.includes(`"n":${n}`))).toBe(true);
    }
    const next = device();
    const later = tuningOver();
    await later.adopt(next.gpu);
    expect((await later.run("look")).rows.map(({ product }) => product)).toEqual([
      "output 64×256×64",
      "output 64×128×64",
    ]);
  });

  it("are all kept when two tabs write at the same time", async () => {
    let before = Promise.resolve();
    const alone = (work: () => Promise<void>): Promise<void> => (before = before.then(work));
    // A store that takes its time: without a lock, both would have read before either has written.
    const slow: RouteStore = { ...store, read: async (identity) => settled().then(() => texts.get(identity)) };
    const devices = [device(), device()];
    const tabs = devices.map(() => tuningOver(slow, alone));
    for (const [i, { gpu }] of devices.entries()) {
      await tabs[i]?.adopt(gpu);
      await tabs[i]?.during(async () => {
        meet(gpu, 128 * (i + 1));
        recordAll(gpu);
      });
    }
    await clock.pass(1000);
    for (const n of [128, 256])
      await expect.poll(() => [...texts.values()].some((text) => text.includes(`"n":${n}`))).toBe(true);
  });

  it("let go of a device that is lost meanwhile, without a word, and go on on the next", async () => {
    const tuning = tuningOver();
    const { gpu, lose } = device();
    await tuning.adopt(gpu);
    await tuning.during(async () => meet(gpu, 128));
    await clock.pass(1000);
    const { options, end } = theOnly();
    await lose();
    await tuning.release();
    expect(options.interrupted?.()).toBe(true);
    await end(new Error("the device is lost"));
    await expect(tuning.run("look")).rejects.toThrow("no device");
    const next = device();
    await tuning.adopt(next.gpu);
    expect(await tuning.run("look")).toMatchObject({ state: { kind: "idle" } });
    await tuning.during(async () => meet(next.gpu, 128));
    await clock.pass(1000);
    expect(measurements).toHaveLength(2);
  });

  it("that cannot be measured are told in the panel, and tried again only when asked", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await tuning.adopt(gpu);
    await tuning.during(async () => meet(gpu, 128));
    await clock.pass(1000);
    await theOnly().end(new Error("the driver refused"));
    expect(await tuning.run("look")).toMatchObject({
      state: { kind: "failed", why: "the driver refused" },
      waiting: 1,
    });
    await tuning.during(async () => undefined);
    await clock.pass(1000);
    expect(measurements).toHaveLength(1);
    expect(await tuning.run("measure")).toMatchObject({ state: { kind: "measuring", requested: true } });
    expect(measurements).toHaveLength(2);
  });

  it("are measured at once on request, until stopped, and not while something uses the device", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await tuning.adopt(gpu);
    meet(gpu, 128);
    await tuning.run("measure");
    const { options, end } = theOnly();
    expect(options.budgetMs).toBe(60_000);
    const stopped = tuning.run("stop");
    expect(options.interrupted?.()).toBe(true);
    await end();
    expect(await stopped).toMatchObject({ state: { kind: "idle" }, waiting: 1 });
    await tuning.during(() => expect(tuning.run("measure")).rejects.toThrow(BasinError));
    expect(measurements).toHaveLength(1);
  });

  it("are forgotten, here and in the store", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await runThatMeasures(tuning, gpu);
    expect(await tuning.run("forget")).toMatchObject({ rows: [], waiting: 0 });
    expect(stored()).toBe(0);
    await clock.pass(1000);
    expect(stored()).toBe(0);
  });

  it("that the store does not give up are told: they would be back on the next visit", async () => {
    const texts = new Map<string, string>();
    const tuning = tuningOver({
      read: (name) => Promise.resolve(texts.get(name)),
      write: (name, text) => Promise.resolve(void texts.set(name, text)),
      remove: () => Promise.reject(new Error("silent")),
    });
    await runThatMeasures(tuning, device().gpu);
    await expect.poll(() => texts.size).toBe(1);
    await expect(tuning.run("forget")).rejects.toThrow(/did not delete the stored measurements/);
  });

  it("are neither measured nor used, nor lost, while the built-in choice is selected, over visits", async () => {
    const tuning = tuningOver();
    const { gpu } = device();
    await runThatMeasures(tuning, gpu);
    expect(await tuning.run("use_built_in")).toMatchObject({ choice: "built_in", rows: [] });
    const next = device();
    const later = tuningOver();
    await later.adopt(next.gpu);
    expect(later.choice).toBe("built_in");
    await later.during(async () => meet(next.gpu, 128));
    await clock.pass(60_000);
    expect(measurements).toEqual([]);
    expect(next.gpu.router.table).toEqual({});
    expect(await later.run("use_measured")).toMatchObject({ choice: "measured", rows: [{ kernel: "register" }] });
  });

  it("last as long as the page where nothing can be kept", async () => {
    const refuse = (): Promise<never> => Promise.reject(new Error("blocked"));
    const tuning = tuningOver({ read: refuse, write: refuse, remove: refuse });
    const { gpu } = device();
    await runThatMeasures(tuning, gpu);
    await expect.poll(() => tuning.run("look")).toMatchObject({ rows: [{ kernel: "register" }], persisted: false });
    expect(await tuning.run("use_built_in")).toMatchObject({ choice: "built_in", persisted: false });
    expect(await tuning.run("forget")).toMatchObject({ rows: [] });
  });
});
