/**
 * @file A folder on a web server as a byte source: range requests, so that a tensor can be read without its file.
 *
 *     small file (up to 16 MiB)   one request, kept as pieces in memory until `release`
 *     large file                  one request per range; the server must answer 206
 *
 * A server that ignores ranges answers 200 with the whole file. For a small file that is as good; for a large one it is
 * refused, since each range would fetch the whole file again.
 */
import { BasinError } from "../engine/error.ts";
import { MAX_CHUNK_BYTES, missingFile, shortRead, type ByteSource } from "./byteSource.ts";

/** Files up to this many bytes are fetched whole. */
const WHOLE_FILE_BYTES = 16 * 1024 * 1024;
/** A server without ranges may send a file of up to this many bytes. */
const WHOLE_ANSWER_BYTES = 64 * 1024 * 1024;

export interface UrlSourceOptions {
  /** Name in errors; the address unless given. */
  readonly name?: string;
  /** Extra request headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the global fetch. */
  readonly fetch?: (url: string, init: { headers: Record<string, string>; signal?: AbortSignal }) => Promise<Response>;
}

/** A source that keeps small files in memory until it is told to let go. */
export interface UrlSource extends ByteSource {
  release(): void;
}

/** What is known of one file. */
type FileState =
  | { readonly kind: "missing" }
  | { readonly kind: "ranged"; readonly size: number }
  | { readonly kind: "whole"; readonly size: number; readonly pieces: readonly Uint8Array[] };

/** Files below the address `base` (with or without a slash at its end; a query string is kept for each file). */
export function urlSource(base: string, options: UrlSourceOptions = {}): UrlSource {
  return new RangeSource(base, options);
}

class RangeSource implements UrlSource {
  readonly name: string;
  readonly #base: string;
  readonly #query: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: NonNullable<UrlSourceOptions["fetch"]>;
  readonly #files = new Map<string, Promise<FileState>>();

