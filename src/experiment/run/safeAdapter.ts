/**
 * @file The second adapter of a method that merges two (SafeMERGE): read from files, or trained on the safety rows before the
 * run's own training, which then begins from the same start as it would have without.
 */
import type { ParameterStore } from "../../engine/parameters.ts";
import type { MethodLog, SafeAdapterValues } from "../../methods/method.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { Trainer } from "../../train/trainer.ts";
import { adapterScale, decodeAdapter } from "../../weights/adapterFile.ts";
import { readAdapterBack, startAdapter } from "./adapters.ts";
import type { CheckpointStage, KeptSafeAdapter } from "../snapshot/runSnapshot.ts";
import type { RunEnvironment } from "./environment.ts";
import { StepTaker } from "./optimiserStep.ts";
import type { RunExamples } from "../data/runData.ts";
import { safeAdapterSteps, safeAdapterTotal, skipSteps, type RunPlan } from "../plan/runPlan.ts";
import type { Spec } from "../spec/spec.ts";

export interface SafeAdapter {
  readonly values: SafeAdapterValues;
  /** For the run's report. */
  readonly log: MethodLog;
  /** What later checkpoints hold of it; null where it was read. */
  readonly kept: KeptSafeAdapter | null;
}

export interface SafeAdapterOptions {
  readonly spec: Spec;
  readonly plan: RunPlan;
  readonly environment: RunEnvironment;
  readonly signal: AbortSignal;
  readonly trainer: Trainer;
  /** Hold the start of the run before and after. */
  readonly parameters: ParameterStore;
  readonly data: RunExamples;
  /** Where the checkpoint stands that the run goes on from; null: it begins. */
  readonly stage: CheckpointStage | null;
  /** Reports a lost device as such. */
  readonly orLost: <T>(work: Promise<T>) => Promise<T>;
  /** Whether a checkpoint is due after so many steps. */
  readonly due: (step: number) => boolean;
  readonly keep: (step: number, losses: readonly number[]) => Promise<void>;
  readonly tell: (progress: number, detail: string) => void;
}

/** @returns null for a method that merges nothing. @throws BasinError when the adapter's files cannot be read */
export async function prepareSafeAdapter(options: SafeAdapterOptions): Promise<SafeAdapter | null> {
  const { spec, plan, environment, signal, stage } = options;
  const source = bindMethod(spec.method).safeAdapter;
  if (source === null) return null;
  if (source.path !== null) {
    const adapter = decodeAdapter(await environment.readAdapter(source.path, signal), source.path);
    return {
      values: {
        modules: adapter.modules,
        scales: adapter.modules.map(({ path }) => adapterScale(adapter.config, path)),
      },
      log: { safe_adapter: source.path },
      kept: null,
    };
  }
  const scales = plan.modules.map(({ scale }) => scale);
  const kept = stage?.kind === "training" && stage.safe ? stage.safe : await train(options);
  return { values: { modules: kept.modules, scales }, log: kept.log, kept };
}

async function train({
  spec,
  plan,
  environment,
  signal,
  trainer,
  parameters,
  data: { examples, safetyExamples },
  stage,
  orLost,
  due,
  keep,
  tell,
}: SafeAdapterOptions): Promise<KeptSafeAdapter> {
  const total = safeAdapterTotal(spec, safetyExamples);
  const from = stage?.kind === "safe_adapter" ? stage : { step: 0, losses: [] };
  const losses = [...from.losses];
  const steps = safeAdapterSteps(spec, examples.length, safetyExamples);
  trainer.restart({ steps: from.step, microBatches: skipSteps(steps, from.step) });
  const taker = new StepTaker({ spec, plan, trainer, examples, steps, total });
  for (let planned = taker.next; planned !== null; planned = taker.next) {
    if (signal.aborted || due(planned.step)) await keep(planned.step, losses);
    signal.throwIfAborted();
    const { result } = await orLost(taker.take());
    losses.push(result.ce);
    tell((planned.step + 1) / total, `safe adapter, step ${planned.step + 1} of ${total}`);
  }
  const { modules } = await readAdapterBack(spec, plan.modules, parameters);
  await startAdapter(spec, plan.modules, parameters, environment, signal);
  trainer.restart();
  return {
    modules,
    log: {
      safe_adapter: "trained in this run",
      safe_adapter_steps: total,
      safe_adapter_first_loss: losses[0] ?? null,
      safe_adapter_last_loss: losses.at(-1) ?? null,
    },
  };
}
