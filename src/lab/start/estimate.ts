/**
 * @file How long an experiment will take on this device: from an earlier run where there is one, else from a reference.
 */
import { canonical } from "../../experiment/spec/canonical.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { PLAIN } from "../../methods/registry.ts";
import { stepSignature } from "../run/runStore.ts";
import type { RunSummary } from "../runs/runSummary.ts";
import type { DeviceDescription } from "../worker/protocol/device.ts";

export type Estimate =
  /** The same experiment has run on this device, perhaps with another seed. */
  | { readonly kind: "ran"; readonly ms: number }
  /** Steps of the same cost have been measured on this device. */
  | { readonly kind: "steps"; readonly ms: number }
  /** Measured with a software adapter on two CPU cores; a GPU is faster. */
  | { readonly kind: "reference"; readonly ms: number; readonly software: boolean }
  | { readonly kind: "unknown" };

/** The part of a run that the estimate reads. */
export type RunTimes = Pick<RunSummary, "spec" | "steps" | "ending">;

/**
 * @param device null while it is not known
 * @param history newest first
 * @param reference milliseconds measured with a software adapter on two cores; null where there are none
 */
export function estimate(
  spec: Spec,
  device: DeviceDescription | null,
  history: readonly RunTimes[],
  reference: number | null,
): Estimate {
  const here =
    device === null
      ? []
      : history.flatMap((run) =>
          run.ending.kind === "finished" &&
          run.ending.report.outcome === "finished" &&
          deviceName(run.ending.report.device) === device.name
            ? [{ ...run, wall: 1000 * run.ending.report.wall_time_s }]
            : [],
        );
  const same = here.find((run) => experimentKey(run.spec) === experimentKey(spec));
  if (same !== undefined) return { kind: "ran", ms: same.wall };
  const similar = here.find((run) => costKey(run.spec) === costKey(spec));
  const [each, steps] = [similar?.steps.medianMs ?? null, stepsOf(spec)];
  if (similar !== undefined && each !== null && steps !== null) {
    const rest = Math.max(0, similar.wall - similar.steps.totalMs);
    return { kind: "steps", ms: each * steps + rest };
  }
  return reference === null || device === null
    ? { kind: "unknown" }
    : { kind: "reference", ms: reference, software: device.software };
}

/** Reports mark a software adapter in its name; the device description does not. */
function deviceName(reported: string): string {
  return reported.replace(/ \(software\)$/, "");
}

/** Optimiser steps where the number of rows is known from the spec alone; null for files and datasets. */
export function stepsOf({ data, train }: Spec): number | null {
  if (train.max_steps > 0) return train.max_steps;
  if (data.train.source !== "apothecary") return null;
  return Math.ceil(
    Math.ceil(data.train.n / (train.per_device_train_batch_size * train.gradient_accumulation_steps)) *
      train.num_train_epochs,
  );
}

/** Equal for specs that differ in name and seed only. */
function experimentKey({ name: _, train: { seed: _seed, ...train }, ...rest }: Spec): string {
  return canonical({ ...rest, train });
}

/** Equal for specs whose steps cost about the same and whose evaluations are alike, whatever the method. */
function costKey(spec: Spec): string {
  const task = spec.data.train.source === "apothecary" ? spec.data.train.task : spec.data.train;
  return canonical({ step: stepSignature({ ...spec, method: PLAIN }), task, evaluation: spec.eval });
}
