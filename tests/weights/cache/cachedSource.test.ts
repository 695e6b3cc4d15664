/**
 * @file The cache: what it saves, that it never gives a wrong byte wherever a write was cut, and what it does without
 * room.
 */
import { describe, expect, it } from "vitest";
import { cachedSource, type CacheNotice } from "../../../src/weights/cache/cachedSource.ts";
import { KEEP_MS, WeightsCache } from "../../../src/weights/cache/weightsCache.ts";
import { rejection } from "../support.ts";
import { Crash, Disk, FakeFiles, FakeLocks, noise, server, type Server } from "./support.ts";

const FILES = { "config.json": noise(40, 7), "model.safetensors": noise(10_000) };
const WEIGHTS = FILES["model.safetensors"];

/** The reads of a visit: the header, then two tensors of several. */
const READS: readonly (readonly [number, number])[] = [
  [0, 8],
  [8, 500],
  [4000, 5000],
  [7000, 9001],
];

function open(source: Server, files: FakeFiles, options: { key?: string; now?: () => number; locks?: FakeLocks } = {}) {
  const notices: CacheNotice[] = [];
  const cache = new WeightsCache(files, options.locks ?? new FakeLocks(), options.now ?? (() => 1000));
  const cached = cachedSource(source, cache, options.key ?? "hub:owner/name@main", {
    notify: (notice) => notices.push(notice),
  });
  return { cache, cached, notices };
}

async function visit(cached: { read: Server["read"] }): Promise<void> {
  for (const [start, end] of READS)
    expect(await cached.read("model.safetensors", start, end)).toEqual(WEIGHTS.slice(start, end));
}

