/** @file Curves: smoothing, what stands under the cursor, zoom, settings that are remembered. */
import { describe, expect, it } from "vitest";
import type { StepMetrics } from "../../src/experiment/run/events.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { logTicks, plotData } from "../../src/lab/ui/chartPlot.ts";
import { createChartCursor, indexAt, zoomedAround } from "../../src/lab/ui/chartCursor.ts";
import { LastInput } from "../../src/lab/ui/lastInput.ts";
import { evaluationCurves } from "../../src/lab/run/curves/curves.ts";
import { StepCurves } from "../../src/lab/run/curves/stepCurves.ts";
import type { Values } from "../../src/lab/ui/longValues.ts";
import { knownSettings } from "../../src/lab/run/curves/curveSettings.ts";
import { smoothed } from "../../src/lab/run/curves/smoothing.ts";
import { valuesAt } from "../../src/lab/run/curves/valuesAt.ts";

describe("the moving average", () => {
  it("is TensorBoard's: last * w + v * (1 - w), over 1 - w^n", () => {
    const values = [4, 1, 7, 3, 3, 9, 0.5];
    const weight = 0.6;
    let last = 0;
    const expected = values.map((value, i) => {
      last = last * weight + (1 - weight) * value;
      return last / (1 - weight ** (i + 1));
    });
    smoothed(values, weight).forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 12));
  });

  it("leaves gaps as they are, a constant constant, and everything at weight 0", () => {
    expect(smoothed([null, 2, null, 2], 0.9)).toEqual([null, 2, null, 2]);
    expect(smoothed([5, 1, 3], 0)).toEqual([5, 1, 3]);
    expect(smoothed([], 0.5)).toEqual([]);
  });
});

describe("the shared cursor", () => {
  it("finds the last value that is not after a step", () => {
    expect([0, 1, 5, 7, 100].map((step) => indexAt([1, 5, 9], step))).toEqual([null, 0, 1, 1, 2]);
    expect(indexAt([], 3)).toBeNull();
  });

  it("keeps a view at least two steps wide, and forgets it", () => {
    const cursor = createChartCursor();
    cursor.getState().zoomTo([10, 10.2]);
    expect(cursor.getState().view?.map((end) => Math.round(10 * end))).toEqual([91, 111]);
    cursor.getState().zoomTo(null);
    expect(cursor.getState().view).toBeNull();
  });

  it("does not lose the step that keys chose to a page that scrolls under a resting pointer", () => {
    const rest = { screenX: 40, screenY: 30 };
    const { getState } = createChartCursor(new LastInput(({ screenX }) => screenX === rest.screenX));
    const { point, hover } = getState();
    expect([hover(5, rest), hover(6, rest), getState().step]).toEqual([true, true, 6]);
    point(3);
    expect([hover(9, rest), hover(null, rest), getState().step]).toEqual([false, false, 3]);
    expect([hover(8, { screenX: 41, screenY: 30 }), hover(null, rest), getState().step]).toEqual([true, true, null]);
    point(2);
    point(null);
    expect([hover(7, rest), getState().step]).toEqual([true, 7]);
  });

  it("zooms around a step, stays inside the run, and shows all when that is as wide", () => {
    expect(zoomedAround(null, 50, 0.5, 100)).toEqual([25, 75]);
    expect(zoomedAround([25, 75], 25, 0.5, 100)).toEqual([25, 50]);
    expect(zoomedAround([0, 10], 9, 4, 100)).toEqual([0, 40]);
    expect(zoomedAround([25, 75], 50, 2, 100)).toBeNull();
  });
});

function step(n: number, changes: Partial<StepMetrics> = {}): StepMetrics {
  return {
    step: n,
    ce: 1 / n,
    penalty: n,
    loss: 1,
    learning_rate: 1e-4,
    grad_norm: 2,
    tokens: 50,
    ms: 100,
    ...changes,
  };
}

const listOf = (values?: Values): unknown => Array.from({ length: values?.length ?? 0 }, (_, i) => values?.at(i));

