/**
 * @file The run of the GPU worker, one at a time, and its checkpoints.
 *
 *     start ▸ (a checkpoint to go on from) ▸ run ▸ finished | failed
 *                        ▲                    │ the device was lost
 *                        └── device opened ◀──┘ at most `MOST_RETURNS` times
 *
 * A lost device does not end a run: it goes on by itself from its last checkpoint. A storage that is full or silent costs the
 * checkpoints, never the run.
 */
import { describeDevice, type Gpu } from "../../engine/device.ts";
import type { Evaluation } from "../../eval/evaluate.ts";
import type { SnapshotStage, RunSnapshot } from "../../experiment/snapshot/runSnapshot.ts";
import type { RunEnvironment } from "../../experiment/run/environment.ts";
import type { RunEvent } from "../../experiment/run/events.ts";
import { RunControl } from "../../experiment/run/runControl.ts";
import type { Reuse } from "../../experiment/run/runOptions.ts";
import { runExperiment } from "../../experiment/run/runner.ts";
import { answered, SilentStorageError } from "../../weights/cache/patience.ts";
import { encodeAdapter, type AdapterFiles } from "../../weights/adapterFile.ts";
import type { Snapshots } from "../recovery/snapshots.ts";
import { storageReason } from "../recovery/reason.ts";
import { kernelsToRepeat } from "../runs/earlierRun.ts";
import { toFailure } from "../support/failure.ts";
import { RUN_ADAPTER, type LabCommand, type LabEvent } from "./protocol.ts";

type StartCommand = Extract<LabCommand, { type: "start" }>;
type Failed = Extract<RunEvent, { type: "failed" }>;

export interface RunsOptions {
  readonly environment: RunEnvironment & { attachAdapter(name: string, files: AdapterFiles): void; release(): void };
  /** Frees what else holds the device; called before a run. */
  readonly makeRoom: () => Promise<void>;
  /** The device; opened anew after a loss. */
  readonly gpu: () => Promise<Gpu>;
  /** Whether measured kernels are wanted; they are unless this says otherwise. */
  readonly measuredKernels?: () => boolean;
  readonly checkpoints: () => Promise<Snapshots>;
  readonly emit: (event: LabEvent) => void;
  /** After so long without an answer the storage counts as broken, in milliseconds. */
  readonly patienceMs?: number;
}

/** A device that is lost more often than this is no device to train on. */
const MOST_RETURNS = 3;
/** A loss is announced right after the work that it makes fail. */
const LOSS_TOLD_MS = 500;

export class Runs {
  readonly #parts: RunsOptions;
  /** Evaluations before training, for the cells of a table. */
  readonly #known = new Map<string, Evaluation>();
  /** `control` changes where the run goes on on another device. */
  #current: { readonly runId: string; control: RunControl } | null = null;

