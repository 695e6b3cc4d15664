/**
 * @file A folder of the origin private file system, and locks as Web Locks (browser only).
 *
 * Writing goes through FileSystemSyncAccessHandle, which only workers have: it is the one way to write that every
 * engine with WebGPU has, and it copies nothing. The weights' pieces are not flushed one by one (that would wait for
 * the disk each time): what a power cut takes away is recognised when it is read, and fetched again. Reading goes
 * through File objects, which need no exclusive access: two tabs read at once.
 *
 * A handle is held here while it works: in Chromium 156 the answer to a handle that the garbage collector took
 * meanwhile now and then never comes (a write of 250 pieces hung for good in most tries; with the handles held in
 * none).
 */
import { CacheFullError, type CacheFiles, type CacheLocks, type CacheName } from "./cacheFiles.ts";

const FOLDER = "basin-weights-1";

/** Not in TypeScript's DOM library yet. */
interface MovableHandle extends FileSystemFileHandle {
  move?(parent: FileSystemDirectoryHandle, name: string): Promise<void>;
}

export interface OpfsOptions {
  /** A folder of its own below the origin's. */
  readonly folder?: string;
  /** Waits after each write until the disk has it: for what cannot be had again. */
  readonly flush?: boolean;
}

/** @throws where the browser gives this page no storage (private windows of some browsers, pages without https) */
export async function openOpfs({ folder = FOLDER, flush = false }: OpfsOptions = {}): Promise<CacheFiles> {
  // Absent in pages without https, whatever the types say.
  const storage = (navigator as { readonly storage?: StorageManager }).storage;
  if (storage?.getDirectory === undefined)
    throw new Error("the browser gives this page no private storage (it needs https, or localhost)");
  const home = await storage.getDirectory();
  return new OpfsFiles(await home.getDirectoryHandle(folder, { create: true }), flush);
}

class OpfsFiles implements CacheFiles {
  readonly #root: FileSystemDirectoryHandle;
  readonly #flush: boolean;
  /** Handles that are at work. */
  readonly #held = new Set<FileSystemHandle>();

  constructor(root: FileSystemDirectoryHandle, flush: boolean) {
    this.#root = root;
    this.#flush = flush;
  }

  async list(folder: string): Promise<CacheName[]> {
    const names: CacheName[] = [];
    await present(async () => {
      await this.#hold(await this.#folder(split(folder), false), async (handle) => {
        for await (const [name, { kind }] of handle.entries())
          names.push({ name, kind: kind === "file" ? "file" : "folder" });
      });
    });
    return names;
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return present(async () => {
      const file = await this.#hold(await this.#file(path, false), (handle) => handle.getFile());
      return new Uint8Array(await file.arrayBuffer());
    });
  }

  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.writeAt(path, 0, bytes);
  }

  async writeAt(path: string, at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const access = await this.#hold(await this.#file(path, true), (handle) => handle.createSyncAccessHandle());
      try {
        access.truncate(at);
        if (access.write(bytes, { at }) !== bytes.byteLength)
          throw new CacheFullError("the file system took only a part");
        if (this.#flush) access.flush();
      } finally {
        access.close();
      }
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "QuotaExceededError")
        throw new CacheFullError(cause.message, { cause });
      throw cause;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const target = this.#place(to);
    const moved = await this.#hold(await this.#folder(target.folder, true), async (folder) =>
      this.#hold<MovableHandle, boolean>(await this.#file(from, false), async (handle) => {
        if (handle.move === undefined) return false;
        await handle.move(folder, target.name);
        return true;
      }),
    );
    if (moved) return;
    // Not atomic; a reader that meets half of it sees that the digest is wrong.
    const bytes = await this.read(from);
    if (bytes !== null) await this.write(to, bytes);
    await this.remove(from);
  }

  async remove(path: string): Promise<void> {
    const { folder, name } = this.#place(path);
    await present(async () =>
      this.#hold(await this.#folder(folder, false), (handle) => handle.removeEntry(name, { recursive: true })),
    );
  }

  #place(path: string): { readonly folder: readonly string[]; readonly name: string } {
    const parts = split(path);
    return { folder: parts.slice(0, -1), name: parts.at(-1) ?? "" };
  }

  async #folder(parts: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle> {
    let folder = this.#root;
    for (const part of parts)
      folder = await this.#hold(folder, (handle) => handle.getDirectoryHandle(part, { create }));
    return folder;
  }

  async #file(path: string, create: boolean): Promise<FileSystemFileHandle> {
    const { folder, name } = this.#place(path);
    return this.#hold(await this.#folder(folder, create), (handle) => handle.getFileHandle(name, { create }));
  }

  /** Does `work` with a handle that stays reachable until it is done. */
  async #hold<H extends FileSystemHandle, T>(handle: H, work: (handle: H) => Promise<T>): Promise<T> {
    this.#held.add(handle);
    try {
      return await work(handle);
    } finally {
      this.#held.delete(handle);
    }
  }
}

/** Web Locks: they hold between all tabs and workers of the origin, and end with whoever held them. */
export const webLocks: CacheLocks = {
  shared: async (name, work) => navigator.locks.request(name, { mode: "shared" }, work),
  exclusive: async (name, work) => navigator.locks.request(name, { mode: "exclusive" }, work),
  ifFree: async (name, work) => {
    await navigator.locks.request(name, { mode: "exclusive", ifAvailable: true }, async (lock) => {
      if (lock !== null) await work();
    });
  },
};

function split(path: string): string[] {
  return path === "" ? [] : path.split("/");
}

/** What `work` gives, or null where the file or folder is not there. */
async function present<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DOMException && (cause.name === "NotFoundError" || cause.name === "TypeMismatchError"))
      return null;
    throw cause;
  }
}
