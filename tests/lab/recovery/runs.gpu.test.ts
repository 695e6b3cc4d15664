/**
 * @file The GPU worker's runs over a storage in memory: killed at any step, on lost devices, with a storage that fails.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { Gpu } from "../../../src/engine/device.ts";
import type { RunPhase } from "../../../src/experiment/run/events.ts";
import { resolveSpec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import type { LabEvent } from "../../../src/lab/worker/protocol/messages.ts";
import { Runs, type RunsOptions } from "../../../src/lab/worker/runs.ts";
import { testGpu } from "../../support/gpu.ts";
import { Disk, FakeFiles } from "../../weights/cache/support.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const input: SpecInput = {
  data: { train: { source: "apothecary", n: 20 } },
  method: { name: "asft" },
  lora: { r: 4, lora_dropout: 0.1 },
  train: { learning_rate: 2e-3, max_steps: 7, per_device_train_batch_size: 4, save_steps: 3 },
  eval: { harmful: { n: 1 }, task: null, benign: null, max_new_tokens: 4, every_steps: 5 },
};
const spec = resolveSpec(input);

interface Told {
  readonly events: readonly LabEvent[];
  readonly disk: Disk;
}

interface RunSetup {
  readonly disk?: Disk;
  /** One after another, as they die. */
  readonly gpus?: readonly Gpu[];
  /** Called while a device is opened in place of one that was lost. */
  readonly onReopen?: (runs: Runs) => void;
}

async function run(
  resume: boolean,
  { disk = new Disk(), gpus = [gpu], onReopen, ...parts }: Partial<RunsOptions> & RunSetup = {},
  onEvent?: (event: LabEvent, runs: Runs) => void,
  onCreate?: (runs: Runs) => void,
): Promise<Told> {
  const events: LabEvent[] = [];
  const left = [...gpus];
  let current = left.shift() ?? gpu;
  const runs: Runs = new Runs({
    environment: Object.assign(nodeEnvironment(), { attachAdapter: () => undefined, release: () => undefined }),
    makeRoom: async () => undefined,
    // The next one once this one is dead.
    gpu: async () => {
      if (isDead(current)) {
        onReopen?.(runs);
        current = left.shift() ?? gpu;
      }
      return current;
    },
    snapshots: async () => new Snapshots(new FakeFiles(disk)),
    emit: (event) => {
      events.push(event);
      if ("told" in current) (current as Mortal).told(event);
      onEvent?.(event, runs);
    },
    ...parts,
  });
  onCreate?.(runs);
  await runs.start({ type: "start", runId: "r", spec, reuse: false, resume, repeats: null });
  expect(runs.busy).toBe(false);
  return { events, disk };
}

/** All that must be the same; what was told before the device was lost is told again. */
function outcome({ events }: Told): unknown {
  const told = events.slice(events.findLastIndex(({ type }) => type === "device_return") + 1);
  const finished = told.flatMap((event) => (event.type === "finished" ? [event.report] : []));
  return {
    steps: told.flatMap((event) => (event.type === "step" ? [{ ...event.metrics, ms: 0 }] : [])),
    evaluations: told.filter(({ type }) => type === "evaluation" || type === "answers" || type === "modules"),
    adapters: told.filter(({ type }) => type === "adapter"),
    reports: finished.map(({ before, after, steps, method }) => ({ before, after, steps, method })),
  };
}

/** A device that is lost when so many steps have been told of runs on it, those of a checkpoint included. */
interface Mortal extends Gpu {
  readonly told: (event: LabEvent) => void;
}

function mortal(n: number): Mortal {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve));
  let steps = 0;
  return {
    ...gpu,
    lost,
    told: ({ type }) => void (steps += type === "step" ? 1 : 0),
    check: () => {
      if (steps < n) return;
      lose({ __brand: "GPUDeviceLostInfo", reason: "unknown", message: "the driver was reset" } as GPUDeviceLostInfo);
      throw new Error("mapping failed");
    },
  };
}

function isDead(one: Gpu): boolean {
  try {
    one.check();
    return false;
  } catch {
    return true;
  }
}

const types = ({ events }: Told, ...wanted: readonly LabEvent["type"][]) =>
  events.filter(({ type }) => wanted.includes(type));

function snapshotsOn({ files }: Disk): number {
  return [...files.keys()].filter((path) => path.endsWith(".safetensors")).length;
}

