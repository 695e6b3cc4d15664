/**
 * @file The history in the database: lists read summaries only, and runs that earlier versions stored get theirs
 * whatever the disk does meanwhile.
 */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HistoryController } from "../../../src/lab/runs/historyController.ts";
import { toSummary } from "../../../src/lab/runs/runSummary.ts";
import type { StoredRun } from "../../../src/lab/runs/storedRun.ts";
import { ChangeChannel } from "../../../src/lab/storage/changeChannel.ts";
import { databaseName, LabDatabase } from "../../../src/lab/storage/database.ts";
import { KEY_PATHS } from "../../../src/lab/storage/records.ts";
import { DatabaseRuns } from "../../../src/lab/storage/runArchive.ts";
import { storageFailure } from "../../../src/lab/support/storageFailure.ts";
import { storedRun } from "../storedRuns.ts";

const HOME = "https://example.org/basin/";
const silent = { postMessage: () => undefined, addEventListener: () => undefined };

const step = { step: 1, ce: 0.5, penalty: 0, loss: 0.5, learning_rate: 1, grad_norm: 1, tokens: 8, ms: 40 };
const run = (runId: string, endedAt: number): StoredRun =>
  storedRun(runId, {
    endedAt,
    steps: [step, { ...step, step: 2, ce: 0.25, ms: 20 }],
    answers: [{ when: "after", step: 2, answers: [{ part: "task", prompt: "?", answer: "!", verdict: "right" }] }],
    adapter: { "adapter_config.json": new Uint8Array([1]), "adapter_model.safetensors": new Uint8Array([2, 3]) },
  });
const RUNS = ["a", "b", "c", "d"].map((runId, i) => run(runId, i));

interface Opened {
  readonly database: LabDatabase;
  readonly archive: DatabaseRuns;
}

function open(): Opened {
  const database = new LabDatabase(HOME);
  return { database, archive: new DatabaseRuns(database, new ChangeChannel(silent)) };
}

/** The database as the version before summaries made it. */
async function earlierVersion(): Promise<void> {
  const database = await openDB(databaseName(HOME), 1, {
    upgrade(connection) {
      for (const [name, keyPath] of Object.entries(KEY_PATHS))
        if (name !== "summaries") connection.createObjectStore(name, { keyPath });
    },
  });
  for (const one of RUNS) await database.put("runs", one);
  await database.put("marks", { id: "imported", at: Date.now() });
  database.close();
}

/** The n-th write of a summary fails, and with `onwards` each one after it. @returns how many there were */
function failingSummaries(n: number, onwards: boolean): () => number {
  let count = 0;
  const put = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, value: unknown) {
    const request = put.call(this, value);
    if (this.name === "summaries") count += 1;
    // As browsers do where there is no room: the request is taken, and the transaction fails.
    if (this.name === "summaries" && (onwards ? count >= n : count === n)) this.transaction.abort();
    return request;
  });
  return () => count;
}

const summariesIn = ({ database }: Opened): Promise<unknown[]> =>
  database.run((connection) => connection.getAll("summaries"));
const runsIn = ({ database }: Opened): Promise<unknown[]> => database.run((connection) => connection.getAll("runs"));

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("runs of an earlier version", () => {
  it("are listed, whole when they are opened, and left as they are", async () => {
    await earlierVersion();
    const opened = open();
    expect(await opened.archive.summaries()).toEqual(RUNS.map(toSummary));
    expect(await opened.archive.get("b")).toEqual(RUNS[1]);
    expect(await summariesIn(opened)).toEqual(RUNS.map(toSummary));
    expect(await runsIn(opened)).toEqual(RUNS);
  });

  it.each([true, false])(
    "lose nothing where any write fails, or the tab is closed (from then on: %s)",
    async (onwards) => {
      for (let n = 1; n <= RUNS.length; n += 1) {
        globalThis.indexedDB = new IDBFactory();
        await earlierVersion();
        const written = failingSummaries(n, onwards);
        const opened = open();
        expect([n, await opened.archive.summaries()]).toEqual([n, RUNS.map(toSummary)]);
        expect([n, written()]).toEqual([n, RUNS.length]);
        expect([n, await runsIn(opened)]).toEqual([n, RUNS]);
        vi.restoreAllMocks();
        await opened.database.close();
        const later = open();
        expect([n, await later.archive.summaries()]).toEqual([n, RUNS.map(toSummary)]);
        expect([n, await summariesIn(later)]).toEqual([n, RUNS.map(toSummary)]);
      }
    },
  );

  it("are there after an upgrade that was interrupted", async () => {
    await earlierVersion();
    const { database, archive } = open();
    const create = vi.spyOn(IDBDatabase.prototype, "createObjectStore").mockImplementationOnce(() => {
      throw new DOMException("gone", "AbortError");
    });
    await expect(archive.summaries()).rejects.toThrow(/abort|gone/i);
    create.mockRestore();
    const stillEarlier = await openDB(databaseName(HOME));
    expect([stillEarlier.version, await stillEarlier.getAll("runs")]).toEqual([1, RUNS]);
    stillEarlier.close();
    expect(await archive.summaries()).toEqual(RUNS.map(toSummary));
    expect(await runsIn({ database, archive })).toEqual(RUNS);
  });

  it("that are deleted do not come back as summaries", async () => {
    await earlierVersion();
    const opened = open();
    await opened.archive.remove("a");
    expect((await opened.archive.summaries()).map(({ runId }) => runId)).toEqual(["b", "c", "d"]);
    expect(await opened.archive.summary("a")).toBeUndefined();
  });
});

