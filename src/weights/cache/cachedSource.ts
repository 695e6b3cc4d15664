/**
 * @file A byte source with memory: what was fetched once is read from the cache, everything else from the source behind
 * it.
 *
 *     the source says what a file is now (size, content tag)   ▸   pieces with that tag are used, others removed
 *     the source gives no tag                                  ▸   not cached: an old copy would look like a new one
 *     the source cannot be reached (or refuses)                ▸   what was last known is used, and a notice says so
 *
 * A failure of the cache never fails a read: without room, or without storage, it goes on without caching and says so.
 */
import { BasinError } from "../../base/error.ts";
import { checkRange, missingFile, type ByteOrigin, type ByteSource, type FileVersion } from "../byteSource.ts";
import { CacheFullError } from "./cacheFiles.ts";
import { answered } from "./patience.ts";
import type { ModelEntry, Piece, StoredFile, WeightsCache } from "./weightsCache.ts";

/** What the user should know. */
export type CacheNotice =
  /** The source could not be asked; what it said at `at` (ms since 1970) is used. */
  | { readonly kind: "offline"; readonly model: string; readonly at: number; readonly why: string }
  /** From here on nothing more of this model is kept. */
  | { readonly kind: "not_caching"; readonly model: string; readonly why: string }
  /** Other models were removed to make room. */
  | { readonly kind: "evicted"; readonly model: string; readonly removed: readonly string[] };

export interface CachedSourceOptions {
  readonly notify?: (notice: CacheNotice) => void;
  /** After so long without an answer the storage counts as broken, in milliseconds. */
  readonly patienceMs?: number;
}

/** @param key source and revision */
export function cachedSource(
  source: ByteSource,
  cache: WeightsCache | Promise<WeightsCache>,
  key: string,
  options: CachedSourceOptions = {},
): ByteSource {
  return new CachedSource(source, cache, key, options);
}

type FileNow =
  | { readonly kind: "missing" }
  /** Read straight from the source. */
  | { readonly kind: "uncached" }
  | { readonly kind: "cached"; readonly size: number; readonly tag: string; readonly pieces: Piece[] };

class CachedSource implements ByteSource {
  readonly name: string;
  readonly #source: ByteSource;
  readonly #cache: Promise<WeightsCache>;
  readonly #entry: Promise<ModelEntry>;
  readonly #options: CachedSourceOptions;
  readonly #known = new Map<string, Promise<FileNow>>();
  /** Files whose last bytes came from the cache. */
  readonly #hits = new Set<string>();
  /** Why the source is not asked any more; null while it is. */
  #offline: string | null = null;
  #storing = true;
  #room: Promise<boolean> | null = null;

  constructor(
    source: ByteSource,
    cache: WeightsCache | Promise<WeightsCache>,
    key: string,
    options: CachedSourceOptions,
  ) {
    this.name = source.name;
    this.#source = source;
    this.#cache = Promise.resolve(cache);
    this.#entry = this.#cache.then((opened) => opened.model(key, source.name));
    this.#entry.catch(() => undefined); // reported where it is awaited
    this.#options = options;
  }

  async has(path: string, signal?: AbortSignal): Promise<boolean> {
    const now = await this.#file(path, signal);
    return now.kind === "uncached" ? this.#source.has(path, signal) : now.kind === "cached";
  }

  async size(path: string, signal?: AbortSignal): Promise<number> {
    const now = await this.#file(path, signal);
    if (now.kind === "missing") throw missingFile(this, path);
    return now.kind === "uncached" ? this.#source.size(path, signal) : now.size;
  }

  async version(path: string, signal?: AbortSignal): Promise<FileVersion | null> {
    const now = await this.#file(path, signal);
    return now.kind === "cached" ? { size: now.size, tag: now.tag } : null;
  }

  origin(path: string): ByteOrigin {
    return this.#hits.has(path) ? "cache" : (this.#source.origin?.(path) ?? "network");
  }

