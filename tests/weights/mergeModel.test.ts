/** @file Merged models: W + s·B·A rounded once, sharded as transformers does, streamed; and what cannot be merged. */
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/weights/byteSource.ts";
import { adapterScale, decodeAdapter, type Adapter } from "../../src/weights/adapterFile.ts";
import { openCheckpoint, readTensorF32, type Checkpoint } from "../../src/weights/checkpoint.ts";
import { fromFloat32, toFloat32 } from "../../src/weights/dtypes.ts";
import { nodeFolderSink } from "../../src/weights/folderSink.node.ts";
import { mergeModel, type FileSink } from "../../src/weights/mergeModel.ts";
import { nodeFolderSource } from "../../src/weights/nodeFolder.node.ts";
import { encodeSafetensors } from "../../src/weights/safetensors.ts";
import { json, rejection } from "./support.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const imported = (name: string): Adapter => {
  const file = (path: string): Uint8Array => readFileSync(new URL(`adapters/imports/${name}/${path}`, fixtures));
  return decodeAdapter(
    {
      "adapter_config.json": file("adapter_config.json"),
      "adapter_model.safetensors": file("adapter_model.safetensors"),
    },
    name,
  );
};
const base = (): Promise<Checkpoint> =>
  openCheckpoint(nodeFolderSource(new URL("golden/qwen2/aligned", fixtures).pathname));

/** Keeps every file in memory and notes the largest piece. */
function memorySink(): FileSink & {
  readonly files: Record<string, Uint8Array>;
  largest: number;
  readonly aborted: string[];
} {
  const files: Record<string, Uint8Array> = {};
  const aborted: string[] = [];
  const sink = {
    files,
    aborted,
    largest: 0,
    create: async (path: string, bytes: number) => {
      const parts: Uint8Array[] = [];
      return {
        write: async (part: Uint8Array) => {
          sink.largest = Math.max(sink.largest, part.byteLength);
          parts.push(new Uint8Array(part));
        },
        close: async () => {
          const whole = new Uint8Array(Buffer.concat(parts));
          expect(whole.byteLength, path).toBe(bytes);
          files[path] = whole;
        },
        abort: async () => {
          aborted.push(path);
        },
      };
    },
  };
  return sink;
}

/** W + s·B·A in double precision. */
async function exact(checkpoint: Checkpoint, adapter: Adapter, path: string): Promise<Float64Array> {
  const weight = Float64Array.from(await readTensorF32(checkpoint, `${path}.weight`));
  const module = adapter.modules.find((each) => each.path === path);
  if (module === undefined) return weight;
  const scale = adapterScale(adapter.config, path);
  const { r, inFeatures, outFeatures, A, B } = module;
  for (let i = 0; i < outFeatures; i += 1) {
    for (let k = 0; k < r; k += 1) {
      for (let j = 0; j < inFeatures; j += 1)
        weight[i * inFeatures + j] =
          (weight[i * inFeatures + j] ?? 0) + scale * (B[i * r + k] ?? 0) * (A[k * inFeatures + j] ?? 0);
    }
  }
  return weight;
}

