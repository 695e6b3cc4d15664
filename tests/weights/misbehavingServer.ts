/**
 * @file A local file server that behaves and misbehaves as a test asks, request by request, and counts what it sends.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** What the server does with one request. */
export type Manner =
  | { readonly kind: "well" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Sends the client to the same path below another address. */
  | { readonly kind: "redirect"; readonly to: string }
  /** Closes the connection after so many bytes of the body. */
  | { readonly kind: "cut"; readonly after: number }
  /** Sends nothing more after so many bytes of the body, and keeps the connection. */
  | { readonly kind: "stall"; readonly after: number }
  /** Answers 200 with the whole file. */
  | { readonly kind: "ignoreRange" }
  /** Claims another range or another length of the file. */
  | { readonly kind: "contentRange"; readonly value: (start: number, end: number, size: number) => string }
  /** Sends so many bytes less (and says so in Content-Length), or more, than was asked for. */
  | { readonly kind: "length"; readonly by: number }
  /** No Content-Range: what a page of another origin sees without Access-Control-Expose-Headers. */
  | { readonly kind: "hideRange"; readonly alsoHead?: boolean }
  /** An HTML page for every path. */
  | { readonly kind: "page" };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** First and last byte asked for; null without a Range. */
  readonly range: readonly [number, number] | null;
  readonly headers: IncomingMessage["headers"];
  /** performance.now() at arrival. */
  readonly at: number;
}

export interface ServerOptions {
  /** The manner of the n-th request (from 0). */
  readonly manner?: (request: SeenRequest, n: number) => Manner;
  /** Extra headers of good answers. */
  readonly headers?: (path: string) => Record<string, string>;
  /** Whether pages of other origins may read (CORS). */
  readonly cors?: boolean;
  /** Milliseconds before each answer. */
  readonly delayMs?: number;
}

export class MisbehavingServer {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly seen: SeenRequest[] = [];
  /** Body bytes sent, by path. */
  readonly sent = new Map<string, number>();
  /** Requests under way now, and the most at once. */
  open = 0;
  mostOpen = 0;
  manner: NonNullable<ServerOptions["manner"]>;
  base = "";
  readonly #options: ServerOptions;
  readonly #server: Server;

  private constructor(files: Readonly<Record<string, Uint8Array>>, options: ServerOptions) {
    this.files = files;
    this.#options = options;
    this.manner = options.manner ?? (() => ({ kind: "well" }));
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Serves `files` (path -> content) below `base`, an address without a slash at its end. */
  static async start(
    files: Readonly<Record<string, Uint8Array>>,
    options: ServerOptions = {},
  ): Promise<MisbehavingServer> {
    const self = new MisbehavingServer(files, options);
    await new Promise<void>((resolve) => self.#server.listen(0, "127.0.0.1", resolve));
    const address = self.#server.address();
    self.base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    return self;
  }

  /** Behaves well from now on, and forgets what it saw. */
  reset(manner: NonNullable<ServerOptions["manner"]> = () => ({ kind: "well" })): void {
    this.manner = manner;
    this.seen.length = 0;
    this.sent.clear();
    this.mostOpen = 0;
  }

  get bytesSent(): number {
    return [...this.sent.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname).slice(1);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const seen: SeenRequest = {
      method: request.method ?? "GET",
      path,
      range: from === undefined ? null : [Number(from), Number(to)],
      headers: request.headers,
      at: performance.now(),
    };
    const manner = this.manner(seen, this.seen.length);
    this.seen.push(seen);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.on("close", () => (this.open -= 1));
    if (this.#options.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, this.#options.delayMs));
    if (this.#options.cors === true) {
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("access-control-expose-headers", "Content-Range, ETag");
      if (request.method === "OPTIONS")
        return void response.writeHead(204, { "access-control-allow-headers": "authorization, range" }).end();
    }
    this.#send(response, seen, manner);
  }

  #send(response: ServerResponse, { path, range, method }: SeenRequest, manner: Manner): void {
    if (manner.kind === "status") return void response.writeHead(manner.status, manner.headers).end("no");
    if (manner.kind === "redirect") return void response.writeHead(302, { location: `${manner.to}/${path}` }).end();
    if (manner.kind === "page")
      return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    const file = Object.hasOwn(this.files, path) ? this.files[path] : undefined;
    if (file === undefined) return void response.writeHead(404).end();
    const extra = this.#options.headers?.(path) ?? {};
    if (method === "HEAD") {
      const hidden = manner.kind === "hideRange" && manner.alsoHead === true;
      return void response
        .writeHead(
          200,
          hidden ? { ...extra, "transfer-encoding": "chunked" } : { ...extra, "content-length": file.byteLength },
        )
        .end();
    }
    if (range === null || manner.kind === "ignoreRange") {
      response.writeHead(200, { ...extra, "content-length": file.byteLength });
      return void this.#write(response, path, file, null);
    }
    const [start, end] = [range[0], Math.min(range[1] + 1, file.byteLength)];
    if (start >= file.byteLength)
      return void response.writeHead(416, { "content-range": `bytes */${file.byteLength}` }).end();
    const told =
      manner.kind === "contentRange"
        ? manner.value(start, end, file.byteLength)
        : `bytes ${start}-${end - 1}/${file.byteLength}`;
    const by = manner.kind === "length" ? manner.by : 0;
    const body = file.subarray(start, end + by);
    const length = manner.kind === "cut" || manner.kind === "stall" ? end - start : body.byteLength;
    response.writeHead(206, {
      ...extra,
      ...(manner.kind === "hideRange" ? {} : { "content-range": told }),
      "content-length": length,
    });
    response.flushHeaders();
    if (manner.kind === "cut")
      return void this.#write(response, path, body.subarray(0, manner.after), () => response.destroy());
    if (manner.kind === "stall")
      return void this.#write(response, path, body.subarray(0, manner.after), () => undefined);
    this.#write(response, path, body, null);
  }

  /** Writes in small pieces as the client takes them, so that what a client does not want is not counted. */
  #write(response: ServerResponse, path: string, body: Uint8Array, afterwards: (() => void) | null): void {
    let at = 0;
    const more = (): void => {
      while (at < body.byteLength && !response.destroyed) {
        const piece = body.subarray(at, at + 65536);
        at += piece.byteLength;
        this.sent.set(path, (this.sent.get(path) ?? 0) + piece.byteLength);
        if (!response.write(piece)) return void response.once("drain", more);
      }
      if (afterwards === null) response.end();
      else setTimeout(afterwards, 5); // what was written leaves first
    };
    more();
  }
}
