/**
 * @file Phase 5: the trainer is built, an interrupted run's state restored, a second adapter trained where the method
 * asks for one; then the steps.
 */
import type { Gpu } from "../../../engine/device.ts";
import { Trainer } from "../../../train/trainer.ts";
import { readTrainingState, writeTrainingState } from "../../../train/trainingState.ts";
import type { TrainedAdapter } from "../adapterDelivery.ts";
import type { RunContext } from "../runContext.ts";
import { withReferences } from "../references.ts";
import { prepareSafeAdapter, type SafeAdapter } from "../safeAdapter.ts";
import { TrainingLoop } from "../trainingLoop.ts";
import type { EvaluatedRun } from "./evaluateBefore.ts";

export interface TrainedRun extends EvaluatedRun {
  /** The device as the training steps used it; its router knows which kernels these were. */
  readonly trainingGpu: Gpu;
  readonly trained: TrainedAdapter;
  /** The second adapter of a method that merges two. */
  readonly safe: SafeAdapter | null;
}

export async function train(run: RunContext, evaluated: EvaluatedRun): Promise<TrainedRun> {
  const { spec, resume } = run;
  const { plan, parameters, method, origin, kernels } = evaluated;
  run.phase("compiling");
  const trainingGpu = { ...evaluated.gpu, router: evaluated.gpu.router.withFixedRoutes(kernels) };
  const trainer = run.own(await createTrainer(run, evaluated, trainingGpu));
  run.signal.throwIfAborted();
  if (origin) run.snapshots.attach({ origin, kernels, training: () => readTrainingState(parameters), method });
  if (resume) {
    writeTrainingState(parameters, resume.training);
    if (resume.method) method.steps?.restore(resume.method);
  }
  const held = await withReferences(run, evaluated, trainingGpu);
  const safe = await prepareSafeAdapter(run, held, trainer);
  const trained = { spec, modules: plan.modules, parameters };
  run.adapter.track(trained);
  run.control.trainingBegins();
  run.phase("training", 0);
  await new TrainingLoop(run, held, trainer, safe && safe.recorded).run();
  return { ...held, trainingGpu, trained, safe };
}

function createTrainer({ spec }: RunContext, evaluated: EvaluatedRun, gpu: Gpu): Promise<Trainer> {
  const { model, plan, parameters, stats, method } = evaluated;
  return Trainer.create({
    gpu,
    model,
    adapter: { modules: plan.modules, parameters },
    stats,
    settings: { ...spec.train, lora_dropout: spec.lora.lora_dropout, terms: plan.terms },
    capacities: plan.capacities,
    activationCheckpointing: plan.checkpointing.on,
    ...(method.penalty ? { penalty: method.penalty } : {}),
  });
}
