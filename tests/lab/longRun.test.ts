/**
 * @file A run of 100,000 steps in the page: what a frame costs does not grow with the steps that were taken. Reads and
 * writes of the stored steps and values are counted, not time.
 */
import { describe, expect, it } from "vitest";
import type { StepMetrics } from "../../src/experiment/run/events.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { StepCurves } from "../../src/lab/run/curves/stepCurves.ts";
import { valuesAt } from "../../src/lab/run/curves/valuesAt.ts";
import { stepMilliseconds } from "../../src/lab/run/runLog.ts";
import { reduceRun, startRun, type RunState } from "../../src/lab/run/runState.ts";
import { StepList, withSteps } from "../../src/lab/run/stepList.ts";
import { plotData } from "../../src/lab/ui/chartPlot.ts";
import { extremesIn, firstOf, lastOf, LongValues } from "../../src/lab/ui/longValues.ts";

const STEPS = 100_000;
const FRAME = 10;
/** Steps after which a frame is counted. */
const COUNTED: readonly number[] = [4_000, STEPS / 2, STEPS];

function metricsOf(step: number): StepMetrics {
  const ce = 1 + Math.sin(step / 700) + (step % 977 === 0 ? 5 : 0);
  const metrics = { step, ce, penalty: ce / 7, loss: ce, learning_rate: 1e-4, grad_norm: ce, tokens: 640, ms: 12.5 };
  return step % 7 === 0 ? { ...metrics, stream: "safety" } : metrics;
}

/** Counts each access to an element or to the length of its arrays. */
class Counter {
  count = 0;

  array<T>(): T[] {
    return new Proxy([] as T[], {
      get: (array, key) => {
        this.count += 1;
        return array[key as keyof T[]];
      },
      // Without the proxy as receiver, which makes arrays slow.
      set: (array, key, value) => {
        this.count += 1;
        return Reflect.set(array, key, value);
      },
    });
  }
}

function batch(from: number): StepMetrics[] {
  return Array.from({ length: FRAME }, (_, i) => metricsOf(from + i + 1));
}

describe("a frame of a long run", () => {
  it("costs as much after 100,000 steps as after 4,000", () => {
    const smoothing = 0;
    const counter = new Counter();
    const curves = new StepCurves(resolveSpec({ method: { name: "lisa" } }), () => counter.array());
    const state = startRun("r", resolveSpec({ method: { name: "lisa" } }), 0);
    if (state.kind === "idle") throw new Error("no run");
    let run: RunState = { ...state, log: { ...state.log, steps: StepList.of([], counter.array()) } };
    const costs = new Map<number, number>();
    for (let taken = 0; taken < STEPS; taken += FRAME) {
      counter.count = 0;
      run = reduceRun(
        run,
        batch(taken).map((metrics) => ({ type: "step", runId: "r", metrics, totalSteps: STEPS })),
      );
      if (run.kind !== "training") throw new Error(run.kind);
      const { steps } = run.log;
      if (!COUNTED.includes(taken + FRAME)) continue;
      curves.curves(steps, smoothing);
      counter.count = 0;
      run = reduceRun(run, [{ type: "step", runId: "r", metrics: metricsOf(taken + FRAME), totalSteps: STEPS }]);
      stepMilliseconds(steps);
      const drawn = curves.curves(steps, smoothing);
      for (const { x, series } of drawn) {
        plotData(x, series, false, null);
        plotData(x, series, false, [taken - 50, taken]);
        for (const { values } of series)
          [firstOf(values), lastOf(values)].forEach((value) => expect(value).not.toBeNull());
      }
      valuesAt(drawn, taken);
      costs.set(taken + FRAME, counter.count);
    }
    const [early = 0, late = 0] = [costs.get(4_000), costs.get(STEPS)];
    expect(early).toBeGreaterThan(1000);
    // The extremes of a span come from the logarithm of its length in blocks.
    expect(late).toBeLessThan(6 * early);
    const half = costs.get(STEPS / 2) ?? 0;
    expect(late).toBeLessThan(1.25 * half);
  });
});

describe("the list of steps", () => {
  it("is appended to without a copy; earlier lists stay as they were", () => {
    const counter = new Counter();
    let list = StepList.of([], counter.array());
    const early = list.append(batch(0));
    list = early;
    for (let taken = FRAME; taken < STEPS; taken += FRAME) {
      counter.count = 0;
      list = withSteps(list, batch(taken));
      expect(counter.count).toBeLessThan(100);
    }
    expect([early.length, list.length, list.at(-1)?.step, early.at(-1)?.step]).toEqual([FRAME, STEPS, STEPS, FRAME]);
    expect([...early].map(({ step }) => step)).toEqual(batch(0).map(({ step }) => step));
    expect(early.slice(-2).map(({ step }) => step)).toEqual([FRAME - 1, FRAME]);
    expect(early.slice(3, 5).map(({ step }) => step)).toEqual([4, 5]);
    expect(early.at(FRAME)).toBeUndefined();
  });

  it("replaces what is reported again, and an earlier list that is appended to is copied", () => {
    const list = withSteps(withSteps([], batch(0)), batch(FRAME));
    const again = withSteps(list, [{ ...metricsOf(5), ce: 9 }]);
    expect([...again].map(({ step, ce }) => [step, ce === 9])).toEqual([
      ...[1, 2, 3, 4].map((step) => [step, false]),
      [5, true],
    ]);
    expect(list.length).toBe(2 * FRAME);
    const short = StepList.of(batch(0));
    const [one, other] = [short.append([metricsOf(11)]), short.append([metricsOf(12)])];
    expect([one.at(-1)?.step, other.at(-1)?.step]).toEqual([11, 12]);
  });
});

describe("the values of a long line", () => {
  it("know the extremes of every range, as a search through all of them does", () => {
    const long = new LongValues();
    const list: (number | null)[] = [];
    for (let i = 0; i < 137; i += 1) {
      const value = i % 11 === 3 ? null : Math.round(10 * Math.sin(i * i));
      long.push(value);
      list.push(value);
    }
    const view = long.view();
    long.push(1000);
    const at = (index: number | undefined): unknown => (index === undefined ? undefined : list[index]);
    for (let from = 0; from <= 137; from += 1) {
      for (let to = from; to <= 138; to += 1) {
        const [fast, slow] = [extremesIn(view, from, to), extremesIn(list, from, Math.min(to, 137))];
        if (at(fast?.low) !== at(slow?.low) || at(fast?.high) !== at(slow?.high))
          expect([from, to, fast]).toEqual([from, to, slow]);
      }
    }
    expect([view.length, view.at(-1), view.at(137)]).toEqual([137, list[136], undefined]);
  });
});
