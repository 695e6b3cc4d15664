/**
 * @file Fetched pieces of checkpoints, kept between visits. The file system itself is the index:
 *
 *     <model>/model.json               title, when it was last used
 *     <model>/files/<path>.json        what is known of one file: missing, or its size and content tag
 *     <model>/<content>/<start>-<end>-<sha256>      bytes [start, end) of the file with that path, size and tag
 *     <model>/tmp/<random>             being written
 *
 * <model>, <path> and <content> are digests. Only ranges that were fetched are there: a twin of which a few matrices
 * were needed costs those matrices.
 *
 * Why a half-written piece is never used: a piece is written under tmp/ and then renamed to a name that carries its
 * length and its SHA-256, and whoever reads it compares both. So it does not matter where a crash, a full disk or a
 * browser without atomic renames cuts: a wrong piece is recognised, removed and fetched again. The small JSON files
 * begin with their own digest for the same reason.
 *
 * Two tabs: pieces never change, so tabs cannot disturb each other's reads. Writing holds a model's lock shared,
 * removing holds it exclusively. A tab whose model another tab removes fetches again.
 */
import { randomId } from "../../base/randomId.ts";
import { digest, digestText, type CacheFiles, type CacheLocks } from "./cacheFiles.ts";

/** What is known of one file of a model. */
export type StoredFile =
  | { readonly kind: "missing" /** When the source said so, ms since 1970. */; readonly at: number }
  | { readonly kind: "present"; readonly size: number; readonly tag: string; readonly at: number };

/** A cached model, for the list. */
export interface CachedModel {
  readonly id: string;
  readonly title: string;
  /** Bytes of all pieces. */
  readonly bytes: number;
  /** ms since 1970; 0 where unknown. */
  readonly usedAt: number;
}

/** One piece: bytes [start, end) of a file. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/**
 * A model that was used within this time is not thrown out for another: it may well be open (in another tab, or as the
 * other of a pair).
 */
export const KEEP_MS = 60 * 60 * 1000;
/** The time of use is written at most so often. */
const TOUCH_MS = 60 * 1000;

