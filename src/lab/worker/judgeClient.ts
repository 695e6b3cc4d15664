/** @file The GPU worker's end of the line to the judge worker: classifiers as `TextClassifier`s. */
import { BasinError } from "../../base/error.ts";
import { RequestClient, type RequestMessage, type ResponseMessage } from "../../base/requests.ts";
import type { TextClassifier } from "../../eval/judges/textClassifier.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";
import { workerName } from "../../weights/networkLog.browser.ts";
import { isWorkerAlive } from "../../weights/workerLife.browser.ts";
import type { JudgeRequests } from "./judgeRequests.ts";
import { onWorkerFailure } from "./workerFailure.ts";

export class JudgeClient {
  readonly #start: () => Worker;
  readonly #requests = new RequestClient<JudgeRequests>((message) => this.#post(message));
  #worker: Worker | null = null;

  /** @param start starts the worker, when the first classifier is opened */
  constructor(start: () => Worker = startJudgeWorker) {
    this.#start = start;
  }

  /** An abort while it is fetched ends the worker. @throws BasinError when the files are missing or malformed */
  async open(source: SourceDescriptor, signal?: AbortSignal): Promise<TextClassifier> {
    signal?.throwIfAborted();
    const stop = (): void => this.close(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const { id, ...facts } = await this.#requests
      .request("open", { source })
      .finally(() => signal?.removeEventListener("abort", stop));
    return {
      ...facts,
      classify: async (inputs, aborted) => {
        aborted?.throwIfAborted();
        return this.#requests.request("classify", { classifier: id, inputs });
      },
      // The worker ends with the run, and everything with it.
      close: () => Promise.resolve(),
    };
  }

  /** Ends the worker and frees what it holds; pending requests fail for that reason. */
  close(reason: unknown = new Error("the judge worker was ended")): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#requests.rejectAll(reason);
  }

  #post(message: RequestMessage<JudgeRequests>): void {
    this.#worker ??= this.#open();
    this.#worker.postMessage(message);
  }

  #open(): Worker {
    const worker = this.#start();
    worker.addEventListener("message", ({ data }: MessageEvent<ResponseMessage<JudgeRequests>>) => {
      if (!isWorkerAlive(data)) this.#requests.receive(data);
    });
    onWorkerFailure(worker, "judge worker", (failure) => {
      // It was ended on purpose, and another may have been started since.
      if (this.#worker !== worker) return;
      this.close(new BasinError({ ...failure, fix: "Reload the page. If it happens again, choose another judge." }));
    });
    return worker;
  }
}

function startJudgeWorker(): Worker {
  return new Worker(new URL("./judge.worker.ts", import.meta.url), { type: "module", name: workerName("judge") });
}
