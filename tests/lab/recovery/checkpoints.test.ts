/** @file Checkpoints in the browser: whatever write a crash, a full disk or damage hits, a whole one is left. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeSnapshot, encodeSnapshot, type RunSnapshot } from "../../../src/experiment/snapshot/runSnapshot.ts";
import type { SnapshotToSave } from "../../../src/experiment/run/runOptions.ts";
import { encodeLogPart, LOG_START, type LogPart } from "../../../src/experiment/snapshot/snapshotLog.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { Snapshots } from "../../../src/lab/recovery/snapshots.ts";
import { CacheFullError } from "../../../src/weights/cache/cacheFiles.ts";
import { Crash, Disk, FakeFiles } from "../../weights/cache/support.ts";

const metrics = { ce: 1, penalty: 0, loss: 1, learning_rate: 1, grad_norm: 1, tokens: 1, ms: 1 };

/** A snapshot; its log has a line per step. @param from the step of the snapshot before it */
async function file(step: number, from = 0, stage: "training" | "safe_adapter" = "training"): Promise<SnapshotToSave> {
  let end = LOG_START;
  const lines: LogPart[] = [];
  for (let n = 1; n <= step; n += 1) {
    const next = await encodeLogPart([{ step: { step: n, ...metrics } }], end);
    lines.push(next.part);
    end = next.end;
  }
  const written = lines.slice(from);
  const log = {
    at: written[0]?.at ?? end.bytes,
    bytes: Uint8Array.from(written.flatMap(({ bytes }) => [...bytes])),
  };
  const values = new Map([["0", Float32Array.from({ length: 40 }, (_, i) => step + i / 7)]]);
  const made = await encodeSnapshot({
    spec: resolveSpec({}),
    origin: { model: "m", rows: "r", device: "d", basin: "0" },
    stage: { kind: "training", step, safe: null },
    kernels: {},
    record: { log: end, beforeReused: false, elapsedMs: 1, resumedAt: [] },
    training: { values, moment1: values, moment2: values },
    method: null,
  });
  return { file: made, log, step, stage };
}

/** The snapshot of a step as it is read. */
async function whole(step: number): Promise<RunSnapshot> {
  const { file: made, log } = await file(step);
  return decodeSnapshot(made, "whole", async () => log.bytes);
}

/** Bytes of a snapshot with its log. */
const sizeOf = ({ file: made, log }: SnapshotToSave): number => made.byteLength + log.bytes.byteLength;
const stepOf = (found: RunSnapshot | null) => found?.stage.step ?? null;

