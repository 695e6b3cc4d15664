/** @file How much room runs take in this browser, about. */
import type { StoredRun } from "./storedRun.ts";

/** Of a step as it is stored. */
const STEP_BYTES = 130;

/** A stored run does not change but for its notes. */
const known = new WeakMap<StoredRun, number>();

/** Its adapter to the byte, the rest as long as its JSON. */
export function runBytes(run: StoredRun): number {
  const before = known.get(run);
  if (before !== undefined) return before;
  const { adapter, steps, ...rest } = run;
  const files = Object.values(adapter ?? {}).reduce((sum, file: Uint8Array) => sum + file.byteLength, 0);
  const bytes = files + STEP_BYTES * steps.length + JSON.stringify(rest).length;
  known.set(run, bytes);
  return bytes;
}
