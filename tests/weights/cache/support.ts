/** @file A file system in memory that can stop in the middle of any write, and locks as Web Locks behave. */
import {
  CacheFullError,
  type CacheFiles,
  type CacheLocks,
  type CacheName,
} from "../../../src/weights/cache/cacheFiles.ts";
import { memorySource, type ByteSource, type FileVersion } from "../../../src/weights/byteSource.ts";

/** The browser, or the machine, stopped here. */
export class Crash extends Error {}

/** What outlives a crash. */
export class Disk {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Bytes that may lie here; a write beyond them fails. */
  quota = Infinity;

  get bytes(): number {
    return [...this.files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

/**
 * One session's view of a disk.
 * @param stopAfter number of changing operations that succeed; the next one stops half way, and nothing works after it
 * @param atomic whether a rename that is stopped has not happened at all, or leaves a part of the file under the new
 * name
 */
export class FakeFiles implements CacheFiles {
  changes = 0;
  #dead = false;
  readonly #disk: Disk;
  readonly #stopAfter: number;
  readonly #atomic: boolean;

  constructor(disk: Disk, { stopAfter = Infinity, atomic = true }: { stopAfter?: number; atomic?: boolean } = {}) {
    this.#disk = disk;
    this.#stopAfter = stopAfter;
    this.#atomic = atomic;
  }

  async list(folder: string): Promise<CacheName[]> {
    this.#check();
    const prefix = folder === "" ? "" : `${folder}/`;
    const names = new Map<string, CacheName>();
    for (const path of this.#disk.files.keys()) {
      if (!path.startsWith(prefix)) continue;
      const [name = "", ...rest] = path.slice(prefix.length).split("/");
      names.set(name, { name, kind: rest.length > 0 ? "folder" : "file" });
    }
    return [...names.values()];
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#check();
    const bytes = this.#disk.files.get(path);
    return bytes === undefined ? null : new Uint8Array(bytes);
  }

  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.writeAt(path, 0, bytes);
  }

  async writeAt(path: string, at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { files, quota } = this.#disk;
    const before = new Uint8Array(at);
    before.set(files.get(path)?.subarray(0, at) ?? []);
    const set = (length: number): void =>
      void files.set(path, Uint8Array.from([...before, ...bytes.subarray(0, length)]));
    if (this.#change()) {
      set(bytes.byteLength >> 1);
      throw new Crash();
    }
    set(0);
    if (this.#disk.bytes + bytes.byteLength > quota) {
      set(Math.max(0, quota - this.#disk.bytes));
      throw new CacheFullError("full");
    }
    set(bytes.byteLength);
  }

  async rename(from: string, to: string): Promise<void> {
    const bytes = this.#disk.files.get(from);
    if (bytes === undefined) throw new DOMException("gone", "NotFoundError");
    if (this.#change()) {
      if (!this.#atomic) this.#disk.files.set(to, bytes.slice(0, bytes.byteLength >> 1));
      throw new Crash();
    }
    this.#disk.files.delete(from);
    this.#disk.files.set(to, bytes);
  }

  async remove(path: string): Promise<void> {
    const inside = [...this.#disk.files.keys()].filter((key) => key === path || key.startsWith(`${path}/`));
    if (inside.length === 0) return;
    const stops = this.#change();
    for (const key of stops ? inside.slice(0, inside.length >> 1) : inside) this.#disk.files.delete(key);
    if (stops) throw new Crash();
  }

  /** Counts a change; true where it is the one that stops. */
  #change(): boolean {
    this.#check();
    this.changes += 1;
    this.#dead = this.changes > this.#stopAfter;
    return this.#dead;
  }

  #check(): void {
    if (this.#dead) throw new Crash();
  }
}

/** Readers and writers by name, in the order in which they came. */
export class FakeLocks implements CacheLocks {
  readonly #held = new Map<string, { shared: number; exclusive: boolean }>();
  #waiting: (() => void)[] = [];

  async shared<T>(name: string, work: () => Promise<T>): Promise<T> {
    const lock = this.#lock(name);
    while (lock.exclusive) await this.#wait();
    lock.shared += 1;
    try {
      return await work();
    } finally {
      lock.shared -= 1;
      this.#wake();
    }
  }

  async exclusive<T>(name: string, work: () => Promise<T>): Promise<T> {
    const lock = this.#lock(name);
    while (lock.exclusive || lock.shared > 0) await this.#wait();
    return this.#alone(lock, work);
  }

  async ifFree(name: string, work: () => Promise<void>): Promise<void> {
    const lock = this.#lock(name);
    if (!lock.exclusive && lock.shared === 0) await this.#alone(lock, work);
  }

  async #alone<T>(lock: { exclusive: boolean }, work: () => Promise<T>): Promise<T> {
    lock.exclusive = true;
    try {
      return await work();
    } finally {
      lock.exclusive = false;
      this.#wake();
    }
  }

  #lock(name: string): { shared: number; exclusive: boolean } {
    const lock = this.#held.get(name) ?? { shared: 0, exclusive: false };
    this.#held.set(name, lock);
    return lock;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A source that counts what is fetched from it, and can be cut off. */
export interface Server extends ByteSource {
  fetched: number;
  asked: number;
  reachable: boolean;
  tag: string | null;
}

export function server(name: string, files: Readonly<Record<string, Uint8Array>>, tag: string | null = "v1"): Server {
  const source = memorySource(name, files);
  const reach = (): void => {
    self.asked += 1;
    if (!self.reachable) throw new Error("no network");
  };
  const self: Server = {
    name,
    fetched: 0,
    asked: 0,
    reachable: true,
    tag,
    async has(path) {
      reach();
      return source.has(path);
    },
    async size(path) {
      reach();
      return source.size(path);
    },
    async version(path): Promise<FileVersion | null> {
      reach();
      return self.tag !== null && (await source.has(path)) ? { size: await source.size(path), tag: self.tag } : null;
    },
    async read(path, start, end, signal) {
      reach();
      self.fetched += end - start;
      return source.read(path, start, end, signal);
    },
    origin: () => "network",
  };
  return self;
}

/** Bytes that differ everywhere, the same for the same seed. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
