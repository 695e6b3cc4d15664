/**
 * @file The record of a run so far, and when it is saved with the run's state as a snapshot: before the first step,
 * every `train.save_steps` steps, on pause, when the run is stopped, and after the last step.
 *
 * What was reported since the last snapshot is appended to the log; nothing that is in the log is held here.
 */
import type { RouteTable } from "../../engine/routing/router.ts";
import type { MethodState, PreparedMethod } from "../../methods/stages.ts";
import type { TrainingState } from "../../train/trainingState.ts";
import type { StepMetrics } from "../run/events.ts";
import type { ModuleColumn, Sampled } from "../run/observations.ts";
import type { SaveSnapshot } from "../run/runOptions.ts";
import type { Spec } from "../spec/spec.ts";
import {
  encodeSnapshot,
  type RecordedEvaluation,
  type RunOrigin,
  type RunSnapshot,
  type SnapshotStage,
} from "./runSnapshot.ts";
import { encodeLogPart, LOG_START, type LogContent, type LogEnd, type LogEntry } from "./snapshotLog.ts";

export interface SnapshotWriterOptions {
  readonly spec: Spec;
  /** What the run resumes from; undefined: it begins. */
  readonly resumed: RunSnapshot | undefined;
  /** Where snapshots go; undefined: none is made. */
  readonly save: SaveSnapshot | undefined;
  /** Milliseconds since the run began or was resumed. */
  readonly elapsed: () => number;
  /** Called when a snapshot could not be saved; the run continues without it. */
  readonly onFailure: (reason: string) => void;
}

/** What a snapshot is read from, beside the record. */
export interface SnapshotSource {
  readonly origin: RunOrigin;
  readonly kernels: RouteTable;
  /** The adapter and the optimiser as they stand. */
  readonly training: () => Promise<TrainingState>;
  readonly method: Pick<PreparedMethod, "steps">;
}

export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions;
  /** Reported since the last snapshot. */
  #entries: LogEntry[];
  /** Where the log of the last snapshot ends. */
  #log: LogEnd;
  #before: RecordedEvaluation | null;
  #source: SnapshotSource | null = null;
  /** Where the run stood when the last snapshot was saved. */
  #last: string | null = null;
  beforeReused: boolean;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    const { resumed } = options;
    this.#log = resumed?.record.log ?? LOG_START;
    // A snapshot of version 1 has no log: this one begins it.
    this.#entries = resumed?.record.log === null ? entriesOf(resumed.record) : [];
    this.#before = resumed?.record.evaluations.find(({ when }) => when === "before") ?? null;
    this.beforeReused = resumed?.record.beforeReused ?? false;
    if (resumed) this.#last = stageName(resumed.stage);
  }

  /** Whether snapshots are made. */
  get active(): boolean {
    return this.#options.save !== undefined && this.#options.spec.train.save_steps > 0;
  }

  /** The evaluation before training; null until there is one. */
  get before(): RecordedEvaluation | null {
    return this.#before;
  }

  /** Milliseconds that the run has taken, interruptions left out. */
  get elapsedMs(): number {
    return (this.#options.resumed?.record.elapsedMs ?? 0) + this.#options.elapsed();
  }

  /** Steps at which the run was resumed. */
  get resumedAt(): readonly number[] {
    const { resumed } = this.#options;
    return resumed ? [...resumed.record.resumedAt, resumed.stage.kind === "training" ? resumed.stage.step : 0] : [];
  }

  addStep(metrics: StepMetrics): void {
    this.#add({ step: metrics });
  }

  addEvaluation(evaluation: RecordedEvaluation): void {
    if (evaluation.when === "before") this.#before = evaluation;
    this.#add({ evaluation });
  }

  addColumn(column: ModuleColumn): void {
    this.#add({ modules: column });
  }

  addSample(sampled: Sampled): void {
    this.#add({ sampled });
  }

  #add(entry: LogEntry): void {
    if (this.active) this.#entries.push(entry);
  }

  /** Whether a snapshot is due after so many steps. */
  due(step: number): boolean {
    return this.active && step % this.#options.spec.train.save_steps === 0;
  }

  /** From here on snapshots can be saved. */
  attach(source: SnapshotSource): void {
    this.#source = source;
  }

  /** What the method remembers is read from this one from now on. */
  reattach(method: SnapshotSource["method"]): void {
    if (this.#source !== null) this.#source = { ...this.#source, method };
  }

  /** Saves the run as it stands, unless the last snapshot is of the same moment. */
  async save(stage: SnapshotStage): Promise<void> {
    const { spec, save, onFailure } = this.#options;
    if (this.#source === null || !this.active || save === undefined || this.#last === stageName(stage)) return;
    const { origin, kernels, method } = this.#source;
    const entries = [...this.#entries];
    const { beforeReused, elapsedMs, resumedAt } = this;
    const methodState: MethodState | null = method.steps ? await method.steps.read() : null;
    const training = await this.#source.training();
    try {
      const { part, end } = await encodeLogPart(entries, this.#log);
      const record = { log: end, beforeReused, elapsedMs, resumedAt };
      const file = await encodeSnapshot({ spec, origin, stage, kernels, record, training, method: methodState });
      await save({ file, log: part, step: stage.step, stage: stage.kind });
      this.#last = stageName(stage);
      this.#log = end;
      this.#entries = this.#entries.slice(entries.length);
    } catch (error) {
      onFailure(error instanceof Error ? error.message : String(error));
    }
  }
}

function stageName({ kind, step }: SnapshotStage): string {
  return `${kind} ${step}`;
}

function entriesOf({ steps, evaluations, modules, samples }: LogContent): LogEntry[] {
  return [
    ...steps.map((step) => ({ step })),
    ...evaluations.map((evaluation) => ({ evaluation })),
    ...modules.map((column) => ({ modules: column })),
    ...samples.map((sampled) => ({ sampled })),
  ];
}