describe("a cached source", () => {
  it("fetches each requested range once, and nothing else", async () => {
    const source = server("owner/name", FILES);
    const disk = new Disk();
    const { cached } = open(source, new FakeFiles(disk));
    await visit(cached);
    const fetched = READS.reduce((sum, [start, end]) => sum + end - start, 0);
    expect(source.fetched).toBe(fetched);
    expect(cached.origin?.("model.safetensors")).toBe("network");
    await visit(cached);
    const { cached: again, cache } = open(source, new FakeFiles(disk)); // a reload
    await visit(again);
    expect(again.origin?.("model.safetensors")).toBe("cache");
    expect(source.fetched).toBe(fetched);
    expect(await cache.list()).toMatchObject([{ title: "owner/name", bytes: fetched, usedAt: 1000 }]);
  });

  it("assembles any range from cached pieces and the gaps between them", async () => {
    const source = server("owner/name", FILES);
    const disk = new Disk();
    await visit(open(source, new FakeFiles(disk)).cached);
    const { cached } = open(source, new FakeFiles(disk));
    source.fetched = 0;
    expect(await cached.read("model.safetensors", 4100, 4900)).toEqual(WEIGHTS.slice(4100, 4900));
    expect(source.fetched).toBe(0);
    expect(await cached.read("model.safetensors", 3000, 8000)).toEqual(WEIGHTS.slice(3000, 8000));
    expect(source.fetched).toBe(1000 + 2000); // [3000, 4000) and [5000, 7000)
    expect(await cached.read("model.safetensors", 0, 10_000)).toEqual(WEIGHTS);
    expect(await cached.read("model.safetensors", 0, 10_000)).toEqual(WEIGHTS);
    expect(source.fetched).toBe(10_000 - 8 - 492 - 1000 - 2001);
    expect((await rejection(cached.read("model.safetensors", 9000, 10_001))).what).toContain("ended early");
    expect((await rejection(cached.size("other.bin"))).what).toContain("There is no file");
  });

  it("treats another revision, and changed content, as another file", async () => {
    const source = server("owner/name", FILES);
    const disk = new Disk();
    await visit(open(source, new FakeFiles(disk)).cached);
    const other = server("owner/name@dev", { "model.safetensors": noise(10_000, 9) });
    expect(
      await open(other, new FakeFiles(disk), { key: "hub:owner/name@dev" }).cached.read("model.safetensors", 0, 8),
    ).toEqual(noise(8, 9));
    const moved = server("owner/name", { "model.safetensors": noise(10_000, 5) }, "v2");
    const { cached, cache } = open(moved, new FakeFiles(disk));
    expect(await cached.read("model.safetensors", 0, 8)).toEqual(noise(8, 5));
    expect((await cache.list()).map(({ bytes }) => bytes)).toEqual([8, 8]); // the old content is gone
  });

  it("does not cache a file without an ETag", async () => {
    const source = server("http://host/model/", FILES, null);
    const disk = new Disk();
    const { cached, cache } = open(source, new FakeFiles(disk));
    await visit(cached);
    expect(await cached.has("config.json")).toBe(true);
    expect(await cached.size("config.json")).toBe(40);
    expect(await cache.list()).toEqual([]);
  });

  it("reads offline, and says so", async () => {
    const source = server("owner/name", FILES);
    const disk = new Disk();
    const first = open(source, new FakeFiles(disk)).cached;
    await visit(first);
    expect(await first.has("model.safetensors.index.json")).toBe(false);
    source.reachable = false;
    const { cached, notices } = open(source, new FakeFiles(disk));
    expect(await cached.has("model.safetensors.index.json")).toBe(false);
    expect(await cached.size("model.safetensors")).toBe(10_000);
    await visit(cached);
    expect(notices).toMatchObject([{ kind: "offline", model: "owner/name", why: "no network" }]);
    const error = await rejection(cached.read("model.safetensors", 9500, 9600));
    expect(error.what).toContain("not among what was stored");
    expect(error.fix).toContain("Connect");
    await expect(cached.has("tokenizer.json")).rejects.toThrow("no network");
  });

  it("detects a damaged piece and fetches it again", async () => {
    const source = server("owner/name", FILES);
    const disk = new Disk();
    await visit(open(source, new FakeFiles(disk)).cached);
    for (const [path, bytes] of disk.files) if (/\d+-\d+-/.test(path)) bytes[3] = (bytes[3] ?? 0) ^ 1;
    source.fetched = 0;
    await visit(open(source, new FakeFiles(disk)).cached);
    expect(source.fetched).toBe(3501);
    await visit(open(source, new FakeFiles(disk)).cached);
    expect(source.fetched).toBe(3501);
  });

  it("stops when its reader stops, and leaves other readers alone", async () => {
    const source = server("owner/name", FILES);
    const { cached } = open(source, new FakeFiles(new Disk()));
    const abort = new AbortController();
    abort.abort();
    await expect(cached.read("model.safetensors", 0, 8, abort.signal)).rejects.toThrow(/abort/i);
    await visit(cached);
  });
});

describe("a crash", () => {
  for (const atomic of [true, false]) {
    it(`at any write (renames ${atomic ? "atomic" : "cut in the middle"}) leaves nothing wrong behind`, async () => {
      const whole = new FakeFiles(new Disk());
      await visit(open(server("owner/name", FILES), whole).cached);
      expect(whole.changes).toBeGreaterThan(10);
      for (let stopAfter = 0; stopAfter <= whole.changes; stopAfter += 1) {
        const disk = new Disk();
        const source = server("owner/name", FILES);
        // The reads themselves go on: without its cache the source is as good as before.
        await visit(open(source, new FakeFiles(disk, { stopAfter, atomic })).cached);
        const files = new FakeFiles(disk);
        const { cached, cache, notices } = open(source, files);
        await visit(cached);
        expect(notices).toEqual([]);
        expect([...disk.files.keys()].filter((path) => path.includes("/tmp/"))).toEqual([]);
        source.fetched = 0;
        source.reachable = false;
        await visit(open(source, new FakeFiles(disk)).cached);
        expect(source.fetched).toBe(0);
        expect(await cache.list()).toMatchObject([{ title: "owner/name", bytes: 3501 }]);
      }
    });
  }

  it("in the middle of a removal leaves each model whole or absent", async () => {
    for (let stopAfter = 0; stopAfter < 3; stopAfter += 1) {
      const disk = new Disk();
      const source = server("owner/name", FILES);
      const { cached, cache } = open(source, new FakeFiles(disk));
      await visit(cached);
      const [model] = await cache.list();
      const cut = new WeightsCache(new FakeFiles(disk, { stopAfter }), new FakeLocks());
      if (stopAfter === 0) await expect(cut.remove(model?.id ?? "")).rejects.toThrow(Crash);
      else await cut.remove(model?.id ?? "");
      await visit(open(source, new FakeFiles(disk)).cached);
    }
  });
});

