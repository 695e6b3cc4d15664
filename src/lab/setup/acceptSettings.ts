/** @file Settings that were to replace edited ones, once the user has agreed, and the run that they were to start. */
import type { Lab } from "../lab.ts";
import { isActive } from "../run/runState.ts";

type Parts = Pick<Lab, "spec" | "run" | "device" | "table">;

/** @returns whether a run has started: it was asked for, and nothing else holds the device by now */
export function acceptSettings({ spec, run, device, table }: Parts): boolean {
  const { waiting, acceptWaiting } = spec.getState();
  if (waiting === null) return false;
  acceptWaiting();
  const { check } = spec.getState();
  if (!waiting.starts || check.kind !== "valid") return false;
  const isFree = !isActive(run.store.getState().run) && table.store.getState().queue.kind !== "running";
  if (!isFree || device.store.getState().kind !== "ready") return false;
  run.start(check.spec);
  return true;
}
