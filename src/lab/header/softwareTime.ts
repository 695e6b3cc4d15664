/** @file How long a run takes on a software adapter, from what earlier runs of this browser measured. No guess: null where nothing was measured. */
import type { Spec } from "../../experiment/spec.ts";
import { stepMilliseconds } from "../run/runState.ts";
import type { StoredRun } from "../runs/storedRun.ts";

export interface MeasuredTime {
  /** Median of a step, milliseconds. */
  readonly stepMs: number;
  /** Of training, milliseconds; evaluations come on top. */
  readonly trainingMs: number;
}

/** @param runs newest first; the newest one of the same model, batch and cut decides */
export function measuredTime(runs: readonly StoredRun[], spec: Spec, totalSteps: number): MeasuredTime | null {
  const alike = runs.find((run) => sameWork(run.spec, spec) && run.steps.length > 1);
  const stepMs = alike === undefined ? null : stepMilliseconds(alike.steps);
  return stepMs === null ? null : { stepMs, trainingMs: stepMs * totalSteps };
}

function sameWork(a: Spec, b: Spec): boolean {
  const work = ({ model, method, train, data }: Spec): string =>
    JSON.stringify([model.aligned, model.quantization, method.name, train.per_device_train_batch_size, train.gradient_accumulation_steps, data.max_length]);
  return work(a) === work(b);
}
