/**
 * @file The weights worker's side of the protocol: opens checkpoints, streams tensors with back-pressure. Knows no
 * platform: how a descriptor becomes a byte source is passed in, so the same code runs under test in Node.
 */
import type { ByteSource } from "./byteSource.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { Transfer } from "./transfer.ts";
import { toPosted, WINDOW, type WeightsCommand, type WeightsEvent, type WeightsPort } from "./weightsProtocol.ts";

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
  const checkpoints = new Map<number, Checkpoint>();
  const flows = new Map<number, Flow>();
  let nextCheckpoint = 1;

  const post = (event: WeightsEvent, transfer: ArrayBuffer[] = []): void => port.postMessage(event, transfer);

  /** Runs one request: registers it for `cancel`, posts a failure unless it was cancelled. */
  const run = async (request: number, work: (flow: Flow) => Promise<void>): Promise<void> => {
    const flow = new Flow();
    flows.set(request, flow);
    try {
      await work(flow);
    } catch (error) {
      if (!flow.abort.signal.aborted) post({ kind: "failed", request, error: toPosted(error) });
    } finally {
      flows.delete(request);
    }
  };

  const need = (id: number): Checkpoint => {
    const checkpoint = checkpoints.get(id);
    if (checkpoint === undefined) throw new Error(`weights service: checkpoint ${id} is not open`);
    return checkpoint;
  };

  const open = (request: number, source: Descriptor, progress: boolean): Promise<void> =>
    run(request, async ({ abort }) => {
      const onProgress = (transfer: Transfer): void => post({ kind: "progress", request, transfer });
      const checkpoint = await openCheckpoint(openSource(source), {
        signal: abort.signal,
        ...(progress ? { onProgress } : {}),
      });
      if (abort.signal.aborted) return;
      const id = nextCheckpoint;
      nextCheckpoint += 1;
      checkpoints.set(id, checkpoint);
      const { name, config } = checkpoint;
      post({
        kind: "opened",
        request,
        checkpoint: id,
        name,
        config,
        tensors: [...checkpoint.tensors.values()],
        unreadable: [...checkpoint.unreadable],
      });
    });

  const read = (request: number, checkpoint: number, name: string): Promise<void> =>
    run(request, async (flow) => {
      const { signal } = flow.abort;
      for await (const chunk of need(checkpoint).read(name, signal)) {
        await flow.take();
        if (signal.aborted) return;
        const bytes = owned(chunk);
        post({ kind: "chunk", request, bytes }, [bytes]);
      }
      post({ kind: "end", request });
    });

  const text = (request: number, checkpoint: number, path: string): Promise<void> =>
    run(request, async ({ abort }) => {
      const content = await need(checkpoint).text(path, abort.signal);
      if (!abort.signal.aborted) post({ kind: "text", request, text: content });
    });

  port.addEventListener("message", ({ data }) => {
    // The port belongs to the client of this same build: its messages have the protocol's type.
    const command = data as WeightsCommand<Descriptor>;
    switch (command.kind) {
      case "open":
        void open(command.request, command.source, command.progress);
        break;
      case "read":
        void read(command.request, command.checkpoint, command.name);
        break;
      case "text":
        void text(command.request, command.checkpoint, command.path);
        break;
      case "pull":
        flows.get(command.request)?.grant();
        break;
      case "cancel":
        flows.get(command.request)?.cancel();
        break;
      case "prefetch":
        checkpoints.get(command.checkpoint)?.prefetch?.(command.names);
        break;
      case "close":
        checkpoints.get(command.checkpoint)?.prefetch?.([]);
        checkpoints.delete(command.checkpoint);
        break;
    }
  });
  port.start?.();
}

/** The chunk's bytes as a buffer of their own, which can be transferred. */
function owned(chunk: Uint8Array): ArrayBuffer {
  if (chunk.buffer instanceof ArrayBuffer && chunk.byteOffset === 0 && chunk.byteLength === chunk.buffer.byteLength)
    return chunk.buffer;
  return new Uint8Array(chunk).buffer;
}
