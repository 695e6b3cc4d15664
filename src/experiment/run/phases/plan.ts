/**
 * @file Phase 2: what the run will do and take. It is reported before anything is allocated; a run that cannot fit ends
 * here.
 */
import { checkPair, differenceBytes } from "../../../methods/direction/weightDifference.ts";
import { limitsOf } from "../../plan/deviceMemory.ts";
import { planWithVerdict } from "../../plan/planning.ts";
import type { RunPlan } from "../../plan/runPlan.ts";
import type { RunContext } from "../runContext.ts";
import { refuseUnfit } from "../runFailure.ts";
import type { LoadedRun } from "./load.ts";

export interface PlannedRun extends LoadedRun {
  readonly plan: RunPlan;
}

/** @throws BasinError when the pair's models differ in shape, or the run cannot fit into the device's memory */
export function plan(run: RunContext, loaded: LoadedRun): PlannedRun {
  const { files, unaligned, data, evaluation } = loaded;
  const limits = limitsOf(run.gpu, run.environment.systemMemory ?? null);
  const planned = planWithVerdict(run.spec, files, data, limits, evaluation.plan);
  const { modules, memory, totalSteps, trainableParameters, rows } = planned.plan;
  if (unaligned) checkPair(modules, { aligned: files.checkpoint, unaligned });
  run.memory = memory;
  run.emit({
    type: "plan",
    memory,
    verdict: planned.verdict,
    totalSteps,
    trainableParameters,
    rows,
    twin: unaligned && differenceBytes(modules, unaligned),
  });
  refuseUnfit(planned.verdict);
  return { ...loaded, plan: planned.plan };
}