describe("several at once", () => {
  it("two tabs can write the same model at the same time", async () => {
    const disk = new Disk();
    const locks = new FakeLocks();
    const source = server("owner/name", FILES);
    const tabs = [open(source, new FakeFiles(disk), { locks }), open(source, new FakeFiles(disk), { locks })];
    await Promise.all(tabs.flatMap(({ cached }) => [visit(cached), visit(cached)]));
    source.reachable = false;
    await visit(open(source, new FakeFiles(disk)).cached);
    expect(await tabs[0]?.cache.list()).toMatchObject([{ bytes: 3501 }]);
  });

  it("a model that another tab removes is fetched again", async () => {
    const disk = new Disk();
    const locks = new FakeLocks();
    const source = server("owner/name", FILES);
    let now = 1000;
    const { cached } = open(source, new FakeFiles(disk), { locks, now: () => now });
    await visit(cached);
    const { cache } = open(source, new FakeFiles(disk), { locks });
    await Promise.all([cache.clear(), visit(cached)]);
    await cache.clear();
    expect(disk.files.size).toBe(0);
    now += 120_000;
    source.fetched = 0;
    await visit(cached);
    expect(source.fetched).toBe(3501);
    expect(await cache.list()).toMatchObject([{ title: "owner/name", bytes: 3501 }]);
  });
});

describe("without room", () => {
  const old = async (disk: Disk, name: string, at: number): Promise<void> => {
    await visit(open(server(name, FILES), new FakeFiles(disk), { key: name, now: () => at }).cached);
  };

  it("evicts the least recently used model first", async () => {
    const disk = new Disk();
    await old(disk, "oldest", 1000);
    await old(disk, "older", 2000);
    disk.quota = disk.bytes + 500;
    const { cached, cache, notices } = open(server("new", FILES), new FakeFiles(disk), {
      key: "new",
      now: () => 3000 + KEEP_MS,
    });
    await visit(cached);
    expect((await cache.list()).map(({ title }) => title)).toEqual(["new", "older"]);
    expect(notices).toEqual([{ kind: "evicted", model: "new", removed: ["oldest"] }]);
  });

  it("never evicts a model in use: it stops caching, says so once, and reads the right bytes", async () => {
    const disk = new Disk();
    await old(disk, "partner", 1000);
    disk.quota = disk.bytes + 1200;
    const source = server("new", FILES);
    const { cached, cache, notices } = open(source, new FakeFiles(disk), { key: "new", now: () => 2000 });
    await visit(cached);
    await visit(cached);
    expect(notices).toMatchObject([{ kind: "not_caching", model: "new" }]);
    expect((await cache.list()).map(({ title }) => title).sort()).toEqual(["new", "partner"]);
    await visit(open(source, new FakeFiles(disk), { key: "new" }).cached);
  });

  it("without any storage it reads as if there was no cache", async () => {
    const { cached, notices } = open(server("new", FILES), new FakeFiles(new Disk(), { stopAfter: 0 }));
    await visit(cached);
    expect(notices).toMatchObject([{ kind: "not_caching" }]);
  });

  it("storage that stops answering delays nothing", async () => {
    for (const silent of ["write", "read", "list", "rename"] as const) {
      const disk = new Disk();
      await visit(open(server("owner/name", FILES), new FakeFiles(disk)).cached);
      const files = new FakeFiles(disk);
      files[silent] = () => new Promise<never>(() => undefined);
      const cached = cachedSource(
        server("owner/name", FILES),
        new WeightsCache(files, new FakeLocks(), () => 1e9),
        "hub:owner/name@main",
        { patienceMs: 20 },
      );
      await visit(cached);
      expect(await cached.read("model.safetensors", 0, 10_000), silent).toEqual(WEIGHTS);
    }
  });
});