  constructor(parts: RunsOptions) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#current !== null;
  }

  /** Forgets evaluations: what a name stands for may have changed. */
  forget(): void {
    this.#known.clear();
  }

  control(runId: string, wish: "pause" | "resume" | "stop"): void {
    if (this.#current?.runId === runId) this.#current.control[wish]();
  }

  /** Never throws: a failure is an event. */
  async start(command: StartCommand): Promise<void> {
    const { environment, emit } = this.#parts;
    const { runId } = command;
    if (this.#current !== null) {
      emit({
        type: "failed",
        runId,
        failure: { what: "Another run is under way", where: "run", fix: "Stop it first." },
        lastStep: 0,
        adapterKept: false,
      });
      return;
    }
    this.#current = { runId, control: new RunControl() };
    try {
      await this.#go(command, this.#current);
    } catch (error) {
      // The runner reports its own failures; only opening the device or reading the checkpoint can end here.
      emit({ type: "failed", runId, failure: toFailure(error, "run"), lastStep: 0, adapterKept: false });
    } finally {
      this.#current = null;
      environment.release();
    }
  }

  async #go({ runId, spec, reuse, resume, repeats }: StartCommand, current: { control: RunControl }): Promise<void> {
    const { emit, environment } = this.#parts;
    const onSnapshot = this.#keeper(runId);
    await this.#parts.makeRoom();
    let from = resume ? await this.#load(runId) : null;
    for (let returns = 0; ; returns += 1) {
      const { control } = current;
      // A stop before the first step ends a run with nothing; where something was trained before, it keeps that.
      if (from !== null && stepOf(from.stage) > 0) control.trainingBegins();
      const gpu = await this.#parts.gpu();
      let failed = null as Failed | null;
      await runExperiment({
        runId,
        spec,
        gpu,
        environment,
        control,
        outputs: {
          onEvent: (event) => {
            if (event.type === "failed") failed = event;
            else emit(event);
          },
          onAnswers: (when, step, answers) => emit({ type: "answers", runId, when, step, answers }),
          onAdapter: (adapter) => {
            const files = encodeAdapter(adapter);
            environment.attachAdapter(`${RUN_ADAPTER}${runId}`, files);
            emit({ type: "adapter", runId, files });
          },
          onSnapshot,
        },
        ...(from === null ? {} : { resume: from }),
        reuse: { ...(reuse ? { evaluations: this.#known } : {}), ...this.#kernels(gpu, repeats) },
      });
      if (failed === null) return;
      const again =
        returns < MOST_RETURNS && !control.stopRequested && (await isLost(gpu))
          ? await this.#again(runId, failed)
          : null;
      if (again === null) return emit(failed);
      from = again.from;
      current.control = new RunControl();
      if (control.pauseRequested) current.control.pause();
      emit({
        type: "goes_on",
        runId,
        failure: failed.failure,
        lastStep: failed.lastStep,
        from: from === null ? null : stepOf(from.stage),
      });
    }
  }

  /** Those of the run that is repeated, where it was made by this very device, browser and Basin. */
  #kernels(gpu: Gpu, repeats: StartCommand["repeats"]): Pick<Reuse, "kernels" | "measureKernelsMs"> {
    if (this.#parts.measuredKernels?.() === false) return { measureKernelsMs: 0 };
    const kernels = kernelsToRepeat(repeats, {
      device: describeDevice(gpu),
      versions: this.#parts.environment.versions,
    });
    return kernels === null ? {} : { kernels };
  }

  /** What a run goes on from after its device was lost; null where it cannot: no device opens, or what was trained is in no checkpoint. */
  async #again(runId: string, { lastStep }: Failed): Promise<{ readonly from: RunSnapshot | null } | null> {
    try {
      await this.#parts.gpu();
      const from = await this.#load(runId);
      return from === null && lastStep > 0 ? null : { from };
    } catch {
      return null;
    }
  }

  /** Writes the checkpoints of a run, and tells how that went. */
  #keeper(runId: string): (file: Uint8Array<ArrayBuffer>, step: number, stage: SnapshotStage["kind"]) => Promise<void> {
    const { emit } = this.#parts;
    let silent: SilentStorageError | null = null;
    return async (file, step, stage) => {
      try {
        // A write that never came back may hold the file: nothing more is asked of such a storage.
        if (silent !== null) throw silent;
        const checkpoints = await this.#answered(this.#parts.checkpoints());
        await this.#answered(checkpoints.save(runId, file, step, stage));
        emit({ type: "checkpoint", runId, step, stage, bytes: file.byteLength });
      } catch (error) {
        if (error instanceof SilentStorageError) silent = error;
        emit({ type: "checkpoint_failed", runId, why: storageReason(error) });
        throw error;
      }
    };
  }

  async #load(runId: string): Promise<RunSnapshot | null> {
    return this.#answered((await this.#answered(this.#parts.checkpoints())).load(runId));
  }

  #answered<T>(work: Promise<T>): Promise<T> {
    return answered(work, this.#parts.patienceMs);
  }
}

/** Steps of the run that a checkpoint holds. */
function stepOf(stage: SnapshotStage): number {
  return stage.kind === "training" ? stage.step : 0;
}

async function isLost(gpu: Gpu): Promise<boolean> {
  const told = gpu.lost.then(({ reason }) => reason !== "destroyed");
  return Promise.race([told, new Promise<false>((resolve) => setTimeout(() => resolve(false), LOSS_TOLD_MS))]);
}