  readonly read: ByteSource["read"] = async (path, start, end, signal, onBytes) => {
    signal?.throwIfAborted();
    const now = await this.#file(path, signal);
    if (now.kind === "uncached") return this.#source.read(path, start, end, signal, onBytes);
    const size = now.kind === "missing" ? null : now.size;
    if (!checkRange(this, path, size, { start, end }) || now.kind === "missing") return new Uint8Array(0);
    const whole = now.pieces.find((piece) => piece.start === start && piece.end === end);
    if (whole !== undefined) {
      const bytes = await this.#fromCache(path, now, whole);
      if (bytes !== null) return bytes;
    }
    const out = new Uint8Array(end - start);
    for (let at = start; at < end; ) {
      signal?.throwIfAborted();
      at += await this.#next(path, now, at, end, out.subarray(at - start), signal, onBytes);
    }
    return out;
  };

  /** Puts the bytes from `at` on into `out`: as many as the next piece, or the gap before it, has. @returns how many */
  async #next(
    path: string,
    now: Extract<FileNow, { kind: "cached" }>,
    at: number,
    end: number,
    out: Uint8Array,
    signal: AbortSignal | undefined,
    onBytes: ((count: number) => void) | undefined,
  ): Promise<number> {
    const piece = now.pieces.find((candidate) => candidate.start <= at && candidate.end > at);
    if (piece !== undefined) {
      const bytes = await this.#fromCache(path, now, piece);
      if (bytes !== null) {
        const part = bytes.subarray(at - piece.start, Math.min(piece.end, end) - piece.start);
        out.set(part);
        return part.byteLength;
      }
    }
    const gapEnd = now.pieces.reduce((least, { start }) => (start > at ? Math.min(least, start) : least), end);
    const bytes = await this.#fromSource(path, at, gapEnd, signal, onBytes);
    out.set(bytes);
    await this.#store(path, now, at, bytes);
    return gapEnd - at;
  }

  async #fromCache(
    path: string,
    now: Extract<FileNow, { kind: "cached" }>,
    piece: Piece,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    let bytes: Uint8Array<ArrayBuffer> | null = null;
    try {
      bytes = await this.#answered((await this.#entry).readPiece(path, now.size, now.tag, piece));
    } catch {
      // Unreadable is as good as gone: it is fetched again.
    }
    if (bytes !== null) {
      this.#hits.add(path);
      return bytes;
    }
    const at = now.pieces.indexOf(piece);
    if (at >= 0) now.pieces.splice(at, 1); // another read of the same piece may have noticed first
    return null;
  }

  async #fromSource(
    path: string,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
    onBytes: ((count: number) => void) | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    this.#hits.delete(path);
    try {
      return await this.#source.read(path, start, end, signal, onBytes);
    } catch (cause) {
      if (this.#offline === null || signal?.aborted) throw cause;
      throw new BasinError({
        what:
          `Bytes ${start} to ${end} of ${path} are not among what was stored, and they cannot be fetched: ` +
          `${this.#offline}`,
        where: this.name,
        fix: "Connect to the network once more and load the model again; what is fetched then is kept.",
        cause,
      });
    }
  }

  /** What the file is, asked of the source once. */
  async #file(path: string, signal: AbortSignal | undefined): Promise<FileNow> {
    const asked = this.#known.get(path) ?? this.#ask(path, signal);
    this.#known.set(path, asked);
    try {
      return await asked;
    } catch (cause) {
      if (this.#known.get(path) === asked) this.#known.delete(path); // may be tried again
      // The caller who asked first has left; whoever still waits asks for itself.
      if (cause instanceof Error && cause.name === "AbortError" && signal?.aborted !== true)
        return this.#file(path, signal);
      throw cause;
    }
  }

  async #ask(path: string, signal: AbortSignal | undefined): Promise<FileNow> {
    const entry = await this.#answered(this.#entry).catch((cause: unknown) => {
      this.#stop(cause);
      return null;
    });
    if (entry === null) return { kind: "uncached" };
    const stored = await this.#answered(entry.file(path)).catch(() => null);
    if (this.#offline !== null && stored !== null) return this.#asStored(entry, path, stored);
    let now: StoredFile | null;
    try {
      now = await this.#asSourceSays(path, signal);
    } catch (cause) {
      if (signal?.aborted === true || stored === null) throw cause;
      this.#goOffline(stored, cause);
      return this.#asStored(entry, path, stored);
    }
    if (now === null) return { kind: "uncached" };
    if (this.#storing && !sameFile(stored, now))
      await this.#answered(entry.setFile(path, now)).catch((cause: unknown) => this.#stop(cause));
    return this.#asStored(entry, path, now);
  }

  /** null where the file is there without a tag. */
  async #asSourceSays(path: string, signal: AbortSignal | undefined): Promise<StoredFile | null> {
    const version = (await this.#source.version?.(path, signal)) ?? null;
    if (version !== null) return { kind: "present", size: version.size, tag: version.tag, at: Date.now() };
    return (await this.#source.has(path, signal)) ? null : { kind: "missing", at: Date.now() };
  }

  async #asStored(entry: ModelEntry, path: string, stored: StoredFile): Promise<FileNow> {
    if (stored.kind === "missing") return { kind: "missing" };
    const { size, tag } = stored;
    if (this.#storing) await this.#answered(entry.touch()).catch((cause: unknown) => this.#stop(cause));
    const pieces = await this.#answered(entry.pieces(path, size, tag)).catch(() => []);
    return { kind: "cached", size, tag, pieces };
  }

  #goOffline(stored: StoredFile, cause: unknown): void {
    if (this.#offline !== null) return;
    this.#offline = cause instanceof BasinError ? cause.what : cause instanceof Error ? cause.message : String(cause);
    this.#options.notify?.({ kind: "offline", model: this.name, at: stored.at, why: this.#offline });
  }

  async #store(
    path: string,
    now: Extract<FileNow, { kind: "cached" }>,
    start: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    if (!this.#storing) return;
    const { size, tag } = now;
    try {
      const entry = await this.#entry;
      const write = async (): Promise<void> => {
        now.pieces.push(await this.#answered(entry.writePiece(path, size, tag, start, bytes)));
      };
      try {
        await write();
      } catch (error) {
        if (!(error instanceof CacheFullError) || !(await this.#makeRoom(entry, bytes.byteLength))) throw error;
        await write();
      }
    } catch (error) {
      this.#stop(error);
    }
  }

  /** A storage that never answers must not hold up a read. */
  #answered<T>(work: Promise<T>): Promise<T> {
    return answered(work, this.#options.patienceMs);
  }

  /** Removes models that have not been used for long; reads that wait for room wait for the same removal. */
  #makeRoom(entry: ModelEntry, bytes: number): Promise<boolean> {
    this.#room ??= this.#cache
      .then((cache) => cache.makeRoom(bytes, entry.id))
      .then((removed) => {
        if (removed.length > 0) this.#options.notify?.({ kind: "evicted", model: this.name, removed });
        return removed.length > 0;
      })
      .finally(() => {
        this.#room = null;
      });
    return this.#room;
  }

  #stop(cause: unknown): void {
    if (!this.#storing) return;
    this.#storing = false;
    const why =
      cause instanceof CacheFullError
        ? "the browser gives this page no more storage"
        : cause instanceof Error
          ? cause.message
          : String(cause);
    this.#options.notify?.({ kind: "not_caching", model: this.name, why });
  }
}

function sameFile(a: StoredFile | null, b: StoredFile): boolean {
  if (a?.kind !== b.kind) return false;
  return a.kind === "missing" || (b.kind === "present" && a.size === b.size && a.tag === b.tag);
}
