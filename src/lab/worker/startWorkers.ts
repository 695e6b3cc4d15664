/** @file Starts the GPU worker and the weights worker and joins them by a direct line. */
import type { LabCommand } from "./protocol.ts";
import type { LabPort } from "./client.ts";

export function startWorkers(): LabPort {
  const weights = new Worker(new URL("../../weights/weights.worker.ts", import.meta.url), { type: "module", name: "weights" });
  const gpu = new Worker(new URL("./gpu.worker.ts", import.meta.url), { type: "module", name: "gpu" });
  const line = new MessageChannel();
  weights.postMessage({ kind: "connect", port: line.port1 }, [line.port1]);
  const connect: LabCommand = { type: "connect", weights: line.port2, home: new URL(".", document.baseURI).href };
  gpu.postMessage(connect, [line.port2]);
  return {
    postMessage: (command, transfer) => gpu.postMessage(command, transfer),
    addEventListener: (type, listener) => gpu.addEventListener(type, listener),
  };
}
