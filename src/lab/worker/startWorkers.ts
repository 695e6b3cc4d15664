/** @file Starts the GPU worker and the weights worker and connects them by a direct line. */
import { BasinError } from "../../base/error.ts";
import type { RequestFailure } from "../../base/requests.ts";
import type { CacheNotice } from "../../weights/cache/cachedSource.ts";
import { workerName } from "../../weights/networkLog.browser.ts";
import type { LabPort } from "./client.ts";
import type { LabMessage, LabReply } from "./protocol/messages.ts";
import { onWorkerFailure } from "./workerFailure.ts";

export interface WorkerOptions {
  /** Called with what the user should know of the cache of weights. */
  readonly onNotice: (notice: CacheNotice) => void;
  /** Names this tab: the workers report their requests to it. */
  readonly tab: string;
  /** Called with errors that nobody has caught in the workers. */
  readonly onError: (failure: RequestFailure) => void;
}

export function startWorkers({ onNotice, tab, onError }: WorkerOptions): LabPort {
  const weights = new Worker(new URL("../../weights/weights.worker.ts", import.meta.url), {
    type: "module",
    name: workerName("weights", tab),
  });
  const gpu = new Worker(new URL("./gpu.worker.ts", import.meta.url), { type: "module", name: workerName("gpu", tab) });
  const post = (message: LabMessage, transfer: Transferable[] = []): void => gpu.postMessage(message, transfer);
  weights.addEventListener(
    "message",
    ({ data }: MessageEvent<{ readonly kind: "cache_notice"; readonly notice: CacheNotice }>) => onNotice(data.notice),
  );
  onWorkerFailure(weights, "weights worker", (failure, fatal) => {
    onError(failure);
    post({ type: "weights_failed", failure, fatal });
  });
  onWorkerFailure(gpu, "GPU worker", onError);
  const line = new MessageChannel();
  weights.postMessage({ kind: "connect", port: line.port1 }, [line.port1]);
  post({ type: "connect", weights: line.port2, home: new URL(".", document.baseURI).href }, [line.port2]);
  return {
    postMessage: post,
    // The worker belongs to this build: its messages have the protocol's type.
    onMessage: (listener) => gpu.addEventListener("message", ({ data }: MessageEvent<LabReply>) => listener(data)),
    onFailure: (listener) =>
      onWorkerFailure(gpu, "GPU worker", (failure, fatal) => listener(new BasinError(failure), fatal)),
  };
}
