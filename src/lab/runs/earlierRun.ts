/**
 * @file The same settings once more: which kernels the last such run used, so that a new one repeats its numbers to the
 * last digit.
 */
import type { RouteTable } from "../../engine/routing/router.ts";
import { canonical } from "../../experiment/spec/canonical.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { StoredRun } from "./storedRun.ts";

export interface EarlierRun {
  /** Where it was made: as `describeDevice` names it, and the versions of Basin and browser. */
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Its measured kernels. */
  readonly kernels: RouteTable;
}

/** The last run of these settings whose kernels are known; its name may differ. @param history newest first */
export function earlierRun(history: readonly Pick<StoredRun, "spec" | "ending">[], spec: Spec): EarlierRun | null {
  const settings = canonical({ ...spec, name: "" });
  for (const { spec: other, ending } of history) {
    if (
      ending.kind !== "finished" ||
      ending.report.kernels === undefined ||
      canonical({ ...other, name: "" }) !== settings
    )
      continue;
    const { device, versions, kernels } = ending.report;
    return { device, versions, kernels: kernels.measured };
  }
  return null;
}

/**
 * Its kernels, where the numbers can be repeated at all: on the same device, with the same Basin in the same browser.
 */
export function kernelsToRepeat(
  earlier: EarlierRun | null,
  here: Pick<EarlierRun, "device" | "versions">,
): RouteTable | null {
  return earlier !== null && earlier.device === here.device && canonical(earlier.versions) === canonical(here.versions)
    ? earlier.kernels
    : null;
}