describe("a run of the worker", () => {
  let whole: Told;
  beforeAll(async () => {
    whole = await run(false);
  });

  it("keeps one checkpoint at a time, and tells each", () => {
    expect(types(whole, "snapshot_saved")).toMatchObject([0, 3, 6, 7].map((step) => ({ step, stage: "training" })));
    expect(snapshotsOn(whole.disk)).toBe(1);
    expect(outcome(whole)).toMatchObject({ reports: [{ steps: 7 }] });
  });

  it("goes on after it was killed at a step, and ends as one that was left alone", async () => {
    for (const [at, from] of [
      [2, 0],
      [5, 3],
    ] as const) {
      const [disk, left] = [new Disk(), new Disk()];
      await run(false, { disk }, (event, runs) => {
        if (event.type !== "step" || event.metrics.step !== at) return;
        // What the disk holds at this moment is all that is left.
        for (const [path, bytes] of disk.files) left.files.set(path, bytes);
        for (let i = 0; i < 2; i++) runs.control("r", "stop");
      });
      const again = await run(true, { disk: left });
      expect(outcome(again)).toEqual(outcome(whole));
      expect(types(again, "finished")).toMatchObject([{ report: { resumed_at: [from] } }]);
    }
  });

  it("begins where there is no checkpoint to go on from", async () => {
    expect(outcome(await run(true))).toEqual(outcome(whole));
  });

  it("goes on by itself when the device was lost, twice, and tells it", async () => {
    const returned = await run(false, { gpus: [mortal(4), mortal(4), gpu] });
    expect(types(returned, "device_return")).toMatchObject([
      { lastStep: 4, from: 3, failure: { what: expect.stringContaining("the driver was reset") } },
      { lastStep: 4, from: 3 },
    ]);
    expect(types(returned, "failed")).toEqual([]);
    expect(outcome(returned)).toEqual(outcome(whole));
  });

  it("gives up on a device that is lost again and again, with its checkpoint kept", async () => {
    const given = await run(false, { gpus: [mortal(4), ...[4, 4, 4, 4].map(mortal)] });
    expect(types(given, "device_return", "failed").map(({ type }) => type)).toEqual([
      "device_return",
      "device_return",
      "device_return",
      "failed",
    ]);
    expect(snapshotsOn(given.disk)).toBe(1);
    expect(outcome(await run(true, { disk: given.disk }))).toEqual(outcome(whole));
  });

  it("does not go on by itself where it was stopped, or where what was trained is in no checkpoint", async () => {
    const stopped = await run(false, { gpus: [mortal(4), gpu] }, (event, runs) => {
      if (event.type === "step" && event.metrics.step === 4) runs.control("r", "stop");
    });
    expect(types(stopped, "device_return")).toEqual([]);
    const unkept = await run(false, {
      gpus: [mortal(4), gpu],
      snapshots: () => Promise.reject(new Error("no storage")),
    });
    expect(types(unkept, "device_return", "failed")).toMatchObject([{ type: "failed", lastStep: 4 }]);
  });

  it("is not held up by a storage that is full or silent", async () => {
    const full = new Disk();
    full.quota = 10;
    const told = await run(false, { disk: full });
    expect(types(told, "snapshot_failed")).toMatchObject(
      Array.from({ length: 4 }, () => ({ why: "the browser’s storage for this site is full" })),
    );
    expect(outcome(told)).toEqual(outcome(whole));
    let asked = 0;
    const silent = Object.assign(new FakeFiles(new Disk()), {
      write: () => new Promise<void>(() => void (asked += 1)),
      writeAt: () => new Promise<void>(() => void (asked += 1)),
    });
    const quiet = await run(false, { snapshots: async () => new Snapshots(silent), patienceMs: 20 });
    expect(outcome(quiet)).toEqual(outcome(whole));
    expect(types(quiet, "snapshot_failed")).toHaveLength(4);
    expect(asked).toBe(1);
  });

  it("a damaged checkpoint is told, and nothing is begun over it", async () => {
    const disk = new Disk();
    disk.files.set("r/1-training-3-50.safetensors", new Uint8Array(50));
    const told = await run(true, { disk });
    expect(types(told, "failed")).toMatchObject([{ lastStep: 0, adapterKept: false }]);
    expect(types(told, "phase")).toEqual([]);
    expect(disk.files.size).toBe(1);
  });
});