describe("checkpoints", () => {
  it("are read as they were written, the latest of each run, and take the room of one", async () => {
    const disk = new Disk();
    const kept = new Snapshots(new FakeFiles(disk));
    expect([await kept.list(), await kept.load("a"), await kept.folders()]).toEqual([[], null, []]);
    for (const step of [0, 5, 10]) await kept.save("a", await file(step, Math.max(0, step - 5)));
    await kept.save("b", await file(3, 0, "safe_adapter"));
    expect(await kept.list()).toEqual([
      { runId: "a", step: 10, stage: "training", bytes: sizeOf(await file(10)) },
      { runId: "b", step: 3, stage: "safe_adapter", bytes: sizeOf(await file(3)) },
    ]);
    expect(await kept.load("a")).toEqual(await whole(10));
    expect(disk.files.size).toBe(4);
    await kept.remove("a");
    expect(await kept.folders()).toEqual(["b"]);
  });

  it("of an earlier version are found, resumed from, and go with the next one", async () => {
    const [disk, earlier] = [new Disk(), new Disk()];
    const before = new Uint8Array(readFileSync("tests/fixtures/snapshots/v1-training.safetensors"));
    const leave = (runId: string): void =>
      void earlier.files.set(`${runId}/7-training-2-${before.byteLength}.safetensors`, before);
    leave("a");
    const kept = new Snapshots(new FakeFiles(disk), new FakeFiles(earlier));
    expect(await kept.list()).toEqual([{ runId: "a", step: 2, stage: "training", bytes: before.byteLength }]);
    expect((await kept.load("a"))?.record.steps).toHaveLength(2);
    expect(await kept.folders()).toEqual([]); // those of another site are not this one's to remove
    await kept.save("a", await file(8));
    expect(stepOf(await kept.load("a"))).toBe(8);
    expect([disk.files.size, earlier.files.size]).toEqual([2, 0]);
    leave("b");
    await kept.remove("b");
    expect(earlier.files.size).toBe(0);
  });

  it("ten and more are in the right order", async () => {
    const kept = new Snapshots(new FakeFiles(new Disk()));
    for (let step = 0; step <= 11; step++) await kept.save("a", await file(step, Math.max(0, step - 1)));
    expect(stepOf(await kept.load("a"))).toBe(11);
  });

  it.each([true, false])("a crash at any write leaves the last whole one (atomic renames: %s)", async (atomic) => {
    const [first, second, third] = [await file(1), await file(2, 1), await file(3, 2)];
    for (let stopAfter = 0; ; stopAfter++) {
      const disk = new Disk();
      await new Snapshots(new FakeFiles(disk)).save("a", first);
      const dying = new Snapshots(new FakeFiles(disk, { stopAfter, atomic }));
      const died = await (async () => {
        await dying.save("a", second);
        await dying.save("a", third);
      })().then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      const after = new Snapshots(new FakeFiles(disk));
      const found = await after.load("a");
      expect(found).not.toBeNull();
      expect(found).toEqual(await whole(stepOf(found) ?? 0));
      // What comes after the crash tidies up and goes on.
      await after.save("a", await file(4, stepOf(found) ?? 0));
      expect(await after.load("a")).toEqual(await whole(4));
      expect([...disk.files.keys()]).toHaveLength(2);
      if (!died) {
        expect(stopAfter).toBeGreaterThan(4);
        break;
      }
    }
  });

  it("a full storage keeps the last one, and says so", async () => {
    const disk = new Disk();
    const kept = new Snapshots(new FakeFiles(disk));
    await kept.save("a", await file(1));
    const free = sizeOf(await file(2, 1));
    // Less and less room: the log fits and the file does not, or not even the log.
    for (const room of [free - 1, 200, 10]) {
      disk.quota = disk.bytes + room;
      await expect(kept.save("a", await file(2, 1))).rejects.toThrow(CacheFullError);
      expect(disk.files.size).toBe(2);
      expect(await kept.load("a")).toEqual(await whole(1));
    }
  });

  it("a damaged one is recognised: an earlier one is taken, or the failure is told", async () => {
    const disk = new Disk();
    const kept = new Snapshots(new FakeFiles(disk));
    await kept.save("a", await file(1));
    const path = [...disk.files.keys()].find((name) => name.endsWith(".safetensors")) ?? "";
    const good = disk.files.get(path) ?? new Uint8Array();
    const bad = new Uint8Array(good);
    bad[bad.length - 3] = (bad[bad.length - 3] ?? 0) ^ 1;
    disk.files.set(`a/2-training-2-${bad.byteLength}.safetensors`, bad);
    expect(stepOf(await kept.load("a"))).toBe(1);
    disk.files.delete(path);
    await expect(kept.load("a")).rejects.toThrow(/digest does not match/);
    disk.files.set(`a/3-training-3-${bad.byteLength}.safetensors`, good.slice(0, 200));
    await expect(kept.load("a")).rejects.toThrow(/200 of \d+ bytes/);
    disk.files.clear();
    await kept.save("a", await file(2));
    const log = disk.files.get("a/log") ?? new Uint8Array();
    for (const damaged of [log.slice(0, -2), log.map((byte, i) => (i === 90 ? byte ^ 1 : byte)), new Uint8Array()]) {
      disk.files.set("a/log", damaged);
      await expect(kept.load("a")).rejects.toThrow("The log of the snapshot is cut off or damaged");
    }
    disk.files.delete("a/log");
    await expect(kept.load("a")).rejects.toThrow("The log of the snapshot is cut off or damaged");
  });
});
