/**
 * @file The second adapter of a method that merges two (SafeMERGE): read from files, or trained on the safety rows
 * before the run's own training, which then begins from the same start as it would have without.
 */
import type { MethodLog, SafeAdapterValues } from "../../methods/stages.ts";
import { StepRunner } from "../../train/stepRunner.ts";
import type { Trainer } from "../../train/trainer.ts";
import { adapterScale, decodeAdapter } from "../../weights/adapterFile.ts";
import { safeAdapterSteps, safeAdapterTotal, skipSteps } from "../plan/runPlan.ts";
import type { SafeAdapterStage, TrainedSafeAdapter } from "../snapshot/runSnapshot.ts";
import { readAdapterBack, startAdapter } from "./adapters.ts";
import type { PreparedRun } from "./phases/prepare.ts";
import type { RunContext } from "./runContext.ts";

export interface SafeAdapter {
  readonly values: SafeAdapterValues;
  /** For the run's report. */
  readonly log: MethodLog;
  /** What later snapshots hold of it; null where it was read from files. */
  readonly recorded: TrainedSafeAdapter | null;
}

/**
 * @param trainer of the run; it and the parameters stand at the run's start before and after
 * @returns null for a method that merges nothing
 * @throws BasinError when the adapter's files cannot be read
 */
export async function prepareSafeAdapter(
  run: RunContext,
  prepared: PreparedRun,
  trainer: Trainer,
): Promise<SafeAdapter | null> {
  const source = prepared.bound.before.safeAdapter;
  if (source === null) return null;
  if (source.from === "file") {
    const adapter = decodeAdapter(await run.environment.readAdapter(source.path, run.signal), source.path);
    const scales = adapter.modules.map(({ path }) => adapterScale(adapter.config, path));
    return { values: { modules: adapter.modules, scales }, log: { safe_adapter: source.path }, recorded: null };
  }
  const stage = run.resume?.stage;
  const recorded = stage?.kind === "training" && stage.safe ? stage.safe : await trainOne(run, prepared, trainer);
  const scales = prepared.plan.modules.map(({ scale }) => scale);
  return { values: { modules: recorded.modules, scales }, log: recorded.log, recorded };
}

async function trainOne(run: RunContext, prepared: PreparedRun, trainer: Trainer): Promise<TrainedSafeAdapter> {
  const { spec, environment, signal } = run;
  const { plan, parameters, data } = prepared;
  const total = safeAdapterTotal(spec, data.safetyExamples);
  const { firstLoss, lastLoss } = await takeSteps(run, prepared, trainer, total);
  const { modules } = await readAdapterBack(spec, plan.modules, parameters);
  await startAdapter(spec, plan.modules, parameters, environment, signal);
  trainer.restart();
  return {
    modules,
    log: {
      safe_adapter: "trained in this run",
      safe_adapter_steps: total,
      safe_adapter_first_loss: firstLoss,
      safe_adapter_last_loss: lastLoss,
    },
  };
}

/** @returns the cross-entropy of the first and the last step, those before an interruption included */
async function takeSteps(
  run: RunContext,
  { plan, data: { examples, safetyExamples } }: PreparedRun,
  trainer: Trainer,
  total: number,
): Promise<Pick<SafeAdapterStage, "firstLoss" | "lastLoss">> {
  const { spec, resume, signal, snapshots } = run;
  const from = resume?.stage.kind === "safe_adapter" ? resume.stage : { step: 0, firstLoss: null, lastLoss: null };
  let { firstLoss, lastLoss } = from;
  const steps = safeAdapterSteps(spec, examples.length, safetyExamples);
  trainer.restart({ steps: from.step, microBatches: skipSteps(steps, from.step) });
  const runner = new StepRunner({
    trainer,
    examples,
    steps,
    totalSteps: total,
    schedule: spec.train,
    packing: spec.data.packing,
    capacities: plan.capacities,
  });
  for (let planned = runner.next; planned !== null; planned = runner.next) {
    const { step } = planned;
    if (signal.aborted || snapshots.due(step))
      await run.orLost(snapshots.save({ kind: "safe_adapter", step, firstLoss, lastLoss }));
    signal.throwIfAborted();
    const { result } = await run.orLost(runner.take());
    firstLoss ??= result.ce;
    lastLoss = result.ce;
    run.phase("preparing", (step + 1) / total, `safe adapter, step ${step + 1} of ${total}`);
  }
  return { firstLoss, lastLoss };
}
