/** @file Opening and reading checkpoints: single file, shards, memory rule, broken values, missing parts. */
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { BasinError } from "../../src/base/error.ts";
import {
  MAX_CHUNK_BYTES,
  memorySource,
  readJson,
  readOptionalText,
  type ByteSource,
} from "../../src/weights/byteSource.ts";
import { openCheckpoint, readTensorF32, type Checkpoint } from "../../src/weights/checkpoint.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import { nodeFolderSource } from "../../src/weights/nodeFolder.node.ts";
import { encodeSafetensors } from "../../src/weights/safetensors.ts";
import { collect, counting, files, json, rejection } from "./support.ts";

const folder = await mkdtemp(join(tmpdir(), "basin-weights-"));
afterAll(() => rm(folder, { recursive: true }));

const ramp = (n: number, scale: number): Float32Array => new Float32Array(n).map((_, i) => (i % 251) * scale);

describe("a single file", () => {
  it("lists its tensors and reads them in every format", async () => {
    const checkpoint = await openCheckpoint(memorySource("tiny", files()));
    expect(checkpoint.config).toEqual({ model_type: "llama" });
    expect([...checkpoint.tensors.keys()].sort()).toEqual(["bias", "half", "norm"]);
    expect(checkpoint.tensors.get("half")).toEqual({ name: "half", dtype: "BF16", shape: [2, 2], byteLength: 8 });
    expect(await readTensorF32(checkpoint, "half")).toEqual(new Float32Array([1, -2, 0.5, 3]));
    expect(await readTensorF32(checkpoint, "norm")).toEqual(new Float32Array([1.5, 2.5, -3.5]));
    expect(await readTensorF32(checkpoint, "bias")).toEqual(new Float32Array([0.25]));
    expect(await checkpoint.text("tokenizer.json")).toBeNull();
    expect(await checkpoint.text("config.json")).toContain("llama");
  });

  it("is read in order, in pieces of at most 4 MiB", async () => {
    const values = ramp(3 * 2 ** 20 + 5, 0.5); // 12 MiB and a little
    const source = counting(
      memorySource(
        "big",
        files([{ name: "w", dtype: "F32", shape: [values.length], bytes: fromFloat32(values, "F32") }]),
      ),
    );
    const checkpoint = await openCheckpoint(source);
    const sizes: number[] = [];
    for await (const chunk of checkpoint.read("w")) sizes.push(chunk.byteLength);
    expect(sizes).toEqual([MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, 20]);
    expect(source.largest()).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
    // toEqual walks element by element: seconds for millions.
    expect(
      Buffer.compare(new Uint8Array((await readTensorF32(checkpoint, "w")).buffer), new Uint8Array(values.buffer)),
    ).toBe(0);
  });

  it("stops when its signal aborts", async () => {
    const values = ramp(3 * 2 ** 20, 1);
    const checkpoint = await openCheckpoint(
      memorySource(
        "big",
        files([{ name: "w", dtype: "F32", shape: [values.length], bytes: fromFloat32(values, "F32") }]),
      ),
    );
    const abort = new AbortController();
    const read = async (): Promise<number> => {
      let count = 0;
      for await (const chunk of checkpoint.read("w", abort.signal)) {
        count += chunk.byteLength;
        abort.abort();
      }
      return count;
    };
    await expect(read()).rejects.toMatchObject({ name: "AbortError" });
  });

  it("names the tensor and the element that is NaN or infinite, in a later piece too", async () => {
    const values = ramp(2 ** 20 + 10, 1);
    values[2 ** 20 + 3] = NaN;
    const checkpoint = await openCheckpoint(
      memorySource(
        "broken",
        files([{ name: "model.w", dtype: "F32", shape: [2, 2 ** 19 + 5], bytes: fromFloat32(values, "F32") }]),
      ),
    );
    const error = await rejection(collect(checkpoint.read("model.w")));
    expect(error.what).toBe("The weight model.w[1, 524286] is NaN or infinite");
    expect(error.where).toContain("element 1048579");
    const half = await openCheckpoint(
      memorySource(
        "broken",
        files([{ name: "h", dtype: "F16", shape: [3], bytes: fromFloat32(new Float32Array([1, 2, Infinity]), "F16") }]),
      ),
    );
    expect((await rejection(collect(half.read("h")))).what).toContain("h[2]");
  });

  it("lists tensors of unknown formats apart and refuses to read them", async () => {
    const header = JSON.stringify({ mask: { dtype: "BOOL", shape: [4], data_offsets: [0, 4] } });
    const bytes = new Uint8Array(8 + header.length + 4);
    bytes[0] = header.length;
    bytes.set(new TextEncoder().encode(header), 8);
    const checkpoint = await openCheckpoint(memorySource("m", { "config.json": json({}), "model.safetensors": bytes }));
    expect([...checkpoint.unreadable]).toEqual([["mask", { kind: "dtype", dtype: "BOOL" }]]);
    expect((await rejection((async () => collect(checkpoint.read("mask")))())).what).toContain("stored as BOOL");
    expect((await rejection((async () => collect(checkpoint.read("lm_head")))())).what).toContain("no tensor lm_head");
  });

  it("cannot be opened when a part is missing", async () => {
    const open = (parts: Record<string, Uint8Array>): Promise<BasinError> =>
      rejection(openCheckpoint(memorySource("m", parts)));
    expect((await open({})).what).toContain("config.json");
    expect((await open({ "config.json": json({}) })).what).toContain("neither model.safetensors");
    expect((await open({ "config.json": json({}), "pytorch_model.bin": new Uint8Array(1) })).fix).toContain(
      "safe_serialization",
    );
    expect((await open({ ...files(), "config.json": new TextEncoder().encode("{") })).what).toContain("not valid JSON");
    expect((await open({ ...files(), "config.json": new Uint8Array([0xff, 0xfe]) })).what).toContain("not UTF-8");
    const cut = files()["model.safetensors"]?.slice(0, -3) ?? new Uint8Array();
    expect((await open({ ...files(), "model.safetensors": cut })).where).toContain("model.safetensors, tensor");
    expect(
      (
        await open({
          ...files(),
          "model.safetensors": new TextEncoder().encode("version https://git-lfs.github.com/spec/v1"),
        })
      ).what,
    ).toContain("Git LFS");
  });
});

