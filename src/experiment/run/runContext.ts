/**
 * @file What all phases of a run share: the request, the control and its signal, the reports to the outside, the device
 * and whether it was lost, what must be released in the end, and the few facts that outlive a failure.
 */
import { describeDevice, type Gpu } from "../../engine/device.ts";
import { onDeviceLost } from "../../engine/deviceLoss.ts";
import { BasinError } from "../../base/error.ts";
import type { Transfer } from "../../weights/transfer.ts";
import { SnapshotWriter } from "../snapshot/snapshotWriter.ts";
import type { RunSnapshot } from "../snapshot/runSnapshot.ts";
import type { Spec } from "../spec/spec.ts";
import { AdapterDelivery } from "./adapterDelivery.ts";
import type { RunEnvironment } from "./environment.ts";
import type { MemoryReport, RunEvent, RunPhase } from "./events.ts";
import { RunControl } from "./runControl.ts";
import type { RunOptions } from "./runOptions.ts";

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A run event; the context adds the run's id. */
export type RunReportEvent = DistributiveOmit<RunEvent, "runId">;

export class RunContext {
  readonly options: RunOptions;
  readonly control: RunControl;
  readonly snapshots: SnapshotWriter;
  readonly adapter: AdapterDelivery;
  /** Optimiser steps taken. */
  steps = 0;
  /** What the plan says the run takes; null before there is a plan. */
  memory: MemoryReport | null = null;
  readonly #began: number;
  /** Bytes that others held on the device when the run began. */
  readonly #memoryBefore: number;
  readonly #releases: (() => void)[] = [];
  #lost: GPUDeviceLostInfo | null = null;
  #latest: { readonly phase: RunPhase; readonly progress?: number; readonly detail?: string } = { phase: "loading" };

  constructor(options: RunOptions) {
    const { environment, gpu, spec, resume, outputs } = options;
    this.options = options;
    this.control = options.control ?? new RunControl();
    this.#began = environment.now();
    this.adapter = new AdapterDelivery(outputs.onAdapter, () => environment.now());
    this.snapshots = new SnapshotWriter({
      spec,
      resumed: resume,
      save: outputs.onSnapshot,
      elapsed: () => environment.now() - this.#began,
      onFailure: (reason) =>
        this.emit({ type: "phase", ...this.#latest, detail: `The snapshot could not be saved: ${reason}` }),
    });
    gpu.memory.resetPeak();
    this.#memoryBefore = gpu.memory.live;
    this.#releases.push(
      onDeviceLost(gpu, (info) => {
        this.#lost = info;
      }),
    );
  }

  get spec(): Spec {
    return this.options.spec;
  }

  get gpu(): Gpu {
    return this.options.gpu;
  }

  get environment(): RunEnvironment {
    return this.options.environment;
  }

  /** The snapshot that the run resumes from. */
  get resume(): RunSnapshot | undefined {
    return this.options.resume;
  }

  /** Aborted when nothing more shall be computed. */
  get signal(): AbortSignal {
    return this.control.signal;
  }

  /** The device and the version of Basin, as a snapshot records them. */
  get origin(): { readonly device: string; readonly basin: string } {
    return { device: describeDevice(this.gpu), basin: this.environment.versions.basin ?? "" };
  }

  /** Most bytes that the run's buffers took together. */
  get peakMemory(): number {
    return this.gpu.memory.peak - this.#memoryBefore;
  }

  emit(event: RunReportEvent): void {
    this.options.outputs.onEvent({ ...event, runId: this.options.runId } as RunEvent);
  }

  /** Reports the phase that the run is in. */
  phase(
    phase: RunPhase,
    progress?: number,
    detail?: string,
    count?: { readonly done: number; readonly total: number },
  ): void {
    this.#latest = {
      phase,
      ...(progress === undefined ? {} : { progress }),
      ...(detail === undefined ? {} : { detail }),
    };
    this.emit({ type: "phase", ...this.#latest, ...(count === undefined ? {} : { count }) });
  }

  /** Reports how files come in, with the phase that waits for them. */
  readonly onTransfer = (transfer: Transfer): void => {
    const { phase, ...rest } = this.#latest;
    if (phase === "loading" || phase === "preparing") this.emit({ type: "phase", phase, ...rest, transfer });
  };

  /** Has `resource` destroyed when the run ends. */
  own<T extends { destroy(): void }>(resource: T): T {
    this.#releases.push(() => resource.destroy());
    return resource;
  }

  /** The result, or, when the device was lost meanwhile, an error that says so. */
  async orLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      // A lost device makes pending work fail first and is announced right after.
      await Promise.resolve();
      if (this.#lost === null || this.#lost.reason === "destroyed") throw cause;
      throw new BasinError({
        what: `The device was lost${this.#lost.message === "" ? "" : `: ${this.#lost.message}`}`,
        where: `step ${this.steps + 1}`,
        fix:
          "Resume from the last snapshot where there is one; the adapter as last copied is saved, too. " +
          "If it happens again, lower the batch size or update the driver.",
        cause,
      });
    }
  }

  /** The result, or `otherwise` when the run was aborted meanwhile. Once training has begun, an abort is no failure. */
  async unlessAborted<T>(work: Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (this.signal.aborted && error instanceof DOMException && error.name === "AbortError") return otherwise;
      throw error;
    }
  }

  /** After a failure: delivers the adapter as it last stood. @returns whether there was one */
  async rescueAdapter(): Promise<boolean> {
    if (this.steps === 0 && !this.adapter.delivered) return false;
    try {
      return await this.adapter.rescue(this.#lost !== null);
    } catch (error) {
      this.emit({
        type: "phase",
        phase: "saving",
        detail: `The adapter could not be saved: ${error instanceof Error ? error.message : String(error)}`,
      });
      return false;
    }
  }

  /** Releases what the run owns, last first. */
  destroy(): void {
    for (const release of this.#releases.reverse()) release();
  }
}