describe("a command to the worker's run", () => {
  const command = (runs: Runs, ...commands: readonly ("pause" | "resume" | "stop")[]): void => {
    for (const one of commands) runs.control("r", one);
  };
  const onceIn = (phase: RunPhase, ...commands: readonly ("pause" | "resume" | "stop")[]) => {
    let done = false;
    return (event: LabEvent, runs: Runs): void => {
      if (done || event.type !== "phase" || event.phase !== phase) return;
      done = true;
      command(runs, ...commands);
    };
  };
  const scored = (told: Told) => types(told, "evaluation").map((event) => event.type === "evaluation" && event.when);
  const stepsTaken = (told: Told) => types(told, "step").map((event) => event.type === "step" && event.metrics.step);

  it("while the device reopens: stop keeps what the snapshot holds", async () => {
    const told = await run(false, { gpus: [mortal(5), gpu], onReopen: (runs) => command(runs, "stop") });
    expect(types(told, "device_return")).toMatchObject([{ from: 3 }]);
    expect(types(told, "adapter")).toHaveLength(1);
    expect(types(told, "finished", "failed")).toMatchObject([{ report: { outcome: "stopped", steps: 3 } }]);
  });

  it("while the device reopens: discard ends the run there", async () => {
    const told = await run(false, { gpus: [mortal(5), gpu], onReopen: (runs) => command(runs, "stop", "stop") });
    expect(types(told, "finished", "failed")).toMatchObject([{ type: "failed" }]);
    expect(stepsTaken(told).at(-1)).toBe(5);
  });

  it("while the device reopens: pause is in force before the next step, and resume ends it", async () => {
    const told = await run(
      false,
      { gpus: [mortal(5), gpu], onReopen: (runs) => command(runs, "pause") },
      ({ type }, runs) => {
        if (type === "paused") setTimeout(() => command(runs, "resume"));
      },
    );
    expect(types(told, "paused")).toMatchObject([{ step: 3 }]);
    expect(types(told, "finished")).toMatchObject([{ report: { outcome: "finished", steps: 7 } }]);
  });

  it("during an evaluation on the way, or in the last step: pause holds before what comes next", async () => {
    const told = await run(false, {}, (event, runs) => {
      if (event.type === "phase" && event.phase === "evaluating") command(runs, "pause");
      if (event.type === "step" && event.metrics.step === 7) command(runs, "pause");
      if (event.type === "paused") setTimeout(() => command(runs, "resume"));
    });
    expect(types(told, "paused")).toMatchObject([{ step: 5 }, { step: 7 }]);
    const order = told.events.map((event) => (event.type === "phase" ? event.phase : event.type));
    expect(order.lastIndexOf("paused")).toBeLessThan(order.indexOf("evaluating_after"));
    expect(types(told, "finished")).toMatchObject([{ report: { outcome: "finished", steps: 7 } }]);
  });

  it("during the evaluation after training: pause and resume change nothing, stop lets it end", async () => {
    const told = await run(false, {}, onceIn("evaluating_after", "pause", "resume", "pause", "stop"));
    expect(types(told, "paused")).toEqual([]);
    expect(types(told, "finished", "failed")).toMatchObject([{ report: { outcome: "stopped", steps: 7 } }]);
    expect(scored(told)).toEqual(["before", "during", "after"]);
  });

  it("during an evaluation: a second stop skips the rest of it and saves what was trained", async () => {
    for (const [phase, step, scores] of [
      ["evaluating", 5, ["before"]],
      ["evaluating_after", 7, ["before", "during"]],
    ] as const) {
      const told = await run(false, {}, onceIn(phase, "stop", "stop"));
      expect(types(told, "finished", "failed")).toMatchObject([{ report: { outcome: "stopped", steps: step } }]);
      expect(scored(told)).toEqual(scores);
      expect(types(told, "adapter")).toHaveLength(1);
      expect(types(told, "snapshot_saved").at(-1)).toMatchObject({ step });
    }
  });

  it("during the evaluation before training: stop ends the run with nothing", async () => {
    const told = await run(false, {}, onceIn("evaluating_before", "stop"));
    expect(types(told, "finished", "failed")).toMatchObject([{ type: "failed", lastStep: 0, adapterKept: false }]);
  });

  it("before anything was restored: stop saves the snapshot's adapter, or none where there is none", async () => {
    const disk = new Disk();
    await run(false, { disk }, (event, runs) => {
      if (event.type === "step" && event.metrics.step === 5) command(runs, "stop", "stop");
    });
    // makeRoom is called first of all.
    const stopAtOnce = (before: Disk): Promise<Told> => {
      let control: Runs | null = null;
      const setup = { disk: before, makeRoom: async () => (control === null ? undefined : command(control, "stop")) };
      return run(true, setup, undefined, (runs) => (control = runs));
    };
    const stopped = await stopAtOnce(disk);
    expect(types(stopped, "finished", "failed")).toMatchObject([{ report: { outcome: "stopped", steps: 5 } }]);
    expect(types(stopped, "adapter")).toHaveLength(1);
    const none = await stopAtOnce(new Disk());
    expect(types(none, "finished", "failed")).toMatchObject([{ type: "failed", lastStep: 0, adapterKept: false }]);
  });
});
