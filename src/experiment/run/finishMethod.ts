/** @file After the last step: the method's edit of the trained adapter, if it has one, on the device; and its account of what it did. */
import type { Gpu } from "../../engine/device.ts";
import { ParameterStore } from "../../engine/parameters.ts";
import { adapterLayout } from "../../model/lora.ts";
import type { MethodLog, PreparedMethod, SafeAdapterValues } from "../../methods/method.ts";
import { grownLora, readAdapterBack, writeModules } from "./adapters.ts";
import type { RunPlan } from "../plan/runPlan.ts";
import type { Spec } from "../spec/spec.ts";

/** The adapter on the device, and the settings that describe it. */
export interface Trained {
  readonly spec: Spec;
  readonly modules: RunPlan["modules"];
  readonly parameters: ParameterStore;
}

export interface MethodEnd {
  readonly gpu: Gpu;
  readonly method: PreparedMethod;
  readonly trained: Trained;
  readonly safe: SafeAdapterValues | undefined;
  readonly signal: AbortSignal;
}

/** @returns `trained` with parameters of its own, which are the caller's to destroy, where the edit raises the ranks */
export async function finishMethod({
  gpu,
  method,
  trained,
  safe,
  signal,
}: MethodEnd): Promise<{ readonly account: MethodLog; readonly trained: Trained }> {
  const log = await method.log();
  if (!method.afterTraining) return { account: log, trained };
  const { modules } = await readAdapterBack(trained.spec, trained.modules, trained.parameters);
  const edited = await method.afterTraining(modules, signal, safe);
  const account = { ...log, ...edited.log };
  const factor = (edited.modules[0]?.r ?? 1) / (modules[0]?.r ?? 1);
  if (factor === 1) {
    writeModules(trained.parameters, trained.modules, edited.modules);
    return { account, trained };
  }
  const spec = { ...trained.spec, lora: grownLora(trained.spec.lora, factor) };
  const grown = trained.modules.map((module) => ({ ...module, r: module.r * factor }));
  const parameters = await ParameterStore.create(gpu, adapterLayout(grown));
  writeModules(parameters, grown, edited.modules);
  return { account, trained: { spec, modules: grown, parameters } };
}
