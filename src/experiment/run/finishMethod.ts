/**
 * @file After the last step: the method's edit of the trained adapter, if it has one, on the device; and its account of
 * what it did.
 */
import { allOrNothing } from "../../engine/allOrNothing.ts";
import { ParameterStore } from "../../engine/parameters.ts";
import type { MethodLog } from "../../methods/stages.ts";
import { adapterLayout } from "../../model/lora.ts";
import type { TrainedAdapter } from "./adapterDelivery.ts";
import { grownLora, readAdapterBack, writeModules } from "./adapters.ts";
import type { TrainedRun } from "./phases/train.ts";
import { checkFinite } from "./checkFinite.ts";
import type { RunContext } from "./runContext.ts";

/**
 * @throws BasinError where the trained or the edited adapter holds NaN or an infinity
 * @returns the adapter; with parameters of its own, which are the caller's to destroy, where the edit raises the ranks
 */
export async function finishMethod(
  { signal }: RunContext,
  { gpu, method, trained, safe }: TrainedRun,
): Promise<{ readonly account: MethodLog; readonly trained: TrainedAdapter }> {
  const log = await method.report();
  if (!method.after) return { account: log, trained };
  const { modules } = await readAdapterBack(trained.spec, trained.modules, trained.parameters);
  checkFinite(modules, "the trained adapter", "Training has diverged: lower train.learning_rate.");
  const edited = await method.after(modules, signal, safe?.values);
  const { name } = trained.spec.method;
  checkFinite(edited.modules, `the adapter as ${name} leaves it`, "Lower the method's weights or train.learning_rate.");
  const account = { ...log, ...edited.log };
  const factor = (edited.modules[0]?.r ?? 1) / (modules[0]?.r ?? 1);
  if (factor === 1) {
    writeModules(trained.parameters, trained.modules, edited.modules);
    return { account, trained };
  }
  const spec = { ...trained.spec, lora: grownLora(trained.spec.lora, factor) };
  const grown = trained.modules.map((module) => ({ ...module, r: module.r * factor }));
  return allOrNothing(async (own) => {
    const parameters = own(await ParameterStore.create(gpu, adapterLayout(grown)));
    writeModules(parameters, grown, edited.modules);
    return { account, trained: { spec, modules: grown, parameters } };
  });
}
