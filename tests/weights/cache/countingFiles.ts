/** @file A file system in memory that counts the bytes that are written. */
import type { CacheFiles, CacheName } from "../../../src/weights/cache/cacheFiles.ts";

export class CountingFiles implements CacheFiles {
  /** Since it was set. */
  written = 0;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();

  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  async list(folder: string): Promise<CacheName[]> {
    const prefix = folder === "" ? "" : `${folder}/`;
    const names = new Map<string, CacheName>();
    for (const path of this.#files.keys()) {
      if (!path.startsWith(prefix)) continue;
      const [name = "", ...rest] = path.slice(prefix.length).split("/");
      names.set(name, { name, kind: rest.length > 0 ? "folder" : "file" });
    }
    return [...names.values()];
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#files.get(path)?.slice() ?? null;
  }

  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.writeAt(path, 0, bytes);
  }

  async writeAt(path: string, at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.written += bytes.byteLength;
    const after = new Uint8Array(at + bytes.byteLength);
    after.set((this.#files.get(path) ?? new Uint8Array()).subarray(0, at));
    after.set(bytes, at);
    this.#files.set(path, after);
  }

  async rename(from: string, to: string): Promise<void> {
    const bytes = this.#files.get(from);
    if (bytes === undefined) throw new DOMException("gone", "NotFoundError");
    this.#files.delete(from);
    this.#files.set(to, bytes);
  }

  async remove(path: string): Promise<void> {
    for (const key of [...this.#files.keys()]) if (key === path || key.startsWith(`${path}/`)) this.#files.delete(key);
  }
}
