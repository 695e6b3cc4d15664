/**
 * @file The run of the GPU worker, one at a time, and its snapshots.
 *
 *     start ▸ (a snapshot to resume from) ▸ run ▸ finished | failed
 *                        ▲                   │ the device was lost
 *                        └── device opened ◀─┘ at most `MAX_RETURNS` times
 *
 * A lost device does not end a run: it resumes by itself from its last snapshot. One `RunControl` serves the run on
 * every device, so that a stop or pause takes effect whenever it comes. A storage that is full or does not answer costs
 * the snapshots, never the run.
 */
import { describeDevice, type Gpu } from "../../engine/device.ts";
import { onDeviceLost } from "../../engine/deviceLoss.ts";
import type { Evaluation } from "../../eval/evaluate.ts";
import type { RunSnapshot, SnapshotStage } from "../../experiment/snapshot/runSnapshot.ts";
import type { RunEvent } from "../../experiment/run/events.ts";
import { RunControl } from "../../experiment/run/runControl.ts";
import type { Reuse, RunOutputs } from "../../experiment/run/runOptions.ts";
import { runExperiment } from "../../experiment/run/runner.ts";
import { answered, SilentStorageError } from "../../weights/cache/patience.ts";
import { encodeAdapter, type AdapterFiles } from "../../weights/adapterFile.ts";
import type { Snapshots } from "../recovery/snapshots.ts";
import { storageReason } from "../recovery/storageReason.ts";
import { toFailure } from "../support/failure.ts";
import type { ReleasableEnvironment } from "./environmentScope.ts";
import { RUN_ADAPTER } from "./protocol/adapterNames.ts";
import type { RunUpdate, SnapshotEvent, StartCommand } from "./protocol/run.ts";
import { kernelsToRepeat } from "./repeatKernels.ts";

type Failed = Extract<RunEvent, { type: "failed" }>;
type SaveSnapshot = NonNullable<RunOutputs["onSnapshot"]>;

export interface RunsOptions {
  readonly environment: ReleasableEnvironment & { attachAdapter(name: string, files: AdapterFiles): void };
  /** Frees what else holds the device; called before a run. */
  readonly makeRoom: () => Promise<void>;
  /** The device; opened anew after a loss. */
  readonly gpu: () => Promise<Gpu>;
  /** Whether measured kernels are wanted; they are unless this says otherwise. */
  readonly measuredKernels?: () => boolean;
  readonly snapshots: () => Promise<Snapshots>;
  readonly emit: (event: RunUpdate | SnapshotEvent) => void;
  /** After so long without an answer the storage counts as broken, in milliseconds. */
  readonly patienceMs?: number;
}

/** A device that is lost more often than this is no device to train on. */
const MAX_RETURNS = 3;
/** A loss is announced right after the work that it makes fail. */
const LOSS_ANNOUNCED_MS = 500;

/** The run under way, on whichever device it is. */
interface CurrentRun {
  readonly command: StartCommand;
  readonly control: RunControl;
  readonly onSnapshot: SaveSnapshot;
}

