/** @file An adapter folder as a zip: the two files that PEFT reads, and the spec that made them. */
import { zipSync } from "fflate";
import { BasinError } from "../../base/error.ts";
import type { StoredRun } from "./storedRun.ts";

/** @throws BasinError when the run kept no adapter */
export function adapterZip(run: Pick<StoredRun, "adapter" | "spec" | "runId">): Uint8Array<ArrayBuffer> {
  if (run.adapter === null) {
    throw new BasinError({
      what: "This run has no adapter",
      where: `run ${run.runId}`,
      fix: "It failed before its first step. Run it again.",
    });
  }
  const spec = new TextEncoder().encode(`${JSON.stringify(run.spec, null, 2)}\n`);
  // Weights hardly compress: stored, not deflated.
  return zipSync({ ...run.adapter, "basin_spec.json": spec }, { level: 0 });
}
