/** @file Waiting for a storage with an end: one that never answers must not hold up the work. */

/** So long a storage may take for one answer. */
const PATIENCE_MS = 30_000;

/** The storage did not answer in time. */
export class SilentStorageError extends Error {
  override readonly name = "SilentStorageError";
}

/** What `work` gives. @throws SilentStorageError when that takes longer than `patienceMs` */
export async function answered<T>(work: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new SilentStorageError(`the browser's storage did not answer for ${Math.round(patienceMs / 1000)} s`)),
      patienceMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
