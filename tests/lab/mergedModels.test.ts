/** @file Merged models in this browser: listed with their sizes, removed, asked about when they are old. */
import { describe, expect, it } from "vitest";
import { expired, MergedModels } from "../../src/lab/runs/merge/mergedModels.ts";
import { memoryStorage } from "./memoryStorage.ts";
import { Disk } from "../weights/cache/support.ts";

const HOME = "https://example.org/basin/";
const DAY = 24 * 60 * 60 * 1000;

/** A folder of the origin's private storage in memory. */
class FakeFolder {
  readonly kind = "directory";
  readonly folders = new Map<string, FakeFolder>();
  readonly files = new Map<string, { readonly bytes: number; readonly lastModified: number }>();

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<FakeFolder> {
    const found = this.folders.get(name);
    if (found !== undefined) return found;
    if (!create) throw new DOMException("gone", "NotFoundError");
    const made = new FakeFolder();
    this.folders.set(name, made);
    return made;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<unknown> {
    if (!this.files.has(name)) {
      if (!create) throw new DOMException("gone", "NotFoundError");
      this.files.set(name, { bytes: 0, lastModified: 0 });
    }
    return this.#handle(name);
  }

  async removeEntry(name: string): Promise<void> {
    this.files.delete(name);
  }

  async *values(): AsyncGenerator {
    for (const name of this.files.keys()) yield this.#handle(name);
  }

  #handle(name: string): unknown {
    const { bytes = 0, lastModified = 0 } = this.files.get(name) ?? {};
    return {
      kind: "file",
      name,
      getFile: async () => new File([new Uint8Array(bytes)], name, { lastModified }),
      move: async (to: string) => {
        this.files.delete(name);
        this.files.set(to, { bytes, lastModified });
      },
    };
  }
}

function open(root: FakeFolder, now: { ms: number }, home = HOME): MergedModels {
  return new MergedModels(
    home,
    async () => root as unknown as FileSystemDirectoryHandle,
    () => now.ms,
  );
}

async function write(root: FakeFolder, models: MergedModels, title: string, bytes: number): Promise<void> {
  const { name } = await models.create(title);
  for (const folder of root.folders.values())
    if (folder.files.has(name)) folder.files.set(name, { bytes, lastModified: 0 });
}

describe("merged models", () => {
  it("are listed by their last use, and one more does not remove those that are there", async () => {
    const [root, now] = [new FakeFolder(), { ms: 1000 }];
    const models = open(root, now);
    await write(root, models, "merged-a b/c", 5);
    now.ms = 2000;
    await write(root, models, "merged-d", 7);
    expect((await models.list()).map(({ title, bytes, usedAt }) => [title, bytes, usedAt])).toEqual([
      ["merged-d", 7, 2000],
      ["merged-a-b-c", 5, 1000],
    ]);
    now.ms = 3000;
    const [, oldest] = await models.list();
    expect((await models.open(oldest?.id ?? "")).size).toBe(5);
    expect((await models.list()).map(({ title, usedAt }) => [title, usedAt])).toEqual([
      ["merged-a-b-c", 3000],
      ["merged-d", 2000],
    ]);
    const [newest] = await models.list();
    await models.remove(newest?.id ?? "");
    expect((await models.list()).map(({ title }) => title)).toEqual(["merged-d"]);
  });

  it("belong to the path of the site; the one of an earlier version is listed and removable everywhere", async () => {
    const [root, now] = [new FakeFolder(), { ms: 1000 }];
    const models = open(root, now);
    await write(root, models, "merged-a", 5);
    (await root.getDirectoryHandle("merged-models", { create: true })).files.set("merged.zip", {
      bytes: 9,
      lastModified: 500,
    });
    const other = open(root, now, "https://example.org/");
    expect((await other.list()).map(({ title, bytes, usedAt }) => [title, bytes, usedAt])).toEqual([
      ["merged", 9, 500],
    ]);
    expect(await other.use("merged.zip")).toBe("merged.zip");
    await other.remove("merged.zip");
    expect([(await other.list()).length, (await models.list()).length]).toEqual([0, 1]);
  });

  it("are old two weeks after their last use", () => {
    const model = (usedAt: number) => ({ id: "", title: "", bytes: 1, usedAt });
    expect(expired([model(20 * DAY), model(10 * DAY), model(1)], 30 * DAY).map(({ usedAt }) => usedAt)).toEqual([
      10 * DAY,
      1,
    ]);
  });

  it("are removed and kept through the storage panel", async () => {
    const [root, now] = [new FakeFolder(), { ms: 1000 }];
    const models = open(root, now);
    await write(root, models, "merged-a", 5);
    now.ms = 2000;
    await write(root, models, "merged-b", 5);
    const storage = memoryStorage(new Disk(), {}, models);
    await storage.refresh();
    const view = () => {
      const { view: found } = storage.store.getState();
      if (found.kind !== "ready") throw new Error(found.kind);
      return found.merged;
    };
    const ids = view().map(({ id }) => id);
    now.ms = 5000;
    await storage.keepMerged(ids[1] ?? "");
    expect(view().map(({ title, usedAt }) => [title, usedAt])).toEqual([
      ["merged-a", 5000],
      ["merged-b", 2000],
    ]);
    await storage.removeMerged(...view().map(({ id }) => id));
    expect([view(), storage.store.getState().removing]).toEqual([[], false]);
  });
});
