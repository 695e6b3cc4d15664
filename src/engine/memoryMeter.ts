/**
 * @file How much of the device's memory is taken: every buffer of a device is counted from its creation to its `destroy`.
 *
 * WebGPU tells nobody how much memory there is or is left, but what was asked for can be added up. The meter stands in the
 * way of `createBuffer`, so that it also sees buffers made without `createBuffer` of device.ts. A buffer that is dropped
 * without `destroy` counts for ever, because nobody knows when the browser gives it back.
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

  /** The most bytes at a time since the last `restart`. */
  get peak(): number {
    return this.#peak;
  }

  /** Begin a new measurement: the peak is what is there now. */
  resetPeak(): void {
    this.#peak = this.#live;
  }

  /** Does `work`, whose own buffers do not count for the peak. Nothing else may use the device meanwhile. */
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
