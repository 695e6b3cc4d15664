/** @file The GPU: whether there is one, what it can do, which kernels were measured on it. */
import type { LabClient } from "../../worker/client.ts";
import type { DeviceQuestion, DeviceReport } from "../../worker/deviceReport.ts";
import type { KernelsCommand, KernelsReport } from "../../worker/kernelsReport.ts";
import type { LabEvent } from "../../worker/protocol/messages.ts";
import { createDeviceStore, type DeviceState, type DeviceStore } from "./deviceStore.ts";

export class DeviceController {
  readonly store: DeviceStore = createDeviceStore();
  readonly #client: LabClient;

  constructor(client: LabClient) {
    this.#client = client;
  }

  open(): void {
    this.#client.send({ type: "open_device" });
  }

  /** @throws BasinError when there is no device, or for more than a look while a run uses it */
  report(question: DeviceQuestion): Promise<DeviceReport> {
    return this.#client.request("device_report", { question });
  }

  /** @throws BasinError when there is no device, or when something else uses it and it should be measured */
  kernels(command: KernelsCommand): Promise<KernelsReport> {
    return this.#client.request("kernels", { command });
  }

  onEvents(events: readonly LabEvent[]): void {
    for (const event of events) {
      const after = stateAfter(this.store.getState(), event);
      if (after !== null) this.store.setState(after, true);
    }
  }
}

/** null for an event that is not about the device. */
function stateAfter(before: DeviceState, event: LabEvent): DeviceState | null {
  switch (event.type) {
    case "device_ready":
      return { kind: "ready", device: event.device };
    case "device_missing":
      return { kind: "missing", failure: event.failure };
    case "device_lost":
      return { kind: "lost", failure: event.failure, device: before.kind === "ready" ? before.device : null };
    case "worker_lost":
      return event.restarted ? { kind: "opening" } : { kind: "lost", failure: event.failure, device: null };
    default:
      return null;
  }
}
