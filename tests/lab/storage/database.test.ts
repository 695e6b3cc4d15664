/** @file The lab's database: opened again after whatever ended it, one a site, with what earlier versions stored. */
import "fake-indexeddb/auto";
import { forceCloseDatabase, IDBFactory } from "fake-indexeddb";
import { deleteDB, openDB } from "idb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import type { StoredRun } from "../../../src/lab/runs/storedRun.ts";
import { ChangeChannel } from "../../../src/lab/storage/changeChannel.ts";
import { DatabaseCollection } from "../../../src/lab/storage/collection.ts";
import { databaseName, LabDatabase } from "../../../src/lab/storage/database.ts";
import { importEarlier } from "../../../src/lab/storage/earlierDatabases.ts";

const HOME = "https://example.org/basin/";

/** Channels between the tabs of one browser: a tab does not hear itself. */
class Channels {
  readonly #listeners = new Map<object, ((event: MessageEvent) => void)[]>();

  open(): ChangeChannel {
    const own = {};
    return new ChangeChannel({
      postMessage: (data: unknown) => {
        for (const [other, listeners] of this.#listeners)
          if (other !== own) for (const listen of listeners) listen({ data } as MessageEvent);
      },
      addEventListener: (_type: string, listener: unknown) =>
        void this.#listeners.set(own, [...(this.#listeners.get(own) ?? []), listener as (event: MessageEvent) => void]),
    });
  }
}

const run = (runId: string, endedAt = 1): StoredRun => ({
  version: 1,
  runId,
  startedAt: 0,
  endedAt,
  spec: resolveSpec({}),
  plan: null,
  steps: [],
  evaluations: [],
  adapter: { "adapter_config.json": new Uint8Array([1]), "adapter_model.safetensors": new Uint8Array([2, 3]) },
  ending: { kind: "failed", failure: { what: "", where: "", fix: "" }, lastStep: 1 },
});

function runsOf(database: LabDatabase, channels = new Channels()): DatabaseCollection<"runs"> {
  return new DatabaseCollection(database, channels.open(), "runs");
}

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

describe("the database", () => {
  it("belongs to the path of the site", async () => {
    expect(databaseName(HOME)).toBe("basin /basin/");
    const [one, other] = [runsOf(new LabDatabase(HOME)), runsOf(new LabDatabase("https://example.org/"))];
    await one.put(run("a"));
    expect(await other.all()).toEqual([]);
    expect(await one.all()).toEqual([run("a")]);
  });

  it("is tried again after an opening that failed", async () => {
    const runs = runsOf(new LabDatabase(HOME));
    const open = vi.spyOn(indexedDB, "open").mockImplementationOnce(() => {
      throw new DOMException("denied", "SecurityError");
    });
    await expect(runs.all()).rejects.toThrow("denied");
    expect(await runs.all()).toEqual([]);
    open.mockRestore();
  });

  it("is opened again after the browser has ended it", async () => {
    const database = new LabDatabase(HOME);
    const runs = runsOf(database);
    await runs.put(run("a"));
    await database.run(async (connection) => forceCloseDatabase(connection as never));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await runs.all()).toHaveLength(1);
  });

  it("gives way to a tab that wants to change it, and is opened again", async () => {
    const database = new LabDatabase(HOME);
    const runs = runsOf(database);
    await runs.put(run("a"));
    const blocked = vi.fn();
    await deleteDB(database.name, { blocked });
    expect(blocked).not.toHaveBeenCalled();
    expect(await runs.all()).toEqual([]);
  });

  it("repeats a transaction that came while it was closed", async () => {
    const database = new LabDatabase(HOME);
    const runs = runsOf(database);
    await runs.put(run("a"));
    // The connection is taken by the read before it is closed.
    const reading = runs.all();
    await database.close();
    expect(await reading).toHaveLength(1);
  });
});

describe("a change that the browser aborts", () => {
  it("fails, is announced to nobody, and leaves the record as it was", async () => {
    const channels = new Channels();
    const [one, other] = [runsOf(new LabDatabase(HOME), channels), runsOf(new LabDatabase(HOME), channels)];
    await one.put(run("a"));
    const heard = vi.fn();
    other.onChange(heard);
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementationOnce(function (
      this: IDBObjectStore,
      value: unknown,
    ) {
      put.mockRestore();
      const request = this.put(value);
      this.transaction.abort();
      return request;
    });
    await expect(one.update("a", (before) => ({ ...before, note: "Lost." }))).rejects.toThrow(/abort/i);
    expect(heard).not.toHaveBeenCalled();
    expect(await one.get("a")).toEqual(run("a"));
  });
});

