/** @file How programs that never run at the same time share activation buffers; without a device. */

export interface SlotAssignment {
  /** For each slot, the index of its buffer in `pool`. */
  readonly bufferOf: readonly number[];
  /** Bytes of all buffers; those that have to be created stand at the end, in order. */
  readonly pool: readonly number[];
}

/**
 * Each slot takes the smallest unused buffer that fits, largest slot first; where none fits, a buffer is added. The
 * slots of the largest program should therefore be assigned first.
 * @param pool bytes of the buffers so far
 * @param slots bytes of each slot of one program
 */
export function assignSlots(pool: readonly number[], slots: readonly number[]): SlotAssignment {
  const grown = [...pool];
  const unused = pool.map((bytes, index) => ({ bytes, index })).sort((a, b) => a.bytes - b.bytes);
  const order = slots.map((bytes, slot) => ({ bytes, slot })).sort((a, b) => b.bytes - a.bytes);
  const bufferOf = new Array<number>(slots.length).fill(0);
  for (const { bytes, slot } of order) {
    const fit = unused.findIndex((buffer) => buffer.bytes >= bytes);
    const found = fit >= 0 ? unused.splice(fit, 1)[0] : undefined;
    bufferOf[slot] = found?.index ?? grown.push(bufferBytes(bytes)) - 1;
  }
  return { bufferOf, pool: grown };
}

/** What a buffer of this many bytes takes: never empty, and a multiple of 16. */
export function bufferBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}
