/** @file How long stages take and what is left, from events at known times. */
import { describe, expect, it } from "vitest";
import type { RunEvent, RunPhase } from "../../src/experiment/run/events.ts";
import { resolveSpec, type SpecInput } from "../../src/experiment/spec/spec.ts";
import { isActive } from "../../src/lab/run/runState.ts";
import { createRunStore } from "../../src/lab/run/runStore.ts";
import { NO_PACE, stageLeft, stagesOf, timeLeft, type TimeLeft } from "../../src/lab/run/pace.ts";
import { isRunUpdate } from "../../src/lab/worker/protocol/run.ts";
import { recordedEvents } from "./recorded.ts";

const plan = recordedEvents.filter(isRunUpdate).find((event) => event.type === "plan");
if (plan === undefined) throw new Error("no plan was recorded");

/** A run of 100 steps whose events come when the test says. */
function clocked(input: SpecInput) {
  let now = 0;
  const store = createRunStore(() => now);
  store.getState().begin("r", resolveSpec(input), 0);
  const say = (event: Partial<RunEvent>, at: number): void => {
    now = at;
    store.getState().update([{ runId: "r", ...event } as RunEvent]);
  };
  const left = (): TimeLeft | null => {
    const { run, pace } = store.getState();
    return isActive(run) ? timeLeft(pace, run, null) : null;
  };
  return {
    store,
    left,
    phase: (phase: RunPhase, at: number, progress?: number) =>
      say({ type: "phase", phase, ...(progress === undefined ? {} : { progress }) }, at),
    plan: (at: number) => say({ ...plan, runId: "r", totalSteps: 100 } as RunEvent, at),
    step: (step: number, at: number, ms: number) =>
      say(
        {
          type: "step",
          totalSteps: 100,
          metrics: { step, ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 10, ms },
        },
        at,
      ),
    say,
  };
}

describe("the pace of a run", () => {
  it("counts stages, extrapolates the one under way, and then the whole run with the evaluation after it", () => {
    const run = clocked({ eval: { sample_steps: 0 } });
    run.phase("loading", 0, 0);
    run.plan(100);
    run.phase("loading", 1000, 0.5);
    expect(stageLeft(run.store.getState().pace)).toBeCloseTo(1000, 6);
    run.phase("evaluating_before", 2000, 0);
    run.phase("evaluating_before", 4000, 0.25);
    expect(stageLeft(run.store.getState().pace)).toBeCloseTo(6000, 6);
    // How long a step takes is not known yet.
    expect(run.left()).toBeNull();
    run.phase("compiling", 10_000);
    run.phase("training", 11_000, 0);
    run.step(1, 12_000, 900);
    run.step(2, 12_100, 100);
    run.step(3, 12_200, 100);
    expect(run.store.getState().pace.spent).toEqual({ load: 2000, before: 8000, compile: 1000, train: 1200 });
    expect(run.left()).toEqual({ total: 97 * 100 + 8000, training: 97 * 100, after: 8000 });
    run.phase("evaluating_after", 20_000, 0);
    run.phase("evaluating_after", 22_000, 0.5);
    expect(run.left()?.total).toBeCloseTo(2000, 6);
  });

  it("counts evaluations and samples on the way, and no pause", () => {
    const run = clocked({ eval: { every_steps: 40, sample_steps: 10 } });
    run.phase("loading", 0, 0);
    run.plan(0);
    run.phase("evaluating_before", 0, 0);
    run.phase("training", 4000, 0);
    for (let step = 1; step <= 10; step += 1) run.step(step, 4000 + 100 * step, 100);
    run.phase("evaluating", 5000);
    run.phase("training", 5500, 0.1);
    // 90 steps; evaluations at 40, 80; samples at 20, 30, …, 90.
    expect(run.left()?.training).toBeCloseTo(90 * 100 + 2 * 4000 + 8 * 500, 6);
    run.say({ type: "paused", step: 10 }, 5600);
    run.say({ type: "resumed", step: 10 }, 95_600);
    expect(run.store.getState().pace.spent.train).toBe(1600);
  });

  it("shows only the stages that a run has", () => {
    expect(stagesOf(resolveSpec({}), NO_PACE)).toEqual([
      "load",
      "prepare",
      "before",
      "compile",
      "train",
      "after",
      "save",
    ]);
    expect(stagesOf(resolveSpec({ eval: { harmful: null, task: null, benign: null } }), NO_PACE)).toEqual([
      "load",
      "prepare",
      "compile",
      "train",
      "save",
    ]);
  });

  it("shows that kernels were measured where they were", () => {
    const run = clocked({});
    const names = (): readonly string[] => stagesOf(resolveSpec({}), run.store.getState().pace);
    run.phase("loading", 0, 0);
    expect(names()).not.toContain("tune");
    run.phase("tuning", 1000);
    expect(names().slice(0, 3)).toEqual(["load", "tune", "prepare"]);
    run.phase("preparing", 1400);
    expect(names().slice(0, 3)).toEqual(["load", "tune", "prepare"]);
    expect(run.store.getState().pace.spent).toEqual({ load: 1000, tune: 400 });
  });
});
