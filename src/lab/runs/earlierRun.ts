/** @file The last run of the same settings, whose kernels a new one uses again (worker/repeatKernels.ts). */
import { canonical } from "../../experiment/spec/canonical.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { EarlierRun } from "../worker/protocol/run.ts";
import type { StoredRun } from "./storedRun.ts";

/** The last run of these settings whose kernels are known; its name may differ. @param history newest first */
export function earlierRun(history: readonly Pick<StoredRun, "spec" | "ending">[], spec: Spec): EarlierRun | null {
  const settings = canonical({ ...spec, name: "" });
  for (const { spec: other, ending } of history) {
    if (ending.kind !== "finished" || ending.report.kernels === undefined) continue;
    if (canonical({ ...other, name: "" }) !== settings) continue;
    const { device, versions, kernels } = ending.report;
    return { device, versions, kernels: kernels.measured };
  }
  return null;
}