export class WeightsCache {
  readonly #files: CacheFiles;
  readonly #locks: CacheLocks;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(files: CacheFiles, locks: CacheLocks, now: () => number = Date.now) {
    this.#files = files;
    this.#locks = locks;
    this.#now = now;
  }

  /** The entry of a model, made on the first write. @param key source and revision @param title what people call it */
  async model(key: string, title: string): Promise<ModelEntry> {
    const id = await digestText(key);
    // What a crash left; nobody writes now, or the lock would not be free.
    await this.#locks.ifFree(lockName(id), () => this.#files.remove(`${id}/tmp`));
    return new ModelEntry(this.#files, this.#locks, this.#now, id, title);
  }

  /** Every model of which something is there, the most recently used first. */
  async list(): Promise<CachedModel[]> {
    const models: CachedModel[] = [];
    for (const { name: id, kind } of await this.#files.list("")) {
      if (kind !== "folder") continue;
      const about = await readRecord(this.#files, `${id}/model.json`);
      let bytes = 0;
      for (const folder of await this.#files.list(id)) {
        if (folder.kind !== "folder") continue;
        for (const { name } of await this.#files.list(`${id}/${folder.name}`)) {
          const piece = parsePiece(name);
          if (piece !== null) bytes += piece.end - piece.start;
        }
      }
      const title = typeof about?.title === "string" ? about.title : "(unfinished)";
      models.push({ id, title, bytes, usedAt: typeof about?.usedAt === "number" ? about.usedAt : 0 });
    }
    return models.sort((a, b) => b.usedAt - a.usedAt);
  }

  remove(id: string): Promise<void> {
    return this.#locks.exclusive(lockName(id), () => this.#files.remove(id));
  }

  async clear(): Promise<void> {
    for (const { name } of await this.#files.list("")) await this.remove(name);
  }

  /**
   * Removes the least recently used models, none used within `KEEP_MS`, until `bytes` are freed.
   * @returns the titles of those removed
   */
  async makeRoom(bytes: number, except: string): Promise<string[]> {
    const removed: string[] = [];
    let freed = 0;
    const candidates = (await this.list())
      .filter(({ id, usedAt }) => id !== except && usedAt < this.#now() - KEEP_MS)
      .reverse();
    for (const model of candidates) {
      if (freed >= bytes) break;
      await this.remove(model.id);
      freed += model.bytes;
      removed.push(model.title);
    }
    return removed;
  }
}

/** One model's part of the cache. */
export class ModelEntry {
  readonly id: string;
  readonly #files: CacheFiles;
  readonly #locks: CacheLocks;
  readonly #now: () => number;
  readonly #title: string;
  #touched = -Infinity;

  constructor(files: CacheFiles, locks: CacheLocks, now: () => number, id: string, title: string) {
    this.#files = files;
    this.#locks = locks;
    this.#now = now;
    this.id = id;
    this.#title = title;
  }

  /** What was last known of a file; null where nothing is. */
  async file(path: string): Promise<StoredFile | null> {
    const record = await readRecord(this.#files, await this.#statePath(path));
    if (record === null || record.path !== path || typeof record.at !== "number") return null;
    const { kind, size, tag, at } = record;
    if (kind === "missing") return { kind, at };
    return kind === "present" && typeof size === "number" && typeof tag === "string" ? { kind, size, tag, at } : null;
  }

  /** Notes what a file is now. Pieces of what it was before are removed. */
  async setFile(path: string, now: StoredFile): Promise<void> {
    const before = await this.file(path);
    await this.#write(await this.#statePath(path), await encodeRecord({ path, ...now }));
    if (before?.kind !== "present") return;
    const old = await contentFolder(path, before.size, before.tag);
    if (now.kind === "missing" || old !== (await contentFolder(path, now.size, now.tag)))
      await this.#files.remove(`${this.id}/${old}`);
  }

  /** The pieces that are there of a file with this size and tag, by their start. Names only: nothing is read. */
  async pieces(path: string, size: number, tag: string): Promise<Piece[]> {
    const names = await this.#files.list(`${this.id}/${await contentFolder(path, size, tag)}`);
    const pieces = names.flatMap(({ name }) => parsePiece(name) ?? []).filter(({ end }) => end <= size);
    return pieces.sort((a, b) => a.start - b.start || b.end - a.end);
  }

  /** The bytes of a piece, verified; null (and the piece removed) where they are not what was written. */
  async readPiece(path: string, size: number, tag: string, piece: Piece): Promise<Uint8Array<ArrayBuffer> | null> {
    const at = `${this.id}/${await contentFolder(path, size, tag)}/${piece.name}`;
    const bytes = await this.#files.read(at);
    if (bytes === null) return null;
    if (
      bytes.byteLength === piece.end - piece.start &&
      piece.name === pieceName(piece.start, piece.end, await digest(bytes))
    )
      return bytes;
    await this.#files.remove(at);
    return null;
  }

  /** Keeps bytes [start, start + length) of a file. @throws CacheFullError */
  async writePiece(
    path: string,
    size: number,
    tag: string,
    start: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Piece> {
    const end = start + bytes.byteLength;
    const name = pieceName(start, end, await digest(bytes));
    await this.#write(`${this.id}/${await contentFolder(path, size, tag)}/${name}`, bytes);
    return { start, end, name };
  }

  /** Notes that the model is in use. */
  async touch(): Promise<void> {
    const usedAt = this.#now();
    if (usedAt - this.#touched < TOUCH_MS) return;
    this.#touched = usedAt;
    await this.#put(`${this.id}/model.json`, await encodeRecord({ title: this.#title, usedAt }));
  }

  /** The model's own record comes first, so that no piece lies about without a title. */
  async #write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.touch();
    await this.#put(path, bytes);
  }

  /** Writes beside, then renames. */
  #put(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#locks.shared(lockName(this.id), async () => {
      const beside = `${this.id}/tmp/${randomId()}`;
      try {
        await this.#files.write(beside, bytes);
        await this.#files.rename(beside, path);
      } catch (error) {
        await this.#files.remove(beside).catch(() => undefined);
        throw error;
      }
    });
  }

  async #statePath(path: string): Promise<string> {
    return `${this.id}/files/${await digestText(path)}.json`;
  }
}

function lockName(id: string): string {
  return `basin-weights:${id}`;
}

function contentFolder(path: string, size: number, tag: string): Promise<string> {
  return digestText(JSON.stringify([path, size, tag]));
}

function pieceName(start: number, end: number, sum: string): string {
  return `${start}-${end}-${sum}`;
}

function parsePiece(name: string): Piece | null {
  const match = /^(\d+)-(\d+)-[0-9a-f]{32}$/.exec(name);
  if (match === null) return null;
  const [start, end] = [Number(match[1]), Number(match[2])];
  return end > start ? { start, end, name } : null;
}

/** A small JSON object behind its own digest. */
async function encodeRecord(value: Readonly<Record<string, unknown>>): Promise<Uint8Array<ArrayBuffer>> {
  const json = JSON.stringify(value);
  return new TextEncoder().encode(`${await digestText(json)}\n${json}`);
}

/** The record, or null where it is missing, cut off or damaged. */
async function readRecord(files: CacheFiles, path: string): Promise<Readonly<Record<string, unknown>> | null> {
  const bytes = await files.read(path);
  if (bytes === null) return null;
  const text = new TextDecoder().decode(bytes);
  const json = text.slice(33);
  if (text[32] !== "\n" || text.slice(0, 32) !== (await digestText(json))) return null;
  const value: unknown = JSON.parse(json);
  return typeof value === "object" && value !== null ? { ...value } : null;
}