describe("shards", () => {
  const one = (name: string, values: number[]): Uint8Array =>
    encodeSafetensors([
      { name, dtype: "F32", shape: [values.length], bytes: fromFloat32(new Float32Array(values), "F32") },
    ]);
  const parts = {
    "config.json": json({ model_type: "llama" }),
    "model.safetensors.index.json": json({
      metadata: { total_size: 12 },
      weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" },
    }),
    "model-1.safetensors": one("a", [1]),
    "model-2.safetensors": one("b", [2, 3]),
  };
  const open = (changes: Record<string, Uint8Array | null>): Promise<Checkpoint> =>
    openCheckpoint(
      memorySource(
        "m",
        Object.fromEntries(
          Object.entries({ ...parts, ...changes }).filter((entry): entry is [string, Uint8Array] => entry[1] !== null),
        ),
      ),
    );

  it("read as one checkpoint", async () => {
    const checkpoint = await open({});
    expect(await readTensorF32(checkpoint, "a")).toEqual(new Float32Array([1]));
    expect(await readTensorF32(checkpoint, "b")).toEqual(new Float32Array([2, 3]));
  });

  it("are not read where model.safetensors stands beside them, as transformers does", async () => {
    const checkpoint = await open({ "model.safetensors": one("a", [7]) });
    expect(await readTensorF32(checkpoint, "a")).toEqual(new Float32Array([7]));
    expect([...checkpoint.tensors.keys()]).toEqual(["a"]);
  });

  it("are reported when missing, incomplete or misplaced", async () => {
    expect((await rejection(open({ "model-2.safetensors": null }))).what).toBe(
      'The shard "model-2.safetensors" is missing; the index expects 1 tensors in it',
    );
    // A tensor that the model does not need, such as a tied head, may be absent.
    const absent = await open({ "model-2.safetensors": one("c", [1]) });
    expect([...absent.tensors.keys()]).toEqual(["a"]);
    expect((await rejection(readTensorF32(absent, "b"))).what).toBe(
      'The tensor "b" is not in "model-2.safetensors", although the index says so',
    );
    expect(
      (await rejection(open({ "model.safetensors.index.json": json({ weight_map: { a: "../secret" } }) }))).what,
    ).toContain('"../secret"');
    expect((await rejection(open({ "model.safetensors.index.json": json({ weights: {} }) }))).what).toContain(
      "weight_map",
    );
    expect((await rejection(open({ "model.safetensors.index.json": new TextEncoder().encode("[") }))).where).toContain(
      "index.json",
    );
  });
});

