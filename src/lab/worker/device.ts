/** @file The GPU of the worker: opened at the first use, again after a loss, and described for the page. */
import { BasinError } from "../../base/error.ts";
import { describeDevice, openGpu, type Gpu } from "../../engine/device.ts";
import { limitsOf, UNKNOWN_DEVICE, type DeviceLimits } from "../../experiment/plan/deviceMemory.ts";
import { toFailure } from "../support/failure.ts";
import type { DeviceDescription, DeviceEvent } from "./protocol/device.ts";

export interface WorkerDeviceOptions {
  readonly emit: (event: DeviceEvent) => void;
  /** Called with a device before anybody else gets it. */
  readonly onOpen: (gpu: Gpu) => Promise<void>;
  /** Called when a device is lost, before another is opened. */
  readonly onLost: () => Promise<void>;
}

export class WorkerDevice {
  readonly #options: WorkerDeviceOptions;
  #opened: Promise<Gpu> | null = null;

  constructor(options: WorkerDeviceOptions) {
    this.#options = options;
  }

  /** @throws BasinError when none can be opened; the next call tries again */
  get(): Promise<Gpu> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** What plans have to know of the device; of an unknown one when none can be opened. */
  limits(systemMemory: number | null): Promise<DeviceLimits> {
    return this.get().then(
      (gpu) => limitsOf(gpu, systemMemory),
      () => UNKNOWN_DEVICE,
    );
  }

  async #open(): Promise<Gpu> {
    const { emit, onOpen } = this.#options;
    try {
      // Absent in browsers without WebGPU, whatever the types say.
      const api = (navigator as { readonly gpu?: GPU }).gpu;
      if (api === undefined) {
        throw new BasinError({
          what: "This browser offers no WebGPU",
          where: "navigator.gpu",
          fix: "Use a browser with WebGPU, or turn it on in this one.",
        });
      }
      const gpu = await openGpu(api);
      void gpu.lost.then((info) => this.#onLost(gpu, info));
      await onOpen(gpu);
      emit({ type: "device_ready", device: describe(gpu) });
      return gpu;
    } catch (error) {
      this.#opened = null;
      emit({ type: "device_missing", failure: toFailure(error, "device") });
      throw error;
    }
  }

  async #onLost(gone: Gpu, { reason, message }: GPUDeviceLostInfo): Promise<void> {
    if (reason === "destroyed") return;
    this.#opened = null;
    this.#options.emit({
      type: "device_lost",
      failure: {
        what: `The GPU was lost${message === "" ? "" : `: ${message}`}`,
        where: describeDevice(gone),
        fix: "What has been trained is safe. The lab opens the device again; if that fails, reload the page.",
      },
    });
    await this.#options.onLost();
    await this.get().catch(() => undefined); // reported as device_missing
  }
}

function describe(gpu: Gpu): DeviceDescription {
  const { vendor, architecture, software } = gpu.adapter;
  return {
    name: describeDevice(gpu).replace(/ \(software\)$/, ""),
    vendor,
    architecture,
    software,
    maxBufferBytes: gpu.maxBuffer,
    maxBindingBytes: gpu.maxBinding,
    features: [...gpu.device.features].sort(),
  };
}
