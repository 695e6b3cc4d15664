/**
 * @file The record of a run so far, and when it is saved with the run's state as a snapshot: before the first step,
 * every `train.save_steps` steps, on pause, when the run is stopped, and after the last step.
 */
import type { ParameterStore } from "../../engine/parameters.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { MethodState, PreparedMethod } from "../../methods/stages.ts";
import { readTrainingState } from "../../train/trainingState.ts";
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
  readonly parameters: ParameterStore;
  readonly method: Pick<PreparedMethod, "steps">;
}

export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions;
  readonly #steps: StepMetrics[];
  readonly #evaluations: RecordedEvaluation[];
  readonly #modules: ModuleColumn[];
  readonly #samples: Sampled[];
  #source: SnapshotSource | null = null;
  /** Where the run stood when the last snapshot was saved. */
  #last: string | null = null;
  beforeReused: boolean;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    const { resumed } = options;
    this.#steps = [...(resumed?.record.steps ?? [])];
    this.#evaluations = [...(resumed?.record.evaluations ?? [])];
    this.#modules = [...(resumed?.record.modules ?? [])];
    this.#samples = [...(resumed?.record.samples ?? [])];
    this.beforeReused = resumed?.record.beforeReused ?? false;
    if (resumed) this.#last = stageName(resumed.stage);
  }

  /** Whether snapshots are made. */
  get active(): boolean {
    return this.#options.save !== undefined && this.#options.spec.train.save_steps > 0;
  }

  get evaluations(): readonly RecordedEvaluation[] {
    return this.#evaluations;
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
    this.#steps.push(metrics);
  }

  addEvaluation(evaluation: RecordedEvaluation): void {
    this.#evaluations.push(evaluation);
  }

  addColumn(column: ModuleColumn): void {
    this.#modules.push(column);
  }

  addSample(sampled: Sampled): void {
    this.#samples.push(sampled);
  }

  /** Whether a snapshot is due after so many steps. */
  due(step: number): boolean {
    return this.active && step % this.#options.spec.train.save_steps === 0;
  }

  /** From here on snapshots can be saved. */
  attach(source: SnapshotSource): void {
    this.#source = source;
  }

  /** Saves the run as it stands, unless the last snapshot is of the same moment. */
  async save(stage: SnapshotStage): Promise<void> {
    const { spec, save, onFailure } = this.#options;
    if (this.#source === null || !this.active || save === undefined || this.#last === stageName(stage)) return;
    const { origin, kernels, parameters, method } = this.#source;
    const record = {
      steps: this.#steps,
      evaluations: this.#evaluations,
      modules: this.#modules,
      samples: this.#samples,
      beforeReused: this.beforeReused,
      elapsedMs: this.elapsedMs,
      resumedAt: this.resumedAt,
    };
    const methodState: MethodState | null = method.steps ? await method.steps.read() : null;
    const training = await readTrainingState(parameters);
    try {
      const file = await encodeSnapshot({ spec, origin, stage, kernels, record, training, method: methodState });
      await save(file, stage.step, stage.kind);
      this.#last = stageName(stage);
    } catch (error) {
      onFailure(error instanceof Error ? error.message : String(error));
    }
  }
}

function stageName({ kind, step }: SnapshotStage): string {
  return `${kind} ${step}`;
}
