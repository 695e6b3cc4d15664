/** @file Collecting garbage in Node, for tests of what is freed. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects whatever is unreachable by now; WeakRefs that were looked at in this turn are let go first. */
export async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    gc();
  }
}
