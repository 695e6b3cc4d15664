/**
 * @file A folder on a web server as a byte source: range requests, so that a tensor can be read without its file.
 *
 *     the first request of a file   its first 64 KiB: whether it is there, how long it is, whether ranges work. They
 *                                   stay in memory, so a small file and most safetensors headers cost this one request
 *     every other                   the range that is asked for, resumed and retried as httpClient.ts says
 *
 * A server that ignores ranges answers 200 with the whole file. Up to 64 MiB that is as good: the file is kept in
 * memory (96 MiB of such files at most, the one that was used longest ago goes first and would be fetched again). A
 * larger one is refused with what to do: weights are read in the order of the model, not of the file, so that each
 * tensor would fetch the whole file again.
 */
import { checkRange, missingFile, type ByteSource, type FileVersion } from "./byteSource.ts";
import { contentRange, discard, endedEarly, HttpClient, type Attempt, type HttpOptions } from "./httpClient.ts";
import { changed, lengthHidden, rangesIgnored, tooMuch } from "./httpErrors.ts";

/** The first request asks for so many bytes. */
const HEAD_BYTES = 64 * 1024;
/** A server without ranges may send a file of up to this many bytes. */
const WHOLE_ANSWER_BYTES = 64 * 1024 * 1024;
/** Whole answers that are kept, all together. */
const KEPT_BYTES = 96 * 1024 * 1024;

export interface UrlSourceOptions extends HttpOptions {
  /** Name in errors; the address (without its query) unless given. */
  readonly name?: string;
}

/** A source that keeps small files in memory until `release` is called. */
export interface UrlSource extends ByteSource {
  release(): void;
}

/** What is known of one file. */
type FileState =
  | { readonly kind: "missing" }
  | {
      readonly kind: "ranged";
      readonly size: number;
      readonly head: readonly Uint8Array[];
      readonly headBytes: number;
      readonly etag: string | null;
      readonly tag: string | null;
    }
  | {
      readonly kind: "whole";
      readonly size: number;
      readonly pieces: readonly Uint8Array[];
      readonly tag: string | null;
    };

/** Files below the address `base` (with or without a slash at its end; a query string is kept for each file). */
export function urlSource(base: string, options: UrlSourceOptions = {}): UrlSource {
  return new RangeSource(base, options);
}

/** The address of a file below `base`. */
export function fileAddress(base: string, path: string): string {
  const [address = "", query] = base.split("?", 2);
  const folder = address.endsWith("/") ? address : `${address}/`;
  return `${folder}${path.split("/").map(encodeURIComponent).join("/")}${query === undefined ? "" : `?${query}`}`;
}

class RangeSource implements UrlSource {
  readonly name: string;
  readonly #base: string;
  readonly #http: HttpClient;
  /** In the order in which they were used last. */
  readonly #files = new Map<string, Promise<FileState>>();
  readonly #kept = new Map<string, number>();

  constructor(base: string, options: UrlSourceOptions) {
    this.#base = base;
    // A query may carry a signature or a key: it stays out of messages.
    this.name = options.name ?? base.split("?", 1)[0] ?? base;
    this.#http = new HttpClient(options);
  }

