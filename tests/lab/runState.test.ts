/** @file The run's state, replayed from the events of a real run. */
import { describe, expect, it } from "vitest";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { withPendingCommand, IDLE, isActive, reduceRun, startRun, type RunState } from "../../src/lab/run/runState.ts";
import { stepMilliseconds } from "../../src/lab/run/runLog.ts";
import { isRunUpdate } from "../../src/lab/worker/protocol/run.ts";
import { recordedEvents, recordedRunId } from "./recorded.ts";

const events = recordedEvents.filter(isRunUpdate);
const begun = startRun(recordedRunId, resolveSpec({}), 1000);

/** The kinds of state that the events lead through, one by one. */
function kinds(state: RunState): string[] {
  const seen: string[] = [state.kind];
  let now = state;
  for (const event of events) {
    now = reduceRun(now, [event]);
    const name = now.kind === "working" ? `working/${now.phase}` : now.kind;
    if (seen.at(-1) !== name) seen.push(name);
  }
  return seen;
}

describe("the state of a run", () => {
  it("goes through the phases of the recorded run", () => {
    expect(kinds(begun)).toEqual([
      "starting",
      "working/loading",
      "working/preparing",
      "working/evaluating_before",
      "working/compiling",
      "training",
      "working/evaluating",
      "training",
      "paused",
      "training",
      "working/evaluating_after",
      "working/saving",
      "finished",
    ]);
  });

  it("is the same whether events come one by one or all together", () => {
    const together = reduceRun(begun, events);
    const single = events.reduce((state, event) => reduceRun(state, [event]), begun);
    expect(together).toEqual(single);
  });

  it("keeps every step, every evaluation and the plan", () => {
    const end = reduceRun(begun, events);
    if (end.kind !== "finished") throw new Error(`the recorded run ended as ${end.kind}`);
    expect([...end.log.steps].map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(end.log.evaluations.map(({ when, step }) => [when, step])).toEqual([
      ["before", 0],
      ["during", 3],
      ["after", 6],
    ]);
    expect(end.log.plan?.totalSteps).toBe(6);
    expect(end.report.steps).toBe(6);
  });

  it("ignores the events of another run, and events after the end", () => {
    const other = startRun("another", resolveSpec({}), 0);
    expect(reduceRun(other, events)).toEqual(other);
    const end = reduceRun(begun, events);
    expect(reduceRun(end, events)).toBe(end);
    expect(reduceRun(IDLE, events)).toBe(IDLE);
  });

  it("remembers what was asked until the worker confirms it", () => {
    const upTo = events.findIndex(({ type }) => type === "paused");
    const training = reduceRun(begun, events.slice(0, upTo));
    const pausing = withPendingCommand(training, "pause");
    expect(isActive(pausing) && pausing.pendingCommand).toBe("pause");
    const paused = reduceRun(pausing, events.slice(upTo, upTo + 1));
    expect(paused).toMatchObject({ kind: "paused", pendingCommand: null, step: 3 });
    const resuming = withPendingCommand(paused, "resume");
    expect(reduceRun(resuming, events.slice(upTo + 1, upTo + 2))).toMatchObject({
      kind: "training",
      pendingCommand: null,
    });
    const stopping = withPendingCommand(paused, "stop");
    expect(reduceRun(stopping, events.slice(upTo + 1, upTo + 2))).toMatchObject({
      kind: "training",
      pendingCommand: "stop",
    });
  });

  it("a late step does not end a pause", () => {
    const upTo = events.findIndex(({ type }) => type === "paused") + 1;
    const paused = reduceRun(begun, events.slice(0, upTo));
    const late = events.findLast(({ type }) => type === "step");
    if (late === undefined) throw new Error("no step was recorded");
    const after = reduceRun(paused, [late]);
    expect(after.kind).toBe("paused");
    expect(after.kind === "paused" && after.log.steps.length).toBe(4);
  });

  it("a failure keeps the log and says where the run stood", () => {
    const training = reduceRun(
      begun,
      events.slice(
        0,
        events.findIndex(({ type }) => type === "paused"),
      ),
    );
    const failure = { what: "The loss is NaN", where: "step 4", fix: "Lower the learning rate." };
    const failed = reduceRun(training, [
      { type: "failed", runId: recordedRunId, failure, lastStep: 3, adapterKept: true },
    ]);
    expect(failed).toMatchObject({ kind: "failed", failure, lastStep: 3, adapterKept: true });
    expect(failed.kind === "failed" && failed.log.steps.length).toBe(3);
    expect(isActive(failed)).toBe(false);
  });

  it("takes an adapter only for its own run", () => {
    const files = { "adapter_config.json": new Uint8Array(2), "adapter_model.safetensors": new Uint8Array(3) };
    expect(reduceRun(begun, [{ type: "adapter", runId: "another", files }])).toBe(begun);
    expect(reduceRun(begun, [{ type: "adapter", runId: recordedRunId, files }])).toMatchObject({
      log: { adapter: files },
    });
  });

  it("estimates from the median of the steps, without the first", () => {
    const step = (ms: number) => ({
      step: 1,
      ce: 1,
      penalty: 0,
      loss: 1,
      learning_rate: 1,
      grad_norm: 1,
      tokens: 10,
      ms,
    });
    expect(stepMilliseconds([])).toBeNull();
    expect(stepMilliseconds([step(900)])).toBe(900);
    expect(stepMilliseconds([step(900), step(10), step(12), step(500)])).toBe(12);
  });
});