  constructor(base: string, options: UrlSourceOptions) {
    const [address = "", query] = base.split("?", 2);
    this.#base = address.endsWith("/") ? address : `${address}/`;
    this.#query = query === undefined ? "" : `?${query}`;
    this.name = options.name ?? base;
    this.#headers = options.headers ?? {};
    // Called through an arrow function: the browser's fetch must not lose its `this`.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  async has(path: string, signal?: AbortSignal): Promise<boolean> {
    return (await this.#state(path, signal)).kind !== "missing";
  }

  async size(path: string, signal?: AbortSignal): Promise<number> {
    const state = await this.#state(path, signal);
    if (state.kind === "missing") throw missingFile(this, path);
    return state.size;
  }

  async read(path: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    const state = await this.#state(path, signal);
    if (state.kind === "missing") throw missingFile(this, path);
    if (end > state.size) throw shortRead(this, path, start, end, Math.max(0, state.size - start));
    if (end === start) return new Uint8Array(0);
    if (state.kind === "whole") return copyRange(state.pieces, start, end);
    const response = await this.#request(path, `bytes=${start}-${end - 1}`, signal);
    if (response.status !== 206) {
      await response.body?.cancel();
      throw response.ok ? this.#noRanges(path, state.size) : this.#refused(path, response);
    }
    const bytes = new Uint8Array(end - start);
    let got = 0;
    for await (const piece of this.#body(path, response)) {
      if (got + piece.byteLength > bytes.byteLength) throw this.#wrongLength(path, bytes.byteLength);
      bytes.set(piece, got);
      got += piece.byteLength;
    }
    if (got !== bytes.byteLength) throw shortRead(this, path, start, end, got);
    return bytes;
  }

  release(): void {
    this.#files.clear();
  }

  #state(path: string, signal: AbortSignal | undefined): Promise<FileState> {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const asked = this.#ask(path, signal).catch((cause: unknown) => {
      this.#files.delete(path); // a failed request may be tried again
      throw cause;
    });
    this.#files.set(path, asked);
    return asked;
  }

  /** One request finds out whether the file is there, how long it is and whether ranges work; small files come with it. */
  async #ask(path: string, signal: AbortSignal | undefined): Promise<FileState> {
    const response = await this.#request(path, `bytes=0-${WHOLE_FILE_BYTES - 1}`, signal);
    if (response.status === 404 || response.status === 410 || isFallbackPage(path, response)) {
      await response.body?.cancel();
      return { kind: "missing" };
    }
    if (response.status === 416) {
      await response.body?.cancel();
      return { kind: "whole", size: 0, pieces: [] }; // no byte 0: the file is empty
    }
    if (response.status === 206) {
      const total = /\/(\d+)\s*$/.exec(response.headers.get("content-range") ?? "")?.[1];
      if (total === undefined) {
        await response.body?.cancel();
        throw new BasinError({
          what: "The server answers range requests without saying how long the file is (no readable Content-Range)",
          where: `${this.name}: ${path}`,
          fix: "From another origin the server must send Access-Control-Expose-Headers: Content-Range. Otherwise use another mirror or a local folder.",
        });
      }
      const size = Number(total);
      if (size > WHOLE_FILE_BYTES) {
        await response.body?.cancel();
        return { kind: "ranged", size };
      }
      const pieces = await this.#collect(path, response, WHOLE_FILE_BYTES);
      return this.#whole(path, pieces, size);
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw this.#refused(path, response);
    }
    // 200: the server ignored the range. Content-Length counts compressed bytes when the answer is compressed.
    const plain = response.headers.get("content-encoding") === null;
    const declared = plain ? Number(response.headers.get("content-length") ?? NaN) : NaN;
    if (declared > WHOLE_ANSWER_BYTES) {
      await response.body?.cancel();
      throw this.#noRanges(path, declared);
    }
    const pieces = await this.#collect(path, response, WHOLE_ANSWER_BYTES);
    return this.#whole(path, pieces, Number.isNaN(declared) ? null : declared);
  }

  #whole(path: string, pieces: readonly Uint8Array[], expected: number | null): FileState {
    const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    if (expected !== null && expected !== size) throw shortRead(this, path, 0, expected, size);
    return { kind: "whole", size, pieces };
  }

  async #collect(path: string, response: Response, limit: number): Promise<Uint8Array[]> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.#body(path, response)) {
      size += piece.byteLength;
      if (size > limit) throw this.#noRanges(path, size);
      pieces.push(piece);
    }
    return pieces;
  }

  async *#body(path: string, response: Response): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        for (let at = 0; at < value.byteLength; at += MAX_CHUNK_BYTES) yield value.subarray(at, at + MAX_CHUNK_BYTES);
      }
    } catch (cause) {
      if (isAbort(cause) || cause instanceof BasinError) throw cause;
      throw new BasinError({
        what: `The connection broke while the file was read: ${cause instanceof Error ? cause.message : String(cause)}`,
        where: `${this.name}: ${path}`,
        fix: "Try again; if it breaks at the same place each time, use another mirror or a local folder.",
        cause,
      });
    } finally {
      // Does nothing after a complete read; ends the download when the consumer stopped early.
      await reader.cancel().catch(() => undefined);
    }
  }

  async #request(path: string, range: string, signal: AbortSignal | undefined): Promise<Response> {
    const url = this.#base + path.split("/").map(encodeURIComponent).join("/") + this.#query;
    const init = { headers: { ...this.#headers, range }, ...(signal === undefined ? {} : { signal }) };
    try {
      return await this.#fetch(url, init);
    } catch (cause) {
      if (isAbort(cause)) throw cause;
      throw new BasinError({
        what: `The request failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        where: `${this.name}: ${path}`,
        fix: "Check the address and the network. In a browser the server must also allow requests from other origins (CORS).",
        cause,
      });
    }
  }

  #refused(path: string, response: Response): BasinError {
    const fix =
      response.status === 401 || response.status === 403
        ? "The model needs a login, or its licence must be accepted first."
        : response.status === 429
          ? "Too many requests: wait a while and try again."
          : "Try again later, or use another mirror or a local folder.";
    return new BasinError({ what: `The server answered ${response.status} ${response.statusText}`.trimEnd(), where: `${this.name}: ${path}`, fix });
  }

  #noRanges(path: string, size: number): BasinError {
    return new BasinError({
      what: `The server ignores range requests, and the file is too large for one answer (${Math.ceil(size / 2 ** 20)} MiB or more; the bound is ${WHOLE_ANSWER_BYTES / 2 ** 20} MiB)`,
      where: `${this.name}: ${path}`,
      fix: "Serve the model from a server that supports Range (most do; Python's http.server does not), or choose the local folder.",
    });
  }

  #wrongLength(path: string, expected: number): BasinError {
    return new BasinError({
      what: `The server sent more than the ${expected} bytes that were asked for`,
      where: `${this.name}: ${path}`,
      fix: "The server handles range requests wrongly. Use another mirror or a local folder.",
    });
  }
}

/** Development servers answer an unknown path with the app's page. No file of a checkpoint is HTML. */
function isFallbackPage(path: string, response: Response): boolean {
  return response.ok && !path.endsWith(".html") && (response.headers.get("content-type") ?? "").startsWith("text/html");
}

function copyRange(pieces: readonly Uint8Array[], start: number, end: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(end - start);
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(start, at);
    const to = Math.min(end, at + piece.byteLength);
    if (from < to) out.set(piece.subarray(from - at, to - at), from - start);
    at += piece.byteLength;
  }
  return out;
}

function isAbort(cause: unknown): boolean {
  return cause instanceof Error && cause.name === "AbortError";
}