export class Runs {
  readonly #options: RunsOptions;
  /** Evaluations before training, for the cells of a table. */
  readonly #evaluations = new Map<string, Evaluation>();
  #current: CurrentRun | null = null;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#current !== null;
  }

  /** Forgets evaluations: what a name stands for may have changed. */
  forget(): void {
    this.#evaluations.clear();
  }

  control(runId: string, command: "pause" | "resume" | "stop"): void {
    if (this.#current?.command.runId === runId) this.#current.control[command]();
  }

  /** Never throws: a failure is an event. */
  async start(command: StartCommand): Promise<void> {
    const { environment, emit } = this.#options;
    const { runId } = command;
    if (this.#current !== null) {
      const failure = { what: "Another run is under way", where: "run", fix: "Stop it first." };
      emit({ type: "failed", runId, failure, lastStep: 0, adapterKept: false });
      return;
    }
    const control = new RunControl();
    // Until its snapshot has been read: then `#run` says whether anything was trained.
    control.rewind(command.resume);
    this.#current = { command, control, onSnapshot: this.#snapshotWriter(runId) };
    try {
      await this.#run(this.#current);
    } catch (error) {
      // The runner reports its own failures; only opening the device or reading the snapshot can end here.
      emit({ type: "failed", runId, failure: toFailure(error, "run"), lastStep: 0, adapterKept: false });
    } finally {
      this.#current = null;
      environment.release();
    }
  }

  /** The run on one device after another, until it ends or cannot be resumed. */
  async #run(current: CurrentRun): Promise<void> {
    const { emit, makeRoom, gpu: openGpu } = this.#options;
    const { control, command } = current;
    const { runId } = command;
    await makeRoom();
    let from = command.resume ? await this.#load(runId) : null;
    for (let returns = 0; ; returns += 1) {
      // A stop before the first step ends a run with nothing; where something was trained before, it keeps that.
      control.rewind(from !== null && stepOf(from.stage) > 0);
      const gpu = await openGpu();
      const failed = await this.#runOn(gpu, current, from);
      if (failed === null) return;
      const again =
        returns < MAX_RETURNS && !control.stopRequested && (await isLost(gpu))
          ? await this.#resumePoint(runId, failed)
          : null;
      if (again === null) return emit(failed);
      from = again.from;
      const { failure, lastStep } = failed;
      emit({ type: "device_return", runId, failure, lastStep, from: from === null ? null : stepOf(from.stage) });
    }
  }

  /** @returns how it failed; null where it has finished or was stopped */
  async #runOn(gpu: Gpu, current: CurrentRun, from: RunSnapshot | null): Promise<Failed | null> {
    const { emit, environment } = this.#options;
    const { command, control, onSnapshot } = current;
    const { runId, spec, reuse, repeats } = command;
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
      reuse: { ...(reuse ? { evaluations: this.#evaluations } : {}), ...this.#kernels(gpu, repeats) },
    });
    return failed;
  }

  /** Those of the run that is repeated, where it was made by this very device, browser and Basin. */
  #kernels(gpu: Gpu, repeats: StartCommand["repeats"]): Pick<Reuse, "kernels" | "measureKernelsMs"> {
    const { measuredKernels, environment } = this.#options;
    if (measuredKernels?.() === false) return { measureKernelsMs: 0 };
    const kernels = kernelsToRepeat(repeats, { device: describeDevice(gpu), versions: environment.versions });
    return kernels === null ? {} : { kernels };
  }

  /**
   * What a run resumes from after its device was lost; null where it cannot: no device opens, or what was trained is in
   * no snapshot.
   */
  async #resumePoint(runId: string, { lastStep }: Failed): Promise<{ readonly from: RunSnapshot | null } | null> {
    try {
      await this.#options.gpu();
      const from = await this.#load(runId);
      return from === null && lastStep > 0 ? null : { from };
    } catch {
      return null;
    }
  }

  /** Writes the snapshots of a run, and reports how that went. */
  #snapshotWriter(runId: string): SaveSnapshot {
    const { emit } = this.#options;
    let silent: SilentStorageError | null = null;
    return async (snapshot) => {
      const { file, log, step, stage } = snapshot;
      try {
        // A write that never came back may hold the file: nothing more is asked of such a storage.
        if (silent !== null) throw silent;
        const snapshots = await this.#answered(this.#options.snapshots());
        await this.#answered(snapshots.save(runId, snapshot));
        emit({ type: "snapshot_saved", runId, step, stage, bytes: file.byteLength + log.bytes.byteLength });
      } catch (error) {
        if (error instanceof SilentStorageError) silent = error;
        emit({ type: "snapshot_failed", runId, why: storageReason(error) });
        throw error;
      }
    };
  }

  async #load(runId: string): Promise<RunSnapshot | null> {
    return this.#answered((await this.#answered(this.#options.snapshots())).load(runId));
  }

  #answered<T>(work: Promise<T>): Promise<T> {
    return answered(work, this.#options.patienceMs);
  }
}

/** Steps of the run that a snapshot holds. */
function stepOf(stage: SnapshotStage): number {
  return stage.kind === "training" ? stage.step : 0;
}

function isLost(gpu: Gpu): Promise<boolean> {
  return new Promise((resolve) => {
    const end = onDeviceLost(gpu, ({ reason }) => resolve(reason !== "destroyed"));
    setTimeout(() => {
      end();
      resolve(false);
    }, LOSS_ANNOUNCED_MS);
  });
}
