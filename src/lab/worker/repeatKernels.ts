/**
 * @file The kernels of an earlier run, so that a new one of the same settings repeats its numbers to the last digit.
 */
import type { RouteTable } from "../../engine/routing/router.ts";
import { canonical } from "../../experiment/spec/canonical.ts";
import type { EarlierRun } from "./protocol/run.ts";

/** Its kernels, where the numbers can be repeated at all: on the same device, with the same Basin and browser. */
export function kernelsToRepeat(
  earlier: EarlierRun | null,
  here: Pick<EarlierRun, "device" | "versions">,
): RouteTable | null {
  return earlier !== null && earlier.device === here.device && canonical(earlier.versions) === canonical(here.versions)
    ? earlier.kernels
    : null;
}
