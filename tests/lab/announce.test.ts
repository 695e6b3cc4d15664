/** @file What is said of a run: a word per phase and per quarter of the training, none per step. */
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { announcement } from "../../src/lab/run/announce.ts";
import { IDLE, reduceRun, startRun, type RunState } from "../../src/lab/run/runState.ts";
import { isRunUpdate } from "../../src/lab/worker/protocol/run.ts";
import { recordedEvents, recordedRunId } from "./recorded.ts";

describe("what a screen reader is told", () => {
  it("phases, pause, end, in the words of the page; nothing twice in a row, and nothing per step", () => {
    const said: string[] = [];
    let now: RunState = startRun(recordedRunId, resolveSpec({}), 1000);
    for (const event of recordedEvents.filter(isRunUpdate)) {
      now = reduceRun(now, [event]);
      const text = announcement(now);
      if (said.at(-1) !== text) said.push(text);
    }
    expect(said.slice(0, 5)).toEqual([
      "Loading models.",
      "Preparing the method.",
      "Evaluating before training.",
      "Compiling kernels.",
      "Training.",
    ]);
    expect(said.at(-1)).toMatch(/^Finished after \d+ steps\. Harmful score [\d.]+\s?%, before [\d.]+\s?%\./);
    expect(said.length).toBeLessThan(16);
  });

  it("tells the quarters of a long training", () => {
    const begun = startRun("r", resolveSpec({}), 0);
    if (begun.kind === "idle") throw new Error("not begun");
    const at = (steps: number): string =>
      announcement({
        kind: "training",
        pendingCommand: null,
        log: {
          ...begun.log,
          plan: { totalSteps: 100 } as never,
          steps: Array.from({ length: steps }, () => ({}) as never),
        },
      });
    expect([0, 24, 25, 60, 99, 100].map(at)).toEqual([
      "Training.",
      "Training.",
      "Training: 25 % of 100 steps done.",
      "Training: 50 % of 100 steps done.",
      "Training: 75 % of 100 steps done.",
      "Training.",
    ]);
  });

  it("says nothing without a run", () => {
    expect(announcement(IDLE)).toBe("");
  });
});
