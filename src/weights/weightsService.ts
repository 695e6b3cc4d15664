/**
 * @file The weights worker's side of the protocol: opens checkpoints, streams tensors with back-pressure. Knows no
 * platform: how a descriptor becomes a byte source is passed in, so the same code runs under test in Node.
 */
import type { ByteSource } from "./byteSource.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { Transfer } from "./transfer.ts";
import { toPosted, WINDOW, type WeightsCommand, type WeightsEvent, type WeightsPort } from "./weightsProtocol.ts";

type Command<Descriptor, Kind> = Extract<WeightsCommand<Descriptor>, { kind: Kind }>;

/** Credits of one running read, and the loop that waits for them. */
class Flow {
  readonly abort = new AbortController();
  #credits = WINDOW;
  #wake: (() => void) | null = null;

  grant(): void {
    this.#credits += 1;
    this.#wake?.();
  }

  cancel(): void {
    this.abort.abort();
    this.#wake?.();
  }

  /** Resolves when a chunk may be sent, or the read was cancelled. */
  async take(): Promise<void> {
    while (this.#credits === 0 && !this.abort.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    this.#credits -= 1;
  }
}

/**
 * Answers commands on `port` until it closes.
 * @param openSource turns a descriptor into a source; may throw a BasinError
 */
export function serveWeights<Descriptor>(port: WeightsPort, openSource: (descriptor: Descriptor) => ByteSource): void {
  const service = new WeightsService(port, openSource);
  port.addEventListener("message", ({ data }) => {
    // The port belongs to the client of this same build: its messages have the protocol's type.
    service.handle(data as WeightsCommand<Descriptor>);
  });
  port.start?.();
}

class WeightsService<Descriptor> {
  readonly #port: WeightsPort;
  readonly #openSource: (descriptor: Descriptor) => ByteSource;
  readonly #checkpoints = new Map<number, Checkpoint>();
  readonly #flows = new Map<number, Flow>();
  #nextCheckpoint = 1;

  constructor(port: WeightsPort, openSource: (descriptor: Descriptor) => ByteSource) {
    this.#port = port;
    this.#openSource = openSource;
  }

  handle(command: WeightsCommand<Descriptor>): void {
    switch (command.kind) {
      case "open":
        return this.#run(command.request, (flow) => this.#open(command, flow));
      case "read":
        return this.#run(command.request, (flow) => this.#read(command, flow));
      case "text":
        return this.#run(command.request, (flow) => this.#text(command, flow));
      case "pull":
        return this.#flows.get(command.request)?.grant();
      case "cancel":
        return this.#flows.get(command.request)?.cancel();
      case "prefetch":
        return this.#checkpoints.get(command.checkpoint)?.prefetch?.(command.names);
      case "close":
        this.#checkpoints.get(command.checkpoint)?.prefetch?.([]);
        this.#checkpoints.delete(command.checkpoint);
    }
  }

  /** Runs one request: registers it for `cancel`, posts a failure unless it was cancelled. */
  #run(request: number, work: (flow: Flow) => Promise<void>): void {
    const flow = new Flow();
    this.#flows.set(request, flow);
    void work(flow)
      .catch((error: unknown) => {
        if (!flow.abort.signal.aborted) this.#post({ kind: "failed", request, error: toPosted(error) });
      })
      .finally(() => this.#flows.delete(request));
  }

  async #open({ request, source, progress }: Command<Descriptor, "open">, { abort }: Flow): Promise<void> {
    const onProgress = (transfer: Transfer): void => this.#post({ kind: "progress", request, transfer });
    const checkpoint = await openCheckpoint(this.#openSource(source), {
      signal: abort.signal,
      ...(progress ? { onProgress } : {}),
    });
    if (abort.signal.aborted) return;
    const id = this.#nextCheckpoint;
    this.#nextCheckpoint += 1;
    this.#checkpoints.set(id, checkpoint);
    const { name, config } = checkpoint;
    const tensors = [...checkpoint.tensors.values()];
    const unreadable = [...checkpoint.unreadable];
    this.#post({ kind: "opened", request, checkpoint: id, name, config, tensors, unreadable });
  }

  async #read({ request, checkpoint, name }: Command<Descriptor, "read">, flow: Flow): Promise<void> {
    const { signal } = flow.abort;
    for await (const chunk of this.#checkpoint(checkpoint).read(name, signal)) {
      await flow.take();
      if (signal.aborted) return;
      const bytes = owned(chunk);
      this.#post({ kind: "chunk", request, bytes }, [bytes]);
    }
    this.#post({ kind: "end", request });
  }

  async #text({ request, checkpoint, path }: Command<Descriptor, "text">, { abort }: Flow): Promise<void> {
    const text = await this.#checkpoint(checkpoint).text(path, abort.signal);
    if (!abort.signal.aborted) this.#post({ kind: "text", request, text });
  }

  #checkpoint(id: number): Checkpoint {
    const checkpoint = this.#checkpoints.get(id);
    if (checkpoint === undefined) throw new Error(`weights service: checkpoint ${id} is not open`);
    return checkpoint;
  }

  #post(event: WeightsEvent, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(event, transfer);
  }
}

/** The chunk's bytes as a buffer of their own, which can be transferred. */
function owned(chunk: Uint8Array): ArrayBuffer {
  if (chunk.buffer instanceof ArrayBuffer && chunk.byteOffset === 0 && chunk.byteLength === chunk.buffer.byteLength)
    return chunk.buffer;
  return new Uint8Array(chunk).buffer;
}
