/** @file Kernels that are timed by coarse clocks: what is clearly faster wins, what is slower never does. */

import { describe, expect, it } from "vitest";
import { Rng } from "../../../src/base/rng.ts";
import { clockStep } from "../../../src/engine/routing/clock.ts";
import { type Contender, race } from "../../../src/engine/routing/race.ts";
import { fastest } from "../../../src/engine/routing/router.ts";

/** A clock as browsers have them, over work whose time is known. */
interface CoarseClock {
  readonly name: string;
  /** ms to which readings are rounded down. */
  readonly step: number;
  /** ms after which the end of work is noticed, at random up to this. */
  readonly notice: number;
}

const CLOCKS: readonly CoarseClock[] = [
  { name: "Firefox without timestamps", step: 1, notice: 5 },
  { name: "a clock against fingerprinting", step: 16.67, notice: 5 },
  { name: "timestamps of Chromium", step: 0.1, notice: 0 },
  { name: "Node", step: 0.001, notice: 0.3 },
];
/** ms of one run of the built-in kernel. */
const BUILT_IN = [0.02, 0.7, 30];
const TRIES = 100;

/** A kernel whose runs take `ms` each, give or take 3 %, and one in ten timings 30 % more for other work. */
class SimulatedDevice {
  readonly error: number;
  readonly #clock: CoarseClock;
  readonly #rng: Rng;
  #now = 0;

  constructor(clock: CoarseClock, seed: string) {
    this.#clock = clock;
    this.#rng = new Rng(seed);
    this.#now = 1000 * this.#random();
    this.error = clock.step + clock.notice / 2;
  }

  contender(kernel: string, ms: number): Contender {
    return {
      kernel,
      time: async (runs) => {
        const started = this.#read();
        const other = this.#random() < 0.1 ? 1.3 : 1;
        this.#now += runs * ms * other * (0.97 + 0.06 * this.#random()) + this.#clock.notice * this.#random();
        return this.#read() - started;
      },
    };
  }

  #read(): number {
    return Math.floor(this.#now / this.#clock.step) * this.#clock.step;
  }

  #random(): number {
    return this.#rng.uint32() / 2 ** 32;
  }
}

/** How often a kernel of `ms` is chosen over the built-in one. */
async function wins(clock: CoarseClock, builtIn: number, ms: number): Promise<number> {
  let count = 0;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const device = new SimulatedDevice(clock, `${clock.name}/${attempt}`);
    const contenders = [device.contender("built-in", builtIn), device.contender("other", ms)];
    const timings = await race(contenders, device);
    if (fastest(["built-in", "other"], timings ?? {}) === "other") count += 1;
  }
  return count;
}

describe.each(CLOCKS)("kernels timed by $name", (clock) => {
  it.each(BUILT_IN)(
    "over a built-in kernel of %d ms: 1.3 times as fast wins, a tenth slower never",
    async (builtIn) => {
      expect(await wins(clock, builtIn, builtIn / 1.3)).toBeGreaterThanOrEqual(99);
      expect(await wins(clock, builtIn, 1.1 * builtIn)).toBe(0);
    },
  );
});

describe("a race", () => {
  const device = new SimulatedDevice({ name: "exact", step: 1e-6, notice: 0 }, "race");

  it("times a kernel that is far behind no further than to know that", async () => {
    let runs = 0;
    const slow = device.contender("slow", 10);
    const counted: Contender = {
      ...slow,
      time: (count) => {
        runs += count;
        return slow.time(count);
      },
    };
    const timings = await race([device.contender("fast", 0.1), counted], device);
    expect(runs).toBe(3);
    expect(timings?.["slow"]).toBeGreaterThan(5);
  });

  it("ends a kernel that takes no time on the clock", async () => {
    expect(await race([{ kernel: "none", time: async () => 0 }], { error: 1 })).toEqual({ none: 0 });
  });

  it("gives nothing when it is interrupted", async () => {
    let asked = 0;
    const contenders = [device.contender("a", 1), device.contender("b", 1)];
    for (const most of [0, 3, 6, 9]) {
      asked = 0;
      expect(await race(contenders, { error: 0.01, interrupted: () => (asked += 1) > most })).toBeUndefined();
    }
  });
});

describe("the step of a clock", () => {
  it.each([0.005, 1, 16.67, 100])("of %d ms", (step) => {
    let now = 0.3;
    const clock = (): number => {
      now += 0.0007;
      return Math.floor(now / step) * step;
    };
    expect(clockStep(clock)).toBeCloseTo(step, 6);
  });
});
