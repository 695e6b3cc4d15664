/** @file Rates and times of a transfer, with a clock that the test moves; and the same through the weights protocol. */
import { describe, expect, it } from "vitest";
import { openCheckpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { encodeSafetensors } from "../../src/weights/safetensors.ts";
import { TransferMeter, type Transfer } from "../../src/weights/transfer.ts";
import { urlSource } from "../../src/weights/urlSource.ts";
import { serveWeights } from "../../src/weights/weightsService.ts";
import { WeightsClient } from "../../src/weights/workerReader.ts";
import { MisbehavingServer } from "./misbehavingServer.ts";
import { json } from "./support.ts";

describe("the meter", () => {
  it("reports bytes of the file, the recent rate, and the time left for all files", () => {
    let now = 0;
    const told: Transfer[] = [];
    const meter = new TransferMeter({
      checkpoint: "m",
      tell: (transfer) => told.push(transfer),
      now: () => now,
      origin: () => "network",
    });
    meter.begin(
      new Map([
        ["a", 10_000],
        ["b", 10_000],
      ]),
    );
    for (let i = 0; i < 10; i += 1) {
      now += 1000;
      meter.add("a", 1000);
    }
    expect(told).toHaveLength(10);
    expect(told[0]).toEqual({
      checkpoint: "m",
      file: "a",
      done: 1000,
      total: 10_000,
      bytesPerSecond: 0,
      etaSeconds: null,
      origin: "network",
    });
    expect(told[4]?.bytesPerSecond).toBeCloseTo(1250, -3);
    expect(told[9]).toMatchObject({ done: 10_000, etaSeconds: expect.closeTo(10, 0) as number });
    // Then somewhat faster: after some seconds the rate forgets what was before.
    for (let i = 0; i < 8; i += 1) {
      now += 1000;
      meter.add("b", 1250);
    }
    expect(told.at(-1)).toMatchObject({ file: "b", done: 10_000, etaSeconds: 0 });
    expect(told.at(-1)?.bytesPerSecond).toBeCloseTo(1250, -1);
  });

  it("reports now and then, and always the end of a file", () => {
    let now = 0;
    const told: Transfer[] = [];
    const meter = new TransferMeter({ checkpoint: "m", tell: (transfer) => told.push(transfer), now: () => now });
    meter.expect("a", 100);
    for (let i = 0; i < 100; i += 1) {
      now += 1;
      meter.add("a", 1);
    }
    expect(told.map(({ done }) => done)).toEqual([1, 100]);
    meter.add("b", 5); // not expected
    expect(told).toHaveLength(2);
  });
});

describe("a checkpoint of two shards behind a port", () => {
  it("reports the progress of each shard, counting only the bytes that will be read", async () => {
    const shard = (name: string, length: number): Uint8Array =>
      encodeSafetensors([
        { name, dtype: "F32", shape: [length], bytes: fromFloat32(new Float32Array(length), "F32") },
        {
          name: `${name}.unused`,
          dtype: "F32",
          shape: [500_000],
          bytes: fromFloat32(new Float32Array(500_000), "F32"),
        },
      ]);
    const weight_map = {
      x: "1.safetensors",
      "x.unused": "1.safetensors",
      y: "2.safetensors",
      "y.unused": "2.safetensors",
    };
    const server = await MisbehavingServer.start({
      "config.json": json({}),
      "model.safetensors.index.json": json({ weight_map }),
      "1.safetensors": shard("x", 3_000_000),
      "2.safetensors": shard("y", 200_000),
    });
    const line = new MessageChannel();
    try {
      serveWeights<string>(line.port1, (base) => urlSource(base));
      const told: Transfer[] = [];
      const checkpoint = await new WeightsClient<string>(line.port2).open(server.base, {
        onProgress: (transfer) => told.push(transfer),
      });
      const headers = server.bytesSent;
      checkpoint.prefetch?.(["x", "y"]);
      await readTensorF32(checkpoint, "x");
      await readTensorF32(checkpoint, "y");
      const last = (file: string): Transfer | undefined => told.filter((transfer) => transfer.file === file).at(-1);
      expect(last("1.safetensors")).toMatchObject({ done: 12_000_000, total: 12_000_000, origin: "network" });
      expect(last("2.safetensors")).toMatchObject({ done: 800_000, total: 800_000 });
      expect(told.at(-1)?.etaSeconds).toBe(0);
      expect(told.every(({ done, total }) => done <= total)).toBe(true);
      expect(server.bytesSent - headers).toBe(12_800_000);
      checkpoint.close();
      // Without a listener nothing is sent; the same reads work.
      const silent = await openCheckpoint(urlSource(server.base));
      expect((await readTensorF32(silent, "y")).length).toBe(200_000);
    } finally {
      line.port1.close();
      await server.stop();
    }
  });
});