describe("a summary", () => {
  it("changes with its run, in one transaction", async () => {
    const opened = open();
    await opened.archive.put(run("a", 1));
    failingSummaries(1, false);
    await expect(opened.archive.update("a", (before) => ({ ...before, note: "Lost." }))).rejects.toThrow(/abort/i);
    vi.restoreAllMocks();
    expect(await opened.archive.get("a")).toEqual(run("a", 1));
    expect(await opened.archive.update("a", (before) => ({ ...before, note: "Holds." }))).toMatchObject({
      note: "Holds.",
    });
    expect(await opened.archive.summaries()).toMatchObject([{ runId: "a", note: "Holds." }]);
    await opened.archive.remove("a");
    expect([await summariesIn(opened), await runsIn(opened)]).toEqual([[], []]);
  });

  it("of another form is made again", async () => {
    const opened = open();
    await opened.archive.put(run("a", 1));
    await opened.database.run((connection) => connection.put("summaries", { runId: "a", form: 0 }));
    expect(await opened.archive.summary("a")).toEqual(toSummary(run("a", 1)));
    expect(await summariesIn(opened)).toEqual([toSummary(run("a", 1))]);
  });

  it("holds neither steps nor answers nor the adapter", () => {
    const summary = toSummary(run("a", 1));
    expect(summary).toMatchObject({
      steps: { count: 2, lastCe: 0.25, medianMs: 20, totalMs: 60 },
      hasAnswers: true,
      hasAdapter: true,
    });
    expect(JSON.stringify(summary).length).toBeLessThan(JSON.stringify({ ...run("a", 1), steps: [] }).length);
  });
});

describe("the history", () => {
  const historyOf = ({ archive }: Opened): HistoryController =>
    new HistoryController({ archive, describeError: (error) => storageFailure(error, "IndexedDB") });

  it("reads no whole run when the page opens", async () => {
    const opened = open();
    for (const one of RUNS) await opened.archive.put(one);
    const whole: unknown[] = [];
    for (const read of ["get", "getAll", "openCursor"] as const) {
      const original = IDBObjectStore.prototype[read];
      vi.spyOn(IDBObjectStore.prototype, read).mockImplementation(function (this: IDBObjectStore, ...of: unknown[]) {
        if (this.name === "runs") whole.push(of);
        return Reflect.apply(original, this, of) as never;
      });
    }
    const history = historyOf(opened);
    await history.load();
    expect([history.runs.map(({ runId }) => runId), whole]).toEqual([["d", "c", "b", "a"], []]);
    expect(await history.read("b")).toEqual(RUNS[1]);
    expect(whole).toEqual([["b"]]);
  });

  it("reads a run that is being stored, or could not be, from memory", async () => {
    const opened = open();
    const history = historyOf(opened);
    await history.load();
    failingSummaries(1, true);
    const adding = history.add(run("a", 1));
    expect(await history.read("a")).toEqual(run("a", 1));
    expect(await adding).toBe(false);
    expect(await history.read("a")).toEqual(run("a", 1));
  });

  it("says why a run cannot be read, and lists it still", async () => {
    const opened = open();
    await opened.archive.put(run("a", 1));
    const history = historyOf(opened);
    await history.load();
    vi.spyOn(IDBObjectStore.prototype, "get").mockImplementation(() => {
      throw new DOMException("broken", "UnknownError");
    });
    await expect(history.read("a")).rejects.toThrow(/could not read/);
    await history.remove("a");
    expect(history.runs.map(({ runId }) => runId)).toEqual(["a"]);
    expect(history.store.getState().archive).toMatchObject({ kind: "unavailable" });
    vi.restoreAllMocks();
    expect(await runsIn(opened)).toHaveLength(1);
    await expect(history.read("b")).rejects.toThrow(/no longer stored/);
  });
});
