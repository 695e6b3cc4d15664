/** @file Checkpoints in the browser: whatever write a crash, a full disk or damage hits, a whole one is left. */
import { describe, expect, it } from "vitest";
import { decodeSnapshot, encodeSnapshot, type RunSnapshot } from "../../../src/experiment/snapshot/runSnapshot.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import { CacheFullError } from "../../../src/weights/cache/cacheFiles.ts";
import { Crash, Disk, FakeFiles } from "../../weights/cache/support.ts";

function checkpoint(step: number): RunSnapshot {
  const values = new Map([["0", Float32Array.from({ length: 40 }, (_, i) => step + i / 7)]]);
  return {
    spec: resolveSpec({}),
    origin: { model: "m", rows: "r", device: "d", basin: "0" },
    stage: { kind: "training", step, safe: null },
    kernels: {},
    record: { steps: [], evaluations: [], beforeReused: false, elapsedMs: 1, resumedAt: [] },
    training: { values, moment1: values, moment2: values },
    method: null,
  };
}

const file = (step: number) => encodeSnapshot(checkpoint(step));
const stepOf = (found: RunSnapshot | null) => found?.stage.step ?? null;

describe("checkpoints", () => {
  it("are read as they were written, the latest of each run, and take the room of one", async () => {
    const disk = new Disk();
    const kept = new Snapshots(new FakeFiles(disk));
    expect([await kept.list(), await kept.load("a"), await kept.folders()]).toEqual([[], null, []]);
    for (const step of [0, 5, 10]) await kept.save("a", await file(step), step, "training");
    await kept.save("b", await file(3), 3, "safe_adapter");
    expect(await kept.list()).toEqual([
      { runId: "a", step: 10, stage: "training", bytes: (await file(10)).byteLength },
      { runId: "b", step: 3, stage: "safe_adapter", bytes: (await file(3)).byteLength },
    ]);
    expect(await kept.load("a")).toEqual(await decodeSnapshot(await file(10), "whole"));
    expect(disk.files.size).toBe(2);
    await kept.remove("a");
    expect(await kept.folders()).toEqual(["b"]);
  });

  it("of an earlier version are found, resumed from, and go with the next one", async () => {
    const [disk, earlier] = [new Disk(), new Disk()];
    await new Snapshots(new FakeFiles(earlier)).save("a", await file(4), 4, "training");
    const kept = new Snapshots(new FakeFiles(disk), new FakeFiles(earlier));
    expect(await kept.list()).toMatchObject([{ runId: "a", step: 4 }]);
    expect(stepOf(await kept.load("a"))).toBe(4);
    expect(await kept.folders()).toEqual([]); // those of another site are not this one's to remove
    await kept.save("a", await file(8), 8, "training");
    expect(stepOf(await kept.load("a"))).toBe(8);
    expect([disk.files.size, earlier.files.size]).toEqual([1, 0]);
    await new Snapshots(new FakeFiles(earlier)).save("b", await file(2), 2, "training");
    await kept.remove("b");
    expect(earlier.files.size).toBe(0);
  });

  it("ten and more are in the right order", async () => {
    const kept = new Snapshots(new FakeFiles(new Disk()));
    for (let step = 0; step <= 11; step++) await kept.save("a", await file(step), step, "training");
    expect(stepOf(await kept.load("a"))).toBe(11);
  });

  it.each([true, false])("a crash at any write leaves the last whole one (atomic renames: %s)", async (atomic) => {
    const [first, second, third] = [await file(1), await file(2), await file(3)];
    for (let stopAfter = 0; ; stopAfter++) {
      const disk = new Disk();
      await new Snapshots(new FakeFiles(disk)).save("a", first, 1, "training");
      const dying = new Snapshots(new FakeFiles(disk, { stopAfter, atomic }));
      const died = await (async () => {
        await dying.save("a", second, 2, "training");
        await dying.save("a", third, 3, "training");
      })().then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      const after = new Snapshots(new FakeFiles(disk));
      const found = await after.load("a");
      expect(found).not.toBeNull();
      expect(found).toEqual(await decodeSnapshot(await file(stepOf(found) ?? 0), "whole"));
      // What comes after the crash tidies up and goes on.
      await after.save("a", await file(4), 4, "training");
      expect(stepOf(await after.load("a"))).toBe(4);
      expect([...disk.files.keys()]).toHaveLength(1);
      if (!died) {
        expect(stopAfter).toBeGreaterThan(4);
        break;
      }
    }
  });

  it("a full storage keeps the last one, and says so", async () => {
    const disk = new Disk();
    const kept = new Snapshots(new FakeFiles(disk));
    await kept.save("a", await file(1), 1, "training");
    disk.quota = disk.bytes + 100;
    await expect(kept.save("a", await file(2), 2, "training")).rejects.toThrow(CacheFullError);
    expect(disk.files.size).toBe(1);
    expect(stepOf(await kept.load("a"))).toBe(1);
  });

  it("a damaged one is recognised: an earlier one is taken, or the failure is told", async () => {
    const disk = new Disk();
    const kept = new Snapshots(new FakeFiles(disk));
    await kept.save("a", await file(1), 1, "training");
    const [path = ""] = disk.files.keys();
    const good = disk.files.get(path) ?? new Uint8Array();
    const bad = new Uint8Array(good);
    bad[bad.length - 3] = (bad[bad.length - 3] ?? 0) ^ 1;
    disk.files.set(`a/2-training-2-${bad.byteLength}.safetensors`, bad);
    expect(stepOf(await kept.load("a"))).toBe(1);
    disk.files.delete(path);
    await expect(kept.load("a")).rejects.toThrow(/digest does not match/);
    disk.files.set(`a/3-training-3-${bad.byteLength}.safetensors`, good.slice(0, 200));
    await expect(kept.load("a")).rejects.toThrow(/200 of \d+ bytes/);
  });
});