/** The four databases as earlier versions made them. */
async function earlierDatabases(): Promise<void> {
  const basin = await openDB("basin", 1, {
    upgrade: (db) => void db.createObjectStore("runs", { keyPath: "runId" }).createIndex("endedAt", "endedAt"),
  });
  await basin.put("runs", run("old"));
  const tables = await openDB("basin-tables", 1, {
    upgrade: (db) => {
      db.createObjectStore("tables", { keyPath: "id" });
      db.createObjectStore("outcomes", { keyPath: "key" });
    },
  });
  await tables.put("tables", { id: "current", input: {}, failures: [] });
  await tables.put("outcomes", { key: "k", run: "old" });
  const unfinished = await openDB("basin-unfinished", 1, {
    upgrade: (db) => void db.createObjectStore("unfinished", { keyPath: "runId" }),
  });
  await unfinished.put("unfinished", { version: 1, runId: "cut off" });
  const kernels = await openDB("basin-kernels", 1, { upgrade: (db) => void db.createObjectStore("texts") });
  await kernels.put("texts", "{}", "a device");
  for (const database of [basin, tables, unfinished, kernels]) database.close();
}

const names = async (): Promise<string[]> => (await indexedDB.databases()).map(({ name = "" }) => name).sort();

describe("what earlier versions stored", () => {
  it("is there at the first opening, adapters included", async () => {
    await earlierDatabases();
    const database = new LabDatabase(HOME);
    const of = (name: "runs" | "tables" | "outcomes" | "unfinished" | "kernels") =>
      new DatabaseCollection(database, new Channels().open(), name).all();
    expect(await of("runs")).toEqual([run("old")]);
    expect(await of("tables")).toEqual([{ id: "current", input: {}, failures: [] }]);
    expect(await of("outcomes")).toEqual([{ key: "k", run: "old" }]);
    expect(await of("unfinished")).toEqual([{ version: 1, runId: "cut off" }]);
    expect(await of("kernels")).toEqual([{ name: "a device", text: "{}" }]);
  });

  it("is copied once: what is deleted stays deleted", async () => {
    await earlierDatabases();
    const first = new LabDatabase(HOME);
    await runsOf(first).remove("old");
    await first.close();
    expect(await runsOf(new LabDatabase(HOME)).all()).toEqual([]);
  });

  it("is copied for every site below the origin", async () => {
    await earlierDatabases();
    await runsOf(new LabDatabase(HOME)).remove("old");
    expect(await runsOf(new LabDatabase("https://example.org/")).all()).toHaveLength(1);
  });

  it("leaves no empty databases behind where there was nothing", async () => {
    await runsOf(new LabDatabase(HOME)).all();
    expect(await names()).toEqual(["basin /basin/"]);
  });

  it("is removed a month after it was copied, not before", async () => {
    await earlierDatabases();
    const database = new LabDatabase(HOME);
    await runsOf(database).all();
    const day = 24 * 60 * 60 * 1000;
    await database.run((connection) => importEarlier(connection, Date.now() + 29 * day));
    expect(await names()).toContain("basin");
    await database.run((connection) => importEarlier(connection, Date.now() + 31 * day));
    expect(await names()).toEqual(["basin /basin/"]);
    expect(await runsOf(database).all()).toHaveLength(1);
  });
});

describe("records of two tabs", () => {
  it("are announced to the other tab, by key", async () => {
    const channels = new Channels();
    const [one, other] = [runsOf(new LabDatabase(HOME), channels), runsOf(new LabDatabase(HOME), channels)];
    const [seenByOne, seenByOther]: string[][] = [[], []];
    one.onChange((key) => seenByOne?.push(key));
    other.onChange((key) => seenByOther?.push(key));
    await one.put(run("a"));
    await one.update("a", (before) => ({ ...before, note: "Holds." }));
    await one.update("a", (before) => before);
    await one.remove("a");
    expect([seenByOne, seenByOther]).toEqual([[], ["a", "a", "a"]]);
  });

  it("keep what both have written, and a deleted one does not come back", async () => {
    const [one, other] = [runsOf(new LabDatabase(HOME)), runsOf(new LabDatabase(HOME))];
    await one.put(run("a"));
    await Promise.all([
      one.update("a", (before) => ({ ...before, note: "Holds." })),
      other.update("a", (before) => ({ ...before, tags: ["keeper"] })),
    ]);
    expect(await one.get("a")).toMatchObject({ note: "Holds.", tags: ["keeper"] });
    await one.remove("a");
    expect(await other.update("a", (before) => ({ ...before, note: "Again." }))).toBeUndefined();
    expect(await one.all()).toEqual([]);
  });
});
