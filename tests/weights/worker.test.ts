/** @file The weights protocol end to end over a real MessageChannel: transfer, back-pressure, cancel, errors. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { memorySource, type ByteSource } from "../../src/weights/byteSource.ts";
import { readTensorF32 } from "../../src/weights/checkpoint.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { MAX_AHEAD_BYTES } from "../../src/weights/readAhead.ts";
import { WINDOW } from "../../src/weights/weightsProtocol.ts";
import { serveWeights } from "../../src/weights/weightsService.ts";
import { WeightsClient } from "../../src/weights/workerReader.ts";
import { files, rejection } from "./support.ts";

const MIB = 2 ** 20;
let open: MessageChannel | null = null;
afterEach(() => {
  open?.port1.close();
  open = null;
});

/** A client whose service opens `sources[descriptor]`; counts the reads of more than 1 MiB. */
function connect(sources: Record<string, Record<string, Uint8Array>>): {
  client: WeightsClient<string>;
  largeReads: () => number;
} {
  open = new MessageChannel();
  let large = 0;
  serveWeights<string>(open.port1, (name): ByteSource => {
    const source = memorySource(name, sources[name] ?? {});
    return {
      ...source,
      read: (path, start, end, signal) => {
        if (end - start > MIB) large += 1;
        return source.read(path, start, end, signal);
      },
    };
  });
  return { client: new WeightsClient<string>(open.port2), largeReads: () => large };
}

/** Pieces that are read before they are wanted. */
const AHEAD = MAX_AHEAD_BYTES / (4 * MIB);
const ramp = new Float32Array(20 * MIB).map((_, i) => i % 1021);
// 80 MiB: 20 pieces
const big = files([{ name: "w", dtype: "F32", shape: [ramp.length], bytes: fromFloat32(ramp, "F32") }]);

describe("a checkpoint behind a port", () => {
  it("reads the same bytes as a local one", async () => {
    const { client } = connect({ tiny: files() });
    const checkpoint = await client.open("tiny");
    expect(checkpoint.name).toBe("tiny");
    expect(checkpoint.config).toEqual({ model_type: "llama" });
    expect(checkpoint.tensors.get("half")).toEqual({ name: "half", dtype: "BF16", shape: [2, 2], byteLength: 8 });
    expect(await readTensorF32(checkpoint, "half")).toEqual(new Float32Array([1, -2, 0.5, 3]));
    expect(await checkpoint.text("config.json")).toContain("llama");
    expect(await checkpoint.text("tokenizer.json")).toBeNull();
  });

  it("serves several reads of several checkpoints at once", async () => {
    const { client } = connect({ tiny: files(), big });
    const [tiny, large] = await Promise.all([client.open("tiny"), client.open("big")]);
    const [w, norm, half, again] = await Promise.all([
      readTensorF32(large, "w"),
      readTensorF32(tiny, "norm"),
      readTensorF32(tiny, "half"),
      readTensorF32(large, "w"),
    ]);
    expect(norm).toEqual(new Float32Array([1.5, 2.5, -3.5]));
    expect(half).toEqual(new Float32Array([1, -2, 0.5, 3]));
    expect(Buffer.compare(new Uint8Array(w.buffer), new Uint8Array(ramp.buffer))).toBe(0);
    expect(Buffer.compare(new Uint8Array(again.buffer), new Uint8Array(ramp.buffer))).toBe(0);
  });

  it("waits for a slow consumer", async () => {
    const { client, largeReads } = connect({ big });
    const checkpoint = await client.open("big");
    let consumed = 0;
    for await (const chunk of checkpoint.read("w")) {
      await sleep(20);
      expect(chunk.byteLength).toBe(4 * MIB);
      consumed += 1;
      // Read are: what was consumed, the window on the way, one that waits for its credit, and those ahead.
      expect(largeReads()).toBeLessThanOrEqual(consumed + WINDOW + 1 + AHEAD);
    }
    expect(consumed).toBe(20);
  });

  it("stops reading when the consumer leaves, or the signal says so", async () => {
    const { client, largeReads } = connect({ big });
    const checkpoint = await client.open("big");
    for await (const chunk of checkpoint.read("w")) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    await sleep(50);
    const afterBreak = largeReads();
    expect(afterBreak).toBeLessThanOrEqual(WINDOW + 2 + AHEAD);
    const abort = new AbortController();
    const read = (async () => {
      for await (const chunk of checkpoint.read("w", abort.signal)) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        abort.abort();
      }
    })();
    await expect(read).rejects.toMatchObject({ name: "AbortError" });
    await sleep(50);
    expect(largeReads() - afterBreak).toBeLessThanOrEqual(WINDOW + 2 + AHEAD);
    // The line still works afterwards.
    expect((await readTensorF32(checkpoint, "w")).length).toBe(ramp.length);
  });

  it("passes on errors with what, where and what to do", async () => {
    const broken = files([
      { name: "w", dtype: "F32", shape: [2], bytes: fromFloat32(new Float32Array([1, NaN]), "F32") },
    ]);
    const { client } = connect({ broken });
    const missing = await rejection(client.open("nowhere"));
    expect(missing.what).toContain("config.json");
    expect(missing.where).toBe("nowhere");
    const checkpoint = await client.open("broken");
    const nan = await rejection(readTensorF32(checkpoint, "w"));
    expect(nan.what).toContain("w[1] is NaN");
    expect(nan.fix.length).toBeGreaterThan(10);
    checkpoint.close();
    await expect(readTensorF32(checkpoint, "w")).rejects.toThrow("not open");
  });

  it("does not start with an aborted signal", async () => {
    const { client } = connect({ tiny: files() });
    await expect(client.open("tiny", { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });
});
