/**
 * @file Measured kernels in IndexedDB, a short text by name. A storage that does not answer counts as one that refuses. A lock between the tabs
 * keeps what one adds from being lost to another that read before and writes after.
 */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { RouteStore } from "../../experiment/measure/kernelRoutes.ts";
import { answered } from "../../weights/cache/patience.ts";

interface Schema extends DBSchema {
  texts: { key: string; value: string };
}

/** The device is opened after the first answer: nobody should wait long for it. */
const PATIENCE_MS = 2000;

const LOCK = "basin-kernels";

/** Does the work while no other tab does such work; all the same where locks are refused, or another tab was frozen with it. */
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

export function openKernelStore(name = "basin-kernels"): RouteStore {
  let opened: Promise<IDBPDatabase<Schema>> | null = null;
  const texts = <T>(work: (database: IDBPDatabase<Schema>) => Promise<T>): Promise<T> =>
    answered(
      (async () => {
        opened ??= openDB<Schema>(name, 1, {
          upgrade(database) {
            database.createObjectStore("texts");
          },
        });
        return work(await opened);
      })(),
      PATIENCE_MS,
    );
  return {
    read: (identity) => texts((database) => database.get("texts", identity)),
    write: (identity, text) =>
      texts(async (database) => {
        await database.put("texts", text, identity);
      }),
    remove: (identity) => texts((database) => database.delete("texts", identity)),
  };
}
