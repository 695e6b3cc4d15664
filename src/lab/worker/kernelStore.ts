/**
 * @file Measured kernels in the lab's database. A storage that does not answer counts as one that refuses. A lock
 * between the tabs prevents that what one adds is lost to another that read before and writes after.
 */
import type { RouteStore } from "../../experiment/measure/kernelRoutes.ts";
import { answered } from "../../weights/cache/patience.ts";
import type { Collection } from "../storage/collection.ts";
import type { KernelText } from "../storage/records.ts";

/** The device is opened after the first answer: nobody should wait long for it. */
const PATIENCE_MS = 2000;

const LOCK = "basin-kernels";

/** Does the work while no other tab does; without the lock where it is refused, or a frozen tab holds it. */
export async function aloneWithKernels(work: () => Promise<void>): Promise<void> {
  let begun = false;
  const once = async (): Promise<void> => {
    begun = true;
    await work();
  };
  try {
    await navigator.locks.request(LOCK, { signal: AbortSignal.timeout(2 * PATIENCE_MS) }, once);
  } catch (error) {
    if (begun) throw error;
    await once();
  }
}

export function kernelStore(kernels: Collection<KernelText>): RouteStore {
  return {
    read: async (name) => (await answered(kernels.get(name), PATIENCE_MS))?.text,
    write: (name, text) => answered(kernels.put({ name, text }), PATIENCE_MS),
    remove: (name) => answered(kernels.remove(name), PATIENCE_MS),
  };
}
