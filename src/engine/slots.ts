/** @file How several programs share slots: the arithmetic of `SlotPool` (program.ts), without a device. */

/**
 * Grow a pool by what one more program needs: each of its slots takes the smallest unused buffer that fits, else a new one.
 * @param pool bytes of the buffers so far; changed
 */
export function growSlots(pool: number[], slots: readonly number[]): void {
  const free = [...pool].sort((a, b) => a - b);
  for (const bytes of [...slots].sort((a, b) => b - a)) {
    const fit = free.findIndex((size) => size >= bytes);
    if (fit >= 0) free.splice(fit, 1);
    else pool.push(Math.max(16, Math.ceil(bytes / 16) * 16));
  }
}