describe("other number formats", () => {
  const of = (dtype: string, values: ArrayLike<number>, bytes: Uint8Array<ArrayBuffer>): Promise<Checkpoint> =>
    openCheckpoint(memorySource("m", files([{ name: "w", dtype: dtype as "F32", shape: [values.length], bytes }])));

  it("F64 is rounded to F32, across pieces", async () => {
    const values = Float64Array.from({ length: MAX_CHUNK_BYTES / 8 + 3 }, (_, i) => Math.sin(i) * 1e-3);
    const checkpoint = await of("F64", values, new Uint8Array(values.buffer));
    expect(checkpoint.tensors.get("w")).toMatchObject({ dtype: "F32", byteLength: 4 * values.length });
    const sizes: number[] = [];
    for await (const chunk of checkpoint.read("w")) sizes.push(chunk.byteLength);
    expect(sizes).toEqual([MAX_CHUNK_BYTES / 2, 12]);
    const read = await readTensorF32(checkpoint, "w");
    expect(Buffer.compare(new Uint8Array(read.buffer), new Uint8Array(Float32Array.from(values).buffer))).toBe(0);
    const large = Float64Array.of(1, 1e300);
    const error = await rejection(readTensorF32(await of("F64", large, new Uint8Array(large.buffer)), "w"));
    expect(error.what).toBe("The weight w[1] is NaN or infinite");
  });

  it("FP8 is named, and where it is needed refused", async () => {
    const checkpoint = await of("F8_E4M3", [0, 0, 0], new Uint8Array(3));
    expect(checkpoint.unreadable.get("w")).toEqual({ kind: "dtype", dtype: "F8_E4M3" });
    expect((await rejection(readTensorF32(checkpoint, "w"))).what).toBe("The tensor w is stored as F8_E4M3");
  });
});

describe("a Git LFS pointer", () => {
  const pointer = new TextEncoder().encode(
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 12345\n",
  );

  it.each(["model.safetensors", "config.json"])("in place of %s is named as such", async (file) => {
    const error = await rejection(openCheckpoint(memorySource("m", { ...files(), [file]: pointer })));
    expect(error.what).toMatch(/Git LFS pointer/);
    expect(error.where).toContain(file);
    expect(error.fix).toContain("git lfs pull");
  });
});

describe("a folder on disk", () => {
  it("is read by ranges, reports missing files, and cannot be escaped", async () => {
    const root = join(folder, "model");
    await mkdir(root);
    for (const [path, bytes] of Object.entries(files())) await writeFile(join(root, path), bytes);
    await writeFile(join(folder, "outside.json"), "{}");
    const source: ByteSource = nodeFolderSource(root);
    expect(await readTensorF32(await openCheckpoint(source), "norm")).toEqual(new Float32Array([1.5, 2.5, -3.5]));
    expect(await source.has("nothing.json")).toBe(false);
    expect(await source.has("config.json/x")).toBe(false);
    expect(await readOptionalText(source, "nothing.json")).toBeNull();
    expect((await rejection(source.size("nothing.json"))).what).toContain("nothing.json");
    expect((await rejection(source.read("nothing.json", 0, 1))).where).toBe(root);
    expect((await rejection(source.read("config.json", 0, 1000))).what).toContain("ended early");
    expect((await rejection(readJson(source, "../outside.json"))).what).toContain("leads out");
  });
});
