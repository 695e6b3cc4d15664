/**
 * @file What a run remembers of itself for its checkpoints, and when one is made: before the first step, every
 * `train.save_steps` steps, on pause, when it is stopped, and after the last step.
 */
import type { ParameterStore } from "../../engine/parameters.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { MethodState, PreparedMethod } from "../../methods/method.ts";
import { readTrainingState } from "../../train/trainingState.ts";
import type { StepMetrics } from "../run/events.ts";
import type { ModuleColumn } from "../run/moduleFigures.ts";
import type { Sampled } from "../run/runSamples.ts";
import type { Spec } from "../spec/spec.ts";
import {
  encodeSnapshot,
  type CheckpointStage,
  type KeptEvaluation,
  type RunSnapshot,
  type RunOrigin,
} from "./runSnapshot.ts";

export interface KeeperOptions {
  readonly spec: Spec;
  /** What the run goes on from; undefined: it begins. */
  readonly resumed: RunSnapshot | undefined;
  /** Where checkpoints go; undefined: none is made. */
  readonly save:
    | ((file: Uint8Array<ArrayBuffer>, step: number, stage: CheckpointStage["kind"]) => Promise<void> | void)
    | undefined;
  /** Milliseconds since the run began or went on. */
  readonly elapsed: () => number;
  /** Told when a checkpoint could not be made; the run goes on without. */
  readonly onFailure: (reason: string) => void;
}

export class SnapshotWriter {
  readonly #options: KeeperOptions;
  readonly #steps: StepMetrics[];
  readonly #evaluations: KeptEvaluation[];
  readonly #modules: ModuleColumn[];
  readonly #samples: Sampled[];
  #last: string | null = null;
  beforeReused: boolean;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { resumed } = options;
    this.#steps = [...(resumed?.record.steps ?? [])];
    this.#evaluations = [...(resumed?.record.evaluations ?? [])];
    this.#modules = [...(resumed?.record.modules ?? [])];
    this.#samples = [...(resumed?.record.samples ?? [])];
    this.beforeReused = resumed?.record.beforeReused ?? false;
    if (resumed) this.#last = stageName(resumed.stage);
  }

  /** Whether checkpoints are made. */
  get active(): boolean {
    return this.#options.save !== undefined && this.#options.spec.train.save_steps > 0;
  }

  get evaluations(): readonly KeptEvaluation[] {
    return this.#evaluations;
  }

  /** Milliseconds that the run has taken, interruptions left out. */
  get elapsedMs(): number {
    return (this.#options.resumed?.record.elapsedMs ?? 0) + this.#options.elapsed();
  }

  /** Steps at which the run went on. */
  get resumedAt(): readonly number[] {
    const { resumed } = this.#options;
    return resumed ? [...resumed.record.resumedAt, resumed.stage.kind === "training" ? resumed.stage.step : 0] : [];
  }

  step(metrics: StepMetrics): void {
    this.#steps.push(metrics);
  }

  evaluation(kept: KeptEvaluation): void {
    this.#evaluations.push(kept);
  }

  column(column: ModuleColumn): void {
    this.#modules.push(column);
  }

  sample(sampled: Sampled): void {
    this.#samples.push(sampled);
  }

  /** Whether a checkpoint is due after so many steps. */
  due(step: number): boolean {
    return this.active && step % this.#options.spec.train.save_steps === 0;
  }

  /** A checkpoint of the run as it stands; none where the last one is of the same moment. */
  async keep(
    stage: CheckpointStage,
    origin: RunOrigin,
    kernels: RouteTable,
    parameters: ParameterStore,
    method: PreparedMethod,
  ): Promise<void> {
    const { spec, save, onFailure } = this.#options;
    if (!this.active || save === undefined || this.#last === stageName(stage)) return;
    const record = {
      steps: this.#steps,
      evaluations: this.#evaluations,
      modules: this.#modules,
      samples: this.#samples,
      beforeReused: this.beforeReused,
      elapsedMs: this.elapsedMs,
      resumedAt: this.resumedAt,
    };
    const kept: MethodState | null = method.state ? await method.state.read() : null;
    const training = await readTrainingState(parameters);
    try {
      await save(
        await encodeSnapshot({ spec, origin, stage, kernels, record, training, method: kept }),
        stage.step,
        stage.kind,
      );
      this.#last = stageName(stage);
    } catch (error) {
      onFailure(error instanceof Error ? error.message : String(error));
    }
  }
}

function stageName({ kind, step }: CheckpointStage): string {
  return `${kind} ${step}`;
}
