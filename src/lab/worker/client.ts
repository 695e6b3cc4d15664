/**
 * @file The page's end of the line to the GPU worker: requests as promises, events in batches.
 *
 * On a fast device a step takes a few milliseconds; events are therefore gathered and delivered at most once a frame,
 * so that React draws once for many steps. When the worker fails, whatever is pending is rejected. One that was started
 * in place of another is given what that had been given: files, folders, access to the hub.
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
  /** Called when the worker has failed, or a message could not be read. */
  onFailure(listener: (failure: PortFailure) => void): void;
}

export interface PortFailure {
  readonly error: BasinError;
  /** running: it may live on. restarted: it is gone, and another is there in its place. gone: and there is none. */
  readonly worker: "running" | "restarted" | "gone";
}

/** Calls `flush` soon, once. */
export type Schedule = (flush: () => void) => void;

export class LabClient {
  readonly #port: LabPort;
  readonly #schedule: Schedule;
  readonly #requests: RequestClient<LabRequests>;
  #listener: (events: readonly LabEvent[]) => void = () => undefined;
  #queue: LabEvent[] = [];
  /** What a worker has to be given, oldest first. */
  readonly #given = new Map<string, LabCommand>();

  constructor(port: LabPort, schedule: Schedule) {
    this.#port = port;
    this.#schedule = schedule;
    this.#requests = new RequestClient((message) => port.postMessage(message));
    port.onMessage((reply) => this.#receive(reply));
    port.onFailure((failure) => this.#onFailure(failure));
  }

  /** Called with the events since the last call, oldest first. */
  listen(listener: (events: readonly LabEvent[]) => void): void {
    this.#listener = listener;
  }

  send(command: LabCommand): void {
    const key = givenKey(command);
    if (key !== null) this.#given.set(key, command);
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
    if (isResponse(reply)) this.#requests.receive(reply);
    else {
      this.#queue.push(reply);
      if (this.#queue.length === 1) this.#schedule(() => this.#flush());
    }
  }

  #onFailure({ error, worker }: PortFailure): void {
    if (worker === "gone") this.#requests.close(error);
    else this.#requests.rejectAll(error);
    if (worker === "running") return;
    const { what, where, fix } = error;
    if (worker === "restarted") for (const command of this.#given.values()) this.#port.postMessage(command);
    this.#queue.push({ type: "worker_lost", failure: { what, where, fix }, restarted: worker === "restarted" });
    // At once: what is sent from now on goes to the next worker, and is not lost with this one.
    this.#flush();
  }

  #flush(): void {
    const events = this.#queue;
    this.#queue = [];
    if (events.length > 0) this.#listener(events);
  }
}

/**
 * Two commands with one key give the same thing, the later one in place of the earlier; null for a command that gives
 * nothing, or something that is sent with each use.
 */
function givenKey(command: LabCommand): string | null {
  switch (command.type) {
    case "open_device":
    case "hub_access":
      return command.type;
    case "attach":
      return JSON.stringify(["attach", ...command.files.keys()]);
    case "attach_folder":
      return JSON.stringify(["attach_folder", command.name]);
    default:
      return null;
  }
}
