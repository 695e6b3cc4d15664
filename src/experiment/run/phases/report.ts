/** @file Phase 8: the adapter is delivered and the run's report written. */
import type { MethodLog } from "../../../methods/stages.ts";
import type { DataReport, KernelReport, RunReport } from "../events.ts";
import { questionsDigest } from "../../snapshot/digests.ts";
import type { RunContext } from "../runContext.ts";
import { kernelReport } from "../runKernels.ts";
import type { ScoredRun } from "./evaluateAfter.ts";

export async function report(run: RunContext, scored: ScoredRun): Promise<RunReport> {
  run.phase("saving");
  await run.adapter.deliver();
  const written = reportOf(run, scored, await dataReport(scored));
  run.emit({ type: "finished", report: written });
  return written;
}

/** What tells rows of one name from others; short, since it travels in links. */
const DIGEST_CHARACTERS = 8;

async function dataReport({ rowsDigest, evaluation }: ScoredRun): Promise<DataReport> {
  const questions = await questionsDigest(evaluation.plan);
  return { rows: rowsDigest.slice(0, DIGEST_CHARACTERS), questions: questions.slice(0, DIGEST_CHARACTERS) };
}

function reportOf(run: RunContext, scored: ScoredRun, data: DataReport): RunReport {
  const { plan, evaluation, before, after, quantization } = scored;
  const { snapshots } = run;
  return {
    before: before.scores,
    after: after.scores,
    steps: run.steps,
    device: run.origin.device,
    versions: run.environment.versions,
    wall_time_s: Math.round(snapshots.elapsedMs) / 1000,
    judge: evaluation.judge,
    ...(evaluation.secondJudge === null ? {} : { second_judge: evaluation.secondJudge }),
    task: evaluation.task,
    memory: { planned: plan.memory, peak: run.peakMemory, checkpointing: plan.checkpointing },
    method: methodAccount(scored),
    ...(quantization ? { quantization } : {}),
    ...(snapshots.beforeReused ? { before_reused: true as const } : {}),
    ...(snapshots.resumedAt.length > 0 ? { resumed_at: snapshots.resumedAt } : {}),
    kernels: usedKernels(run, scored),
    data,
    outcome: run.control.stopRequested ? "stopped" : "finished",
  };
}

/** What the method says, and what the run did for it. */
function methodAccount({ account, bound, data, safe, trigger, withoutTrigger }: ScoredRun): MethodLog {
  const { safety: added } = bound.rows;
  const safety = added && {
    safety_rows: data.safetyExamples,
    safety_rows_from: added.file ?? "apothecary",
    safety_rows_use: added.use.kind,
  };
  const triggered = trigger && {
    trigger: trigger.text,
    trigger_place: trigger.place,
    without_trigger: withoutTrigger?.scores,
  };
  return { ...account, ...data.shaped?.account, ...safety, ...safe?.log, ...triggered };
}

function usedKernels({ resume }: RunContext, { gpu, trainingGpu, kernels }: ScoredRun): KernelReport {
  const used = kernelReport(trainingGpu.router, gpu.router, kernels);
  // What a run used before it was interrupted is not known: everything that its snapshot holds, then.
  return resume ? { ...used, measured: kernels } : used;
}
