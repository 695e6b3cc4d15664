/**
 * @file What the cache needs from a file system and from locks, as two small interfaces.
 *
 *     browser   -> opfs.browser.ts   (origin private file system, Web Locks)
 *     tests     -> a file system in memory that fails wherever a test wants
 *
 * Nothing is asked of `write` beyond that it writes: it may stop half way, at any byte, and the cache must still never
 * use what it left (see weightsCache.ts).
 */
import { sha256 } from "../../base/sha256.ts";

export interface CacheName {
  readonly name: string;
  readonly kind: "file" | "folder";
}

/** Files by path ("a/b/c"), below a folder that belongs to the cache alone. */
export interface CacheFiles {
  /** What lies in a folder, in any order; nothing where there is no such folder. */
  list(folder: string): Promise<readonly CacheName[]>;
  /** The whole file in a buffer of its own, or null where there is none. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /**
   * Writes the whole file, and the folders above it.
   * @throws CacheFullError when the browser gives no more room; anything else for other failures
   */
  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes from byte `at` on, instead of what follows there; otherwise as `write`. */
  writeAt(path: string, at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Puts a file under another name, in place of what was there. The folders above it are made. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with everything in it. Does nothing where there is none. */
  remove(path: string): Promise<void>;
}

/** Locks that hold between all tabs of one origin, as Web Locks do. */
export interface CacheLocks {
  /** Runs `work` while nobody holds the name exclusively. */
  shared<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Runs `work` while nobody else holds the name at all. */
  exclusive<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** As `exclusive`, but does not wait: where somebody holds the name, nothing happens. */
  ifFree(name: string, work: () => Promise<void>): Promise<void>;
}

/** The storage has no room for what should be written. */
export class CacheFullError extends Error {
  override readonly name = "CacheFullError";
}

/**
 * SHA-256, the first 128 bits, in hexadecimal. WebCrypto is native and off this thread: as fast as a CRC-32 in
 * JavaScript (1.1 to 1.3 GB/s each).
 */
export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return (await sha256(bytes)).slice(0, 32);
}

export function digestText(text: string): Promise<string> {
  return digest(new TextEncoder().encode(text));
}
