/** @file Phase 3: weights and adapter on the device, the kernels chosen, and the method prepared. */
import type { Gpu } from "../../../engine/device.ts";
import { ParameterStore } from "../../../engine/parameters.ts";
import type { RouteTable } from "../../../engine/routing/router.ts";
import type { BufferView } from "../../../engine/storage.ts";
import type { PreparedMethod } from "../../../methods/stages.ts";
import type { LoadedModel } from "../../../model/loadModel.ts";
import { adapterLayout } from "../../../model/lora.ts";
import { createStats } from "../../../train/trainer.ts";
import { modelDigest } from "../../snapshot/digests.ts";
import { refuseOtherOrigin } from "../../snapshot/fit.ts";
import type { RunOrigin } from "../../snapshot/runSnapshot.ts";
import { trainedModel } from "../../spec/trainedModel.ts";
import { startAdapter } from "../adapters.ts";
import { quantisedType, quantizationReport, type QuantizationReport } from "../quantization.ts";
import type { RunContext } from "../runContext.ts";
import { fixKernels } from "../runKernels.ts";
import { loadWeights } from "../textModel.ts";
import { SNAPSHOT } from "./load.ts";
import type { PlannedRun } from "./plan.ts";

export interface PreparedRun extends PlannedRun {
  /** The device with the kernels that the run uses from here to its end. */
  readonly gpu: Gpu;
  readonly kernels: RouteTable;
  readonly model: LoadedModel;
  /** null where the weights are as stored. */
  readonly quantization: QuantizationReport | null;
  /** A and B of every targeted module, with gradients and the optimiser's moments. */
  readonly parameters: ParameterStore;
  /** Scalars that kernels report (engine/batchScalars.ts). */
  readonly stats: BufferView;
  readonly method: PreparedMethod;
  /** null where no snapshot is read or written. */
  readonly origin: RunOrigin | null;
}

export async function prepare(run: RunContext, planned: PlannedRun): Promise<PreparedRun> {
  const { spec, environment, resume, signal } = run;
  const { files, plan } = planned;
  const model = run.own(await loadModel(run, planned));
  const quantization = quantizationReport(model);
  if (quantization) run.emit({ type: "quantised", quantization });
  const parameters = run.own(await ParameterStore.create(run.gpu, adapterLayout(plan.modules)));
  if (!resume) await startAdapter(spec, plan.modules, parameters, environment, signal);
  const origin = await originOf(run, planned, model);
  const stats = await createStats(run.gpu, plan.modules.length);
  run.own(stats.buffer);

  const { gpu, table: kernels } = await fixKernels({
    gpu: run.gpu,
    spec,
    plan,
    model,
    given: resume?.kernels ?? run.options.reuse?.kernels,
    budgetMs: run.options.reuse?.measureKernelsMs,
    signal,
    measuring: () => run.phase("tuning"),
  });
  signal.throwIfAborted();
  run.phase("preparing");
  const method = run.own(
    await planned.bound.prepare({
      gpu,
      modules: plan.modules,
      parameters,
      stats,
      aligned: files.checkpoint,
      ...(planned.unaligned ? { unaligned: planned.unaligned } : {}),
      onProgress: (done, total) => run.phase("preparing", done / total),
      signal,
    }),
  );
  return { ...planned, gpu, kernels, model, quantization, parameters, stats, method, origin };
}

function loadModel(run: RunContext, { files }: PlannedRun): Promise<LoadedModel> {
  const { spec, gpu, signal } = run;
  const onProgress = (done: number, total: number): void => run.phase("loading", done / total, trainedModel(spec));
  return loadWeights(gpu, files, onProgress, signal, quantisedType(spec.model));
}

/**
 * What the run's numbers depend on beside the spec.
 * @throws BasinError when the run that is resumed had another origin
 */
async function originOf(
  run: RunContext,
  { plan, rowsDigest }: PlannedRun,
  model: LoadedModel,
): Promise<RunOrigin | null> {
  if (!run.resume && !run.snapshots.active) return null;
  const origin = { ...run.origin, rows: rowsDigest, model: await modelDigest(run.gpu, model, plan.modules) };
  if (run.resume) refuseOtherOrigin(run.resume.origin, origin, SNAPSHOT);
  return origin;
}