describe("a merged model", () => {
  it.each(["ranks", "layers", "state"])(
    "is W + s·B·A in every adapted matrix and the checkpoint elsewhere: %s",
    async (name) => {
      const [checkpoint, adapter, sink] = [await base(), imported(name), memorySink()];
      const report = await mergeModel({ checkpoint, adapter, sink });
      expect(report).toMatchObject({
        files: ["config.json", "generation_config.json", "model.safetensors"].filter((file) => file in sink.files),
        tensors: checkpoint.tensors.size,
        merged: adapter.modules.length,
      });
      const merged = await openCheckpoint(memorySource("merged", sink.files));
      expect(merged.config).toEqual(checkpoint.config);
      expect([...merged.tensors.keys()].sort()).toEqual([...checkpoint.tensors.keys()].sort());
      const changed = new Set(adapter.modules.map(({ path }) => `${path}.weight`));
      for (const tensor of merged.tensors.keys()) {
        const values = await readTensorF32(merged, tensor);
        if (!changed.has(tensor)) expect(values, tensor).toEqual(await readTensorF32(checkpoint, tensor));
        else {
          const want = await exact(checkpoint, adapter, tensor.slice(0, -".weight".length));
          values.forEach((value, i) => expect(Math.abs(value - (want[i] ?? NaN))).toBeLessThan(1e-6));
        }
      }
    },
  );

  it("is rounded once, to the nearest, in the requested type", async () => {
    const [checkpoint, adapter, sink] = [await base(), imported("ranks"), memorySink()];
    await mergeModel({ checkpoint, adapter, sink, dtype: "BF16" });
    const merged = await openCheckpoint(memorySource("merged", sink.files));
    expect(merged.config).toMatchObject({ torch_dtype: "bfloat16" });
    const single = memorySink();
    await mergeModel({ checkpoint, adapter, sink: single });
    const f32 = await openCheckpoint(memorySource("f32", single.files));
    for (const [name, info] of merged.tensors) {
      expect(info.dtype).toBe("BF16");
      const rounded = toFloat32(fromFloat32(await readTensorF32(f32, name), "BF16"), "BF16");
      expect(await readTensorF32(merged, name), name).toEqual(rounded);
    }
  });

  it("copies config.json to the letter: transformers refuses 6 where it wants 6.0", async () => {
    const original = '{\n  "model_type": "llama",\n  "final_logit_softcapping": 6.0,\n  "torch_dtype": "float32"\n}\n';
    const files = {
      "config.json": new TextEncoder().encode(original),
      "model.safetensors": encodeSafetensors([
        { name: "q_proj.weight", dtype: "F32", shape: [1, 1], bytes: fromFloat32(Float32Array.of(1), "F32") },
      ]),
    };
    const config = {
      r: 1,
      lora_alpha: 1,
      lora_dropout: 0,
      target_modules: ["q_proj"],
      use_rslora: false,
      base_model_name_or_path: null,
    };
    const adapter: Adapter = {
      config,
      modules: [{ path: "q_proj", r: 1, inFeatures: 1, outFeatures: 1, A: Float32Array.of(1), B: Float32Array.of(1) }],
    };
    for (const [dtype, expected] of [
      [undefined, original],
      ["BF16", original.replace("float32", "bfloat16")],
    ] as const) {
      const sink = memorySink();
      await mergeModel({
        checkpoint: await openCheckpoint(memorySource("float", files)),
        adapter,
        sink,
        ...(dtype === undefined ? {} : { dtype }),
      });
      expect(new TextDecoder().decode(sink.files["config.json"])).toBe(expected);
    }
  });

  it("is split into the shards and index that transformers would write", async () => {
    const [checkpoint, adapter, sink] = [await base(), imported("layers"), memorySink()];
    const { files, bytes } = await mergeModel({ checkpoint, adapter, sink, maxShardBytes: 30_000 });
    const shards = files.filter((file) => file.endsWith(".safetensors"));
    expect(shards.length).toBeGreaterThan(3);
    expect(shards[0]).toBe(`model-00001-of-${String(shards.length).padStart(5, "0")}.safetensors`);
    const index = JSON.parse(new TextDecoder().decode(sink.files["model.safetensors.index.json"])) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    expect(index.metadata.total_size).toBe(bytes);
    expect(Object.keys(index.weight_map)).toHaveLength(checkpoint.tensors.size);
    const whole = memorySink();
    await mergeModel({ checkpoint, adapter, sink: whole });
    const [a, b] = [
      await openCheckpoint(memorySource("shards", sink.files)),
      await openCheckpoint(memorySource("whole", whole.files)),
    ];
    for (const name of b.tensors.keys())
      expect(await readTensorF32(a, name), name).toEqual(await readTensorF32(b, name));
  });

  it("is streamed in pieces of at most 4 MiB, which may split rows", async () => {
    const [rows, columns] = [3, 900_001]; // a row is 3.4 MiB
    const values = Float32Array.from({ length: rows * columns }, (_, i) => (i % 1000) / 1000);
    const checkpoint = await openCheckpoint(
      memorySource("big", {
        "config.json": json({ model_type: "llama" }),
        "model.safetensors": encodeSafetensors([
          { name: "q_proj.weight", dtype: "F32", shape: [rows, columns], bytes: fromFloat32(values, "F32") },
        ]),
      }),
    );
    const A = Float32Array.from({ length: columns }, (_, j) => j % 7);
    const adapter: Adapter = {
      config: {
        r: 1,
        lora_alpha: 2,
        lora_dropout: 0,
        target_modules: ["q_proj"],
        use_rslora: false,
        base_model_name_or_path: null,
      },
      modules: [{ path: "q_proj", r: 1, inFeatures: columns, outFeatures: rows, A, B: new Float32Array([1, 0, -1]) }],
    };
    const sink = memorySink();
    await mergeModel({ checkpoint, adapter, sink });
    expect(sink.largest).toBeLessThanOrEqual(2 ** 22);
    const merged = await readTensorF32(await openCheckpoint(memorySource("merged", sink.files)), "q_proj.weight");
    for (const i of [0, 899_999, 900_000, 900_001, 1_048_575, 1_048_576, 2_000_000, rows * columns - 1]) {
      expect(merged[i], String(i)).toBe(
        Math.fround((values[i] ?? 0) + 2 * (A[i % columns] ?? 0) * ([1, 0, -1][Math.floor(i / columns)] ?? 0)),
      );
    }
  });

  it("is written to a folder, where a file gets its name only when complete", async () => {
    const folder = await mkdtemp(join(tmpdir(), "basin-merge-"));
    await mergeModel({ checkpoint: await base(), adapter: imported("state"), sink: nodeFolderSink(folder) });
    expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
    const stop = new AbortController();
    const stopped = mergeModel({
      checkpoint: await base(),
      adapter: imported("state"),
      sink: nodeFolderSink(join(folder, "two")),
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(stopped).rejects.toThrow();
    expect(await readdir(join(folder, "two"))).toEqual(["config.json"]);
    await rm(folder, { recursive: true });
  });
});

describe("what cannot be merged is named", () => {
  it("an adapter of another model, a foreign type, values beyond float16", async () => {
    const adapter = imported("state");
    const [module] = adapter.modules;
    if (module === undefined) throw new Error("fixture");
    const merge = async (changes: Partial<Adapter["modules"][number]>, sink = memorySink()): Promise<Error> =>
      rejection(
        mergeModel({
          checkpoint: await base(),
          adapter: { ...adapter, modules: [{ ...module, ...changes }] },
          sink,
          dtype: "F16",
        }),
      );
    expect((await merge({ path: "model.layers.9.mlp.up_proj" })).message).toContain("model.layers.9.mlp.up_proj");
    expect((await merge({ inFeatures: 7 })).message).toContain("× 7");
    const sink = memorySink();
    expect((await merge({ B: module.B.map(() => 1e6) }, sink)).message).toContain("leaves the range of F16");
    expect(sink.aborted).toEqual(["model.safetensors"]);
    const checkpoint = {
      ...(await base()),
      unreadable: new Map([["model.x.qweight", { kind: "dtype", dtype: "I8" } as const]]),
    };
    expect((await rejection(mergeModel({ checkpoint, adapter, sink: memorySink() }))).message).toContain("I8");
  });
});
