/**
 * @file How much memory a device's buffers take: each counts from its creation to its `destroy`.
 *
 * WebGPU does not say how much memory there is or is left, but what was allocated can be added up. The meter wraps the
 * device's `createBuffer`, so it also counts buffers that were not created by device.ts. A buffer that is dropped
 * without `destroy` counts forever, because nobody knows when the browser frees it.
 */

export class MemoryMeter {
  #live = 0;
  #peak = 0;

  constructor(device: GPUDevice) {
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      this.#add(buffer);
      return buffer;
    };
  }

  /** Bytes of the buffers that exist now. */
  get live(): number {
    return this.#live;
  }

  /** The largest value of `live` since the last `resetPeak`. */
  get peak(): number {
    return this.#peak;
  }

  /** Starts a new measurement: the peak is what is allocated now. */
  resetPeak(): void {
    this.#peak = this.#live;
  }

  /** Runs `work`, whose own buffers do not count for the peak. Nothing else may use the device meanwhile. */
  async excludeFromPeak<T>(work: () => Promise<T>): Promise<T> {
    const peak = this.#peak;
    try {
      return await work();
    } finally {
      this.#peak = Math.max(peak, this.#live);
    }
  }

  #add(buffer: GPUBuffer): void {
    const bytes = buffer.size;
    this.#live += bytes;
    this.#peak = Math.max(this.#peak, this.#live);
    const destroy = buffer.destroy.bind(buffer);
    let counted = true;
    buffer.destroy = () => {
      if (counted) this.#live -= bytes;
      counted = false;
      return destroy();
    };
  }
}
