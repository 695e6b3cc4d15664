/**
 * @file Starts the GPU worker and the weights worker and connects them by a direct line. One that the browser ends is
 * started again.
 */
import { BasinError } from "../../base/error.ts";
import type { RequestFailure } from "../../base/requests.ts";
import type { CacheNotice } from "../../weights/cache/cachedSource.ts";
import { workerName } from "../../weights/networkLog.browser.ts";
import { isWorkerAlive } from "../../weights/workerLife.browser.ts";
import type { LabPort, PortFailure } from "./client.ts";
import type { LabMessage, LabReply } from "./protocol/messages.ts";
import { onWorkerFailure, RESTARTED, type WorkerFailureKind } from "./workerFailure.ts";

export interface WorkerOptions {
  /** Called with what the user should know of the cache of weights. */
  readonly onNotice: (notice: CacheNotice) => void;
  /** Names this tab: the workers report their requests to it. */
  readonly tab: string;
  /** Called with errors that nobody has caught in the workers. */
  readonly onError: (failure: RequestFailure) => void;
}

export function startWorkers(options: WorkerOptions): LabPort {
  return new Workers(options);
}

/** Workers that end more often than this are not started again: whatever ends them is still there. */
const MAX_RESTARTS = 3;

class Workers implements LabPort {
  readonly #options: WorkerOptions;
  #weights: Worker;
  #gpu: Worker;
  #restarts = 0;
  #onMessage: (message: LabReply) => void = () => undefined;
  #onFailure: (failure: PortFailure) => void = () => undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#weights = this.#startWeights();
    this.#gpu = this.#startGpu();
  }

  postMessage(message: LabMessage, transfer: Transferable[] = []): void {
    this.#gpu.postMessage(message, transfer);
  }

  onMessage(listener: (message: LabReply) => void): void {
    this.#onMessage = listener;
  }

  onFailure(listener: (failure: PortFailure) => void): void {
    this.#onFailure = listener;
  }

  #startWeights(): Worker {
    const { onNotice, tab } = this.#options;
    const worker = new Worker(new URL("../../weights/weights.worker.ts", import.meta.url), {
      type: "module",
      name: workerName("weights", tab),
    });
    worker.addEventListener(
      "message",
      ({ data }: MessageEvent<{ readonly kind: string; readonly notice: CacheNotice }>) => {
        if (data.kind === "cache_notice") onNotice(data.notice);
      },
    );
    onWorkerFailure(worker, "weights worker", (failure, kind) => this.#onWeightsFailure(failure, kind));
    return worker;
  }

  #startGpu(): Worker {
    const worker = new Worker(new URL("./gpu.worker.ts", import.meta.url), {
      type: "module",
      name: workerName("gpu", this.#options.tab),
    });
    // The worker belongs to this build: its messages have the protocol's type.
    worker.addEventListener("message", ({ data }: MessageEvent<LabReply>) => {
      if (!isWorkerAlive(data)) this.#onMessage(data);
    });
    onWorkerFailure(worker, "GPU worker", (failure, kind) => this.#onGpuFailure(failure, kind));
    const weights = this.#weightsPort();
    worker.postMessage({ type: "connect", weights, home: new URL(".", document.baseURI).href }, [weights]);
    return worker;
  }

  /** A new line to the weights worker. */
  #weightsPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#weights.postMessage({ kind: "connect", port: port1 }, [port1]);
    return port2;
  }

  #onGpuFailure(failure: RequestFailure, kind: WorkerFailureKind): void {
    const restarted = kind === "gone" && this.#mayRestart();
    if (restarted) this.#gpu = this.#startGpu();
    const told = restarted ? { ...failure, fix: RESTARTED } : failure;
    // Where the lab goes on with another worker there is nothing to report.
    if (!restarted) this.#options.onError(told);
    this.#onFailure({
      error: new BasinError(told),
      worker: kind === "failed" ? "running" : restarted ? "restarted" : "gone",
    });
  }

  #onWeightsFailure(failure: RequestFailure, kind: WorkerFailureKind): void {
    if (kind === "gone" && this.#mayRestart()) {
      this.#weights = this.#startWeights();
      const weights = this.#weightsPort();
      this.postMessage({ type: "weights_restarted", weights, failure: { ...failure, fix: RESTARTED } }, [weights]);
      return;
    }
    this.#options.onError(failure);
    this.postMessage({ type: "weights_failed", failure, fatal: kind !== "failed" });
  }

  #mayRestart(): boolean {
    this.#restarts += 1;
    return this.#restarts <= MAX_RESTARTS;
  }
}
