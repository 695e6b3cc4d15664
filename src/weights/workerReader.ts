/**
 * @file The client's side of the weights protocol: a checkpoint that lives behind a port and reads like a local one.
 */
import type { Checkpoint, OpenOptions } from "./checkpoint.ts";
import type { TensorInfo } from "./tensorReader.ts";
import type { Transfer } from "./transfer.ts";
import { freeBuffer } from "./freeBuffer.ts";
import { fromPosted, type WeightsCommand, type WeightsEvent, type WeightsPort } from "./weightsProtocol.ts";

/** A checkpoint behind a port; `close` lets the worker forget it. */
export interface RemoteCheckpoint extends Checkpoint {
  close(): void;
}

/** Opens checkpoints through one port. Several may be open, and several reads may run, at once. */
export class WeightsClient<Descriptor> {
  readonly #port: WeightsPort;
  readonly #waiting = new Map<number, Waiting>();
  /** By the request that opened the checkpoint. */
  readonly #listeners = new Map<number, (transfer: Transfer) => void>();
  #nextRequest = 1;
  #fatal: { readonly error: unknown } | null = null;

  constructor(port: WeightsPort) {
    this.#port = port;
    port.addEventListener("message", ({ data }) => {
      // The port belongs to the service of this same build: its messages have the protocol's type.
      const event = data as WeightsEvent;
      if (event.kind === "progress") this.#listeners.get(event.request)?.(event.transfer);
      else this.#waiting.get(event.request)?.receive(event); // nobody waits any more after a cancel
    });
    port.start?.();
  }

  /** The weights worker has failed, and with it everything that waits. @param fatal so does whatever comes later */
  fail(error: unknown, fatal: boolean): void {
    if (fatal) this.#fatal = { error };
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  /**
   * Opens a checkpoint in the worker.
   * @throws BasinError as `openCheckpoint` does; the signal's reason when it was aborted
   */
  async open(source: Descriptor, { signal, onProgress }: OpenOptions = {}): Promise<RemoteCheckpoint> {
    const event = await this.#ask(
      (request) => ({ kind: "open", request, source, progress: onProgress !== undefined }),
      signal,
    );
    if (event.kind !== "opened") throw unexpected("open", event);
    const { checkpoint, name, config, request: opening } = event;
    if (onProgress !== undefined) this.#listeners.set(opening, onProgress);
    const tensors = new Map<string, TensorInfo>(event.tensors.map((info) => [info.name, info]));
    return {
      name,
      config,
      tensors,
      unreadable: new Map(event.unreadable),
      read: (tensor, readSignal) => this.#read(checkpoint, tensor, readSignal),
      text: async (path, textSignal) => {
        const answer = await this.#ask((request) => ({ kind: "text", request, checkpoint, path }), textSignal);
        if (answer.kind !== "text") throw unexpected("text", answer);
        return answer.text;
      },
      prefetch: (names, prefetchSignal) => {
        if (prefetchSignal?.aborted === true) return;
        this.#post({ kind: "prefetch", checkpoint, names });
        prefetchSignal?.addEventListener("abort", () => this.#post({ kind: "prefetch", checkpoint, names: [] }), {
          once: true,
        });
      },
      close: () => {
        this.#listeners.delete(opening);
        this.#post({ kind: "close", checkpoint });
      },
    };
  }

  async #ask(
    command: (request: number) => WeightsCommand<Descriptor>,
    signal: AbortSignal | undefined,
  ): Promise<WeightsEvent> {
    const inbox = this.#begin(command, signal);
    try {
      return await inbox.next();
    } finally {
      inbox.end();
    }
  }

  async *#read(checkpoint: number, name: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const inbox = this.#begin((request) => ({ kind: "read", request, checkpoint, name }), signal);
    let finished = false;
    try {
      for (;;) {
        const event = await inbox.next();
        if (event.kind === "end") {
          finished = true;
          return;
        }
        if (event.kind !== "chunk") throw unexpected("read", event);
        yield new Uint8Array(event.bytes);
        freeBuffer(event.bytes); // the consumer is back: it has used the chunk
        // Asked for only when the consumer comes back for more: this is the back-pressure.
        this.#post({ kind: "pull", request: inbox.request });
      }
    } finally {
      if (!finished) this.#post({ kind: "cancel", request: inbox.request });
      inbox.end();
    }
  }

  /** Sends a command and queues the events that answer it. */
  #begin(command: (request: number) => WeightsCommand<Descriptor>, signal: AbortSignal | undefined): Inbox {
    signal?.throwIfAborted();
    if (this.#fatal !== null) throw this.#fatal.error;
    const request = this.#nextRequest;
    this.#nextRequest += 1;
    const queue: WeightsEvent[] = [];
    let failure: { readonly error: unknown } | null = null;
    let wake: (() => void) | null = null;
    const onAbort = (): void => {
      this.#post({ kind: "cancel", request });
      wake?.();
    };
    this.#waiting.set(request, {
      receive: (event) => {
        queue.push(event);
        wake?.();
      },
      reject: (error) => {
        failure = { error };
        wake?.();
      },
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#post(command(request));
    const next = async (): Promise<WeightsEvent> => {
      for (;;) {
        signal?.throwIfAborted();
        const event = queue.shift();
        if (event?.kind === "failed") throw fromPosted(event.error);
        if (event !== undefined) return event;
        if (failure !== null) throw failure.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const end = (): void => {
      this.#waiting.delete(request);
      signal?.removeEventListener("abort", onAbort);
    };
    return { request, next, end };
  }

  #post(command: WeightsCommand<Descriptor>): void {
    this.#port.postMessage(command, []);
  }
}

interface Waiting {
  readonly receive: (event: WeightsEvent) => void;
  readonly reject: (error: unknown) => void;
}

interface Inbox {
  readonly request: number;
  /** The next event; throws what the service reported, or the signal's reason. */
  next(): Promise<WeightsEvent>;
  end(): void;
}

function unexpected(command: string, event: WeightsEvent): Error {
  return new Error(`weights protocol: ${event.kind} in answer to ${command}`);
}