describe("curves", () => {
  const steps = [1, 2, 3, 4].map((n) => step(n));

  it("a penalty where the method has one, the gradient norm always", () => {
    const keys = (method: Record<string, unknown>): string[] =>
      new StepCurves(resolveSpec({ method })).curves(steps, 0).map(({ key }) => key);
    expect(keys({ name: "asft", lambda: 1 })).toEqual(["ce", "penalty", "norm", "rate", "speed"]);
    expect(keys({ name: "sft" })).toEqual(["ce", "norm", "rate", "speed"]);
  });

  it("smooths what is noisy, beside the values as they are", () => {
    const curves = new StepCurves(resolveSpec({})).curves(steps, 0.5);
    const ce = curves.find(({ key }) => key === "ce")?.series[0];
    expect(listOf(ce?.values)).toEqual([1, 1 / 2, 1 / 3, 1 / 4]);
    expect(ce?.smooth?.length).toBe(4);
    expect(curves.find(({ key }) => key === "rate")?.series[0]?.smooth).toBeUndefined();
  });

  it("two kinds of rows have a curve each, and a step reads out the last of both", () => {
    const mixed = [step(1), step(2, { stream: "safety", ce: 0.25 }), step(3)];
    const curves = new StepCurves(resolveSpec({ method: { name: "lisa" } })).curves(mixed, 0);
    const texts = valuesAt(curves, 3).map(({ text }) => text);
    expect(texts).toContain("safety rows 0.250 (step 2)");
    expect(texts).toContain("task rows 0.333");
  });

  it("an evaluation reads out with its step", () => {
    const rate = { percent: 40, hits: 4, count: 10 };
    const scores = { harmful_score: rate, task_accuracy: null, perplexity: null, benign_compliance: null };
    const curves = evaluationCurves([{ when: "before", step: 0, scores }], resolveSpec({}));
    expect(valuesAt(curves, 7).map(({ text }) => text)).toEqual(["harmful score 40 % (step 0)"]);
  });
});

describe("ticks of a logarithmic axis", () => {
  it("are 1, 2, 5 within a few powers of ten, whole powers beyond, round numbers where the ends are close", () => {
    expect(logTicks(0.3, 3)).toEqual([0.5, 1, 2]);
    expect(logTicks(0.0032, 0.0044)).toEqual([0.0035, 0.004]);
    expect(logTicks(1e-6, 1)).toEqual([1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]);
  });
});

describe("what is drawn of a long series", () => {
  const x = Array.from({ length: 20_000 }, (_, i) => i + 1);
  const values = x.map((step) => Math.sin(step / 700) + (step === 7777 ? 50 : step === 12_345 ? -50 : 0));
  const one = [{ label: "one", color: "--asft", values }];

  it("are the extremes of each span: ascending, few, no peak and no dip lost, both ends kept", () => {
    const [steps, drawn] = plotData(x, one, false, null);
    expect(steps.length).toBeLessThanOrEqual(1202);
    expect([steps[0], steps.at(-1)]).toEqual([1, 20_000]);
    expect([...steps].every((step, i) => i === 0 || step > (steps[i - 1] ?? Infinity))).toBe(true);
    expect(drawn?.[[...steps].indexOf(7777)]).toBe(values[7776]);
    expect(drawn?.[[...steps].indexOf(12_345)]).toBe(values[12_344]);
  });

  it("is everything within a close view, with a neighbour on each side", () => {
    expect([...plotData(x, one, false, [100.5, 110.5])[0]]).toEqual(Array.from({ length: 12 }, (_, i) => 100 + i));
    expect(plotData([1, 2, 3], [{ label: "", color: "", values: [0, 2, null] }], true, null)[1]).toEqual([
      null,
      2,
      null,
    ]);
  });
});

describe("settings of the curves", () => {
  it("are taken where they are understood", () => {
    expect(knownSettings({ smoothing: 0.7, logarithmic: true, other: 1 })).toEqual({
      smoothing: 0.7,
      logarithmic: true,
    });
    expect(knownSettings({ smoothing: 7, logarithmic: "yes" })).toEqual({});
    expect(knownSettings(null)).toEqual({});
  });
});
