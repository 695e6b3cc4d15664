/** @file The GPU worker's end of the line to the judge worker: classifiers as `TextClassifier`s. */
import { BasinError } from "../../base/error.ts";
import type { ClassifierInput, TextClassifier } from "../../eval/judges/textClassifier.ts";
import type { RunFailure } from "../../experiment/run/events.ts";
import { workerName } from "../../weights/networkLog.browser.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";

export type JudgeCommand =
  | { readonly type: "open"; readonly request: number; readonly source: SourceDescriptor }
  | {
      readonly type: "classify";
      readonly request: number /** The request that opened it. */;
      readonly classifier: number;
      readonly inputs: readonly ClassifierInput[];
    };

export type JudgeEvent =
  | {
      readonly type: "opened";
      readonly request: number;
      readonly labels: readonly string[];
      readonly multiLabel: boolean;
      readonly runsOn: string;
    }
  | { readonly type: "classified"; readonly request: number; readonly shares: readonly (readonly number[])[] }
  | { readonly type: "failed"; readonly request: number; readonly failure: RunFailure };

interface Waiting {
  readonly resolve: (event: JudgeEvent) => void;
  readonly reject: (reason: unknown) => void;
}

export class JudgeClient {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  /** An abort while it is fetched ends the worker. @throws BasinError when the classifier's files are missing or malformed */
  async open(source: SourceDescriptor, signal?: AbortSignal): Promise<TextClassifier> {
    signal?.throwIfAborted();
    const stop = (): void => this.close(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const classifier = this.#next;
    const { labels, multiLabel, runsOn } = await this.#ask("opened", (request) => ({
      type: "open",
      request,
      source,
    })).finally(() => signal?.removeEventListener("abort", stop));
    return {
      labels,
      multiLabel,
      runsOn,
      classify: async (inputs, aborted) => {
        aborted?.throwIfAborted();
        return (await this.#ask("classified", (request) => ({ type: "classify", request, classifier, inputs }))).shares;
      },
      // The worker ends with the run, and everything with it.
      close: () => Promise.resolve(),
    };
  }

  /** Ends the worker and frees what it holds; what is still asked of it fails for that reason. */
  close(reason: unknown = new Error("the judge worker was ended")): void {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  async #ask<Type extends JudgeEvent["type"]>(
    type: Type,
    command: (request: number) => JudgeCommand,
  ): Promise<Extract<JudgeEvent, { type: Type }>> {
    const worker = (this.#worker ??= this.#start());
    const request = this.#next;
    this.#next += 1;
    const event = await new Promise<JudgeEvent>((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
      worker.postMessage(command(request));
    });
    if (event.type === "failed") throw new BasinError(event.failure);
    if (event.type !== type) throw new Error(`judge worker: ${event.type} where ${type} was expected`);
    return event as Extract<JudgeEvent, { type: Type }>; // its type was looked at; TypeScript does not follow a type parameter
  }

  #start(): Worker {
    const worker = new Worker(new URL("./judge.worker.ts", import.meta.url), {
      type: "module",
      name: workerName("judge"),
    });
    worker.addEventListener("message", ({ data }: MessageEvent<JudgeEvent>) => {
      this.#waiting.get(data.request)?.resolve(data);
      this.#waiting.delete(data.request);
    });
    worker.addEventListener("error", ({ message }) => {
      const failure = new BasinError({
        what: `The judge worker failed: ${message || "it could not be started"}`,
        where: "classifier",
        fix: "Reload the page. If it happens again, choose another judge.",
      });
      for (const { reject } of this.#waiting.values()) reject(failure);
      this.#waiting.clear();
      this.#worker = null;
    });
    return worker;
  }
}
