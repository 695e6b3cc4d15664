/**
 * @file The page's end of the line to the GPU worker: requests as promises, events in batches.
 *
 * On a fast device a step takes a few milliseconds; events are therefore gathered and delivered at most once a frame,
 * so that React draws once for many steps. When the worker fails, whatever is pending is rejected.
 */
import type { BasinError } from "../../base/error.ts";
import { isResponse, RequestClient } from "../../base/requests.ts";
import type { LabCommand, LabEvent, LabMessage, LabReply } from "./protocol/messages.ts";
import type { LabRequests } from "./protocol/requests.ts";

/** What is needed of a worker; tests use a scripted one. */
export interface LabPort {
  postMessage(message: LabMessage): void;
  /** Called with every message of the worker. */
  onMessage(listener: (message: LabReply) => void): void;
  /** Called when the worker has failed, or a message could not be read. @param listener `fatal`: it never started */
  onFailure(listener: (error: BasinError, fatal: boolean) => void): void;
}

/** Calls `flush` soon, once. */
export type Schedule = (flush: () => void) => void;

export class LabClient {
  readonly #port: LabPort;
  readonly #schedule: Schedule;
  readonly #requests: RequestClient<LabRequests>;
  #listener: (events: readonly LabEvent[]) => void = () => undefined;
  #queue: LabEvent[] = [];

  constructor(port: LabPort, schedule: Schedule) {
    this.#port = port;
    this.#schedule = schedule;
    this.#requests = new RequestClient((message) => port.postMessage(message));
    port.onMessage((reply) => this.#receive(reply));
    port.onFailure((error, fatal) => (fatal ? this.#requests.close(error) : this.#requests.rejectAll(error)));
  }

  /** Called with the events since the last call, oldest first. */
  listen(listener: (events: readonly LabEvent[]) => void): void {
    this.#listener = listener;
  }

  send(command: LabCommand): void {
    this.#port.postMessage(command);
  }

  /** @throws BasinError as the worker's handler does, or when the worker fails meanwhile */
  request<Name extends keyof LabRequests>(
    name: Name,
    input: LabRequests[Name]["input"],
  ): Promise<LabRequests[Name]["output"]> {
    return this.#requests.request(name, input);
  }

  #receive(reply: LabReply): void {
    if (isResponse(reply)) return this.#requests.receive(reply);
    this.#queue.push(reply);
    if (this.#queue.length === 1) this.#schedule(() => this.#flush());
  }

  #flush(): void {
    const events = this.#queue;
    this.#queue = [];
    this.#listener(events);
  }
}
