/**
 * @file Firefox looks whether the GPU has finished only when something is submitted, or every 100 ms
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699): a wait of 1 ms takes 100. While something is waited for,
 * empty submissions make it look.
 *
 * Once Firefox looks by itself, which e2e/firefox.spec.ts notices, this file can be deleted.
 */

/** ms between two empty submissions, at least. */
const LEAST_MS = 2;
/** Longer waits are noticed later by this part of their length at most. */
const PART = 0.02;

/** Whether this browser is late. */
export function noticesLate(userAgent = globalThis.navigator?.userAgent): boolean {
  return /\bFirefox\/\d/.test(userAgent ?? "");
}

/** As `work`, which the device settles; without the delay where the browser is `late`. */
export function noticed<T>({ queue }: Pick<GPUDevice, "queue">, work: Promise<T>, late = noticesLate()): Promise<T> {
  if (!late) return work;
  const started = performance.now();
  let timer: ReturnType<typeof setTimeout>;
  const look = (): void => {
    queue.submit([]);
    timer = setTimeout(look, Math.max(LEAST_MS, PART * (performance.now() - started)));
  };
  timer = setTimeout(look, LEAST_MS);
  return work.finally(() => clearTimeout(timer));
}