  async has(path: string, signal?: AbortSignal): Promise<boolean> {
    return (await this.#state(path, signal)).kind !== "missing";
  }

  async size(path: string, signal?: AbortSignal): Promise<number> {
    const state = await this.#state(path, signal);
    if (state.kind === "missing") throw missingFile(this, path);
    return state.size;
  }

  async version(path: string, signal?: AbortSignal): Promise<FileVersion | null> {
    const state = await this.#state(path, signal);
    return state.kind === "missing" || state.tag === null ? null : { size: state.size, tag: state.tag };
  }

  origin(): "network" {
    return "network";
  }

  readonly read: ByteSource["read"] = async (path, start, end, signal, onBytes) => {
    signal?.throwIfAborted();
    const state = await this.#state(path, signal);
    const known = state.kind === "missing" ? null : state.size;
    if (!checkRange(this, path, known, { start, end }) || state.kind === "missing") return new Uint8Array(0);
    if (state.kind === "whole") return copyRange(state.pieces, start, end);
    if (end <= state.headBytes) return copyRange(state.head, start, end);
    const { size, etag } = state;
    return this.#http.readRange(fileAddress(this.#base, path), start, end, {
      where: this.#where(path),
      size,
      etag,
      signal,
      onBytes,
    });
  };

  release(): void {
    this.#files.clear();
    this.#kept.clear();
  }

  async #state(path: string, signal: AbortSignal | undefined): Promise<FileState> {
    const known = this.#files.get(path);
    if (known !== undefined) {
      const kept = this.#kept.get(path);
      if (kept !== undefined) {
        this.#kept.delete(path); // to the end: used last
        this.#kept.set(path, kept);
      }
      try {
        return await known;
      } catch (cause) {
        // The caller who asked first has left; whoever still waits asks for itself.
        if (cause instanceof Error && cause.name === "AbortError" && signal?.aborted !== true)
          return this.#state(path, signal);
        throw cause;
      }
    }
    const asked = this.#ask(path, signal);
    this.#files.set(path, asked);
    try {
      const state = await asked;
      if (state.kind === "whole" && state.size > HEAD_BYTES) this.#keep(path, state.size);
      return state;
    } catch (cause) {
      this.#files.delete(path); // a failed request may be tried again
      throw cause;
    }
  }

  #keep(path: string, size: number): void {
    this.#kept.set(path, size);
    let total = [...this.#kept.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const [oldest, bytes] of this.#kept) {
      if (total <= KEPT_BYTES || oldest === path) return;
      this.#kept.delete(oldest);
      this.#files.delete(oldest);
      total -= bytes;
    }
  }

  /**
   * One request finds out whether the file is there, how long it is and whether ranges work; its first bytes come with
   * it.
   */
  #ask(path: string, signal: AbortSignal | undefined): Promise<FileState> {
    const url = fileAddress(this.#base, path);
    const where = this.#where(path);
    return this.#http.retrying(where, signal, async (attempt) => {
      const response = await this.#http.send(attempt, url, where, { range: `bytes=0-${HEAD_BYTES - 1}` });
      const { status } = response;
      if (status === 404 || status === 410 || isFallbackPage(path, response)) {
        await discard(response);
        return { kind: "missing" };
      }
      const tag = versionTag(response);
      if (status === 416) {
        await discard(response);
        return { kind: "whole", size: 0, pieces: [], tag }; // no byte 0: the file is empty
      }
      if (status === 206) return this.#fromRange(attempt, path, url, response, tag);
      if (!response.ok) throw await this.#http.refusal(response, where);
      return this.#fromWhole(attempt, path, response, tag);
    });
  }

  async #fromRange(
    attempt: Attempt,
    path: string,
    url: string,
    response: Response,
    tag: string | null,
  ): Promise<FileState> {
    const where = this.#where(path);
    const range = contentRange(response);
    if (range !== null && range.start !== 0) {
      await discard(response);
      throw changed(where, `asked for its beginning, the server sent bytes from ${range.start}`);
    }
    const etag = response.headers.get("etag");
    const { pieces, size: headBytes } = await this.#collect(attempt, path, response, HEAD_BYTES, () =>
      tooMuch(where, HEAD_BYTES),
    );
    const size = range?.total ?? (headBytes < HEAD_BYTES ? headBytes : await this.#headLength(attempt, url, where));
    if (headBytes < Math.min(size, HEAD_BYTES))
      throw endedEarly(this.name, path, Math.min(size, HEAD_BYTES), headBytes);
    return size === headBytes
      ? { kind: "whole", size, pieces, tag }
      : { kind: "ranged", size, head: pieces, headBytes, etag, tag };
  }

  /** The length by HEAD: another origin may hide Content-Range, but every page may read Content-Length. */
  async #headLength(attempt: Attempt, url: string, where: string): Promise<number> {
    const response = await this.#http.send(attempt, url, where, { method: "HEAD" });
    await discard(response);
    const length =
      response.ok && response.headers.get("content-encoding") === null
        ? Number(response.headers.get("content-length") ?? NaN)
        : NaN;
    if (!(length >= HEAD_BYTES)) throw lengthHidden(where);
    return length;
  }

  /** 200: the server ignored the range. */
  async #fromWhole(attempt: Attempt, path: string, response: Response, tag: string | null): Promise<FileState> {
    const where = this.#where(path);
    // Content-Length counts compressed bytes when the answer is compressed.
    const plain = response.headers.get("content-encoding") === null;
    const declared = plain ? Number(response.headers.get("content-length") ?? NaN) : NaN;
    if (declared > WHOLE_ANSWER_BYTES) {
      await discard(response);
      throw rangesIgnored(where, declared, WHOLE_ANSWER_BYTES);
    }
    const { pieces, size } = await this.#collect(attempt, path, response, WHOLE_ANSWER_BYTES, (got) =>
      rangesIgnored(where, got, WHOLE_ANSWER_BYTES),
    );
    if (declared > size) throw endedEarly(this.name, path, declared, size);
    return { kind: "whole", size, pieces, tag };
  }

  async #collect(
    attempt: Attempt,
    path: string,
    response: Response,
    limit: number,
    overflow: (got: number) => Error,
  ): Promise<{ pieces: Uint8Array[]; size: number }> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.#http.body(attempt, response, this.#where(path), { at: () => size })) {
      size += piece.byteLength;
      if (size > limit) throw overflow(size);
      pieces.push(piece);
    }
    return { pieces, size };
  }

  #where(path: string): string {
    return `${this.name}: ${path}`;
  }
}

/** A strong ETag, else the date of the last change; null where neither is sent or readable. */
function versionTag(response: Response): string | null {
  const etag = response.headers.get("etag");
  if (etag !== null && etag.startsWith('"')) return `etag ${etag}`;
  const modified = response.headers.get("last-modified");
  return modified === null ? null : `modified ${modified}`;
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
