/** @file A landscape in the worker: paused, stopped, and out of the way of a run, with every point measured once. */
import { expect, it } from "vitest";
import type { LandscapeDocument } from "../../src/experiment/landscape/landscapeDocument.ts";
import type { KnownPoint, LandscapeOptions } from "../../src/experiment/landscape/landscapeRun.ts";
import { createBasinStore, afterLandscapeEvent } from "../../src/lab/basin/basinStore.ts";
import { Landscapes } from "../../src/lab/worker/landscapes.ts";
import type { LandscapeEvent } from "../../src/lab/worker/protocol/landscape.ts";

const POINTS = [0, 0.5, 1, 1.5];
const SURVEY = { id: "line", title: "line", axes: [{ steps: POINTS }], points: [] };

/** Measures a point whenever `step` is called. */
function measuring(): {
  readonly landscapes: Landscapes;
  readonly events: LandscapeEvent[];
  readonly measured: number[];
  readonly step: () => Promise<void>;
  readonly inUse: () => number;
} {
  const events: LandscapeEvent[] = [];
  const measured: number[] = [];
  let [proceed, uses] = [(): void => undefined, 0];
  const measure = async ({ known, events: on, gate, signal }: LandscapeOptions): Promise<LandscapeDocument> => {
    uses += 1;
    try {
      on?.onBegin?.({ fingerprint: "f", surveys: [SURVEY] as never, total: POINTS.length });
      expect(known?.fingerprint ?? "f").toBe("f");
      for (const a of POINTS) {
        if (known?.points.some((point) => point.a === a) === true) continue;
        await gate?.();
        signal?.throwIfAborted();
        await new Promise<void>((resolve) => {
          proceed = resolve;
          signal?.addEventListener("abort", () => resolve());
        });
        signal?.throwIfAborted();
        measured.push(a);
        on?.onPoint?.({ survey: "line", a, scores: {} } as KnownPoint, undefined as never);
      }
      return { surveys: [SURVEY] } as unknown as LandscapeDocument;
    } finally {
      uses -= 1;
    }
  };
  const landscapes = new Landscapes({
    environment: { within: (use) => use({} as never) },
    gpu: () => Promise.resolve({} as never),
    emit: (event) => events.push(event),
    measure,
  });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  const step = async (): Promise<void> => {
    await settle();
    proceed();
    await settle();
  };
  return { landscapes, events, measured, step, inUse: () => uses };
}

const start = { type: "landscape", landscapeId: "l", spec: {} as never } as const;
const command = <T extends string>(type: T): { readonly type: T; readonly landscapeId: string } => ({
  type,
  landscapeId: "l",
});

it("gives way to runs, frees the device, and measures no point twice", async () => {
  const { landscapes, events, measured, step, inUse } = measuring();
  const ended = landscapes.obey(start);
  await step();
  await step();
  await landscapes.giveWay();
  expect([measured, inUse(), landscapes.busy]).toEqual([[0, 0.5], 0, true]);
  await step();
  expect([inUse(), events.at(-1)?.type]).toEqual([0, "landscape_waiting"]);
  landscapes.runEnded();
  await step();
  // The next cell of a table, before and after a point.
  await landscapes.giveWay();
  await landscapes.giveWay();
  landscapes.runEnded();
  await step();
  await ended;
  expect([measured, inUse(), landscapes.busy]).toEqual([POINTS, 0, false]);
  expect(events.at(-1)?.type).toBe("landscape_done");
  const store = createBasinStore();
  store.setState({ kind: "opening", id: "l" }, true);
  const seen = events.slice(0, -1).map((event) => {
    const state = afterLandscapeEvent(store.getState(), event);
    store.setState(state, true);
    return state.kind === "measuring" ? `${state.measured.done}${state.waiting ? " waiting" : ""}` : state.kind;
  });
  expect(seen).toEqual(["0", "1", "2", "2 waiting", "0", "1", "2", "3", "3 waiting", "0", "1", "2", "3", "4"]);
});

it("is stopped and refused while it waits for a run; a pause outlives the run", async () => {
  const one = measuring();
  const ended = one.landscapes.obey(start);
  await one.step();
  await one.landscapes.giveWay();
  await one.landscapes.obey(command("landscape_stop"));
  await ended;
  expect(one.events.at(-1)).toEqual({ type: "landscape_failed", landscapeId: "l", failure: null });

  const two = measuring();
  const other = two.landscapes.obey(start);
  await two.step();
  await two.landscapes.obey(command("landscape_pause"));
  await two.step();
  await two.landscapes.giveWay();
  two.landscapes.runEnded();
  await two.step();
  await two.step();
  const before = [...two.measured];
  await two.landscapes.obey(command("landscape_resume"));
  await two.step();
  await two.step();
  await two.step();
  await other;
  expect([before.length < POINTS.length, two.measured]).toEqual([true, POINTS]);
});

it("reports what goes wrong, and can be started again", async () => {
  const events: LandscapeEvent[] = [];
  const landscapes = new Landscapes({
    environment: { within: (use) => use({} as never) },
    gpu: () => Promise.reject(new Error("no device")),
    emit: (event) => events.push(event),
    measure: () => Promise.reject(new Error("never")),
  });
  await landscapes.obey(start);
  expect([events.at(-1)?.type, landscapes.busy]).toEqual(["landscape_failed", false]);
  await landscapes.giveWay();
  await landscapes.obey(start);
  expect(events.length).toBe(2);
});
