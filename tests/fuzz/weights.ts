/**
 * @file Fuzzed files of models and adapters: safetensors headers and indices, config.json, adapter_config.json,
 * snapshots.
 */
import { readFileSync } from "node:fs";
import type { Rng } from "../../src/base/rng.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/experiment/snapshot/runSnapshot.ts";
import { LOG_START } from "../../src/experiment/snapshot/snapshotLog.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { parseConfig } from "../../src/model/families.ts";
import { parseAdapterConfig } from "../../src/weights/adapterConfig.ts";
import { decodeAdapter } from "../../src/weights/adapterFile.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { headerLength, parseHeader } from "../../src/weights/safetensors.ts";
import type { FuzzFormat } from "./harness.ts";
import { mutatedBytes, mutatedJson, mutatedText } from "./mutate.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, FIXTURES)));
const jsonOf = (path: string): unknown => JSON.parse(readFileSync(new URL(path, FIXTURES), "utf8"));
const encode = (text: string) => new TextEncoder().encode(text);

const WIDTH: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
};

/** The rules of the format: every tensor inside the file, as long as its shape says, no two over one another. */
function checkTensors(file: Uint8Array): void {
  const length = headerLength(file.subarray(0, 8), file.byteLength, "fuzz");
  const { entries } = parseHeader(file.subarray(8, 8 + length), file.byteLength, "fuzz");
  const spans = entries.map(({ start, end }) => [start, end] as const).sort(([a], [b]) => a - b);
  for (const { name, dtype, shape, start, end } of entries) {
    const bytes = shape.reduce((product, size) => product * size, WIDTH[dtype] ?? Number.NaN);
    if (Number.isFinite(bytes) && bytes !== end - start) throw new Error(`${name}: ${end - start} bytes for ${bytes}`);
    if (start < 8 + length || end > file.byteLength) throw new Error(`${name} lies outside of the file`);
  }
  spans.forEach(([start], i) => {
    if (start < (spans[i - 1]?.[1] ?? 0)) throw new Error("two tensors share bytes");
  });
}

/** A file whose header is mutated as JSON, its length told rightly; or any bytes of a whole file. */
function safetensorsInput(rng: Rng, file: Uint8Array): Uint8Array {
  if (rng.below(3) === 0) return mutatedBytes(rng, file.subarray(0, 6000));
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(file.subarray(8, 8 + length));
  const header = encode(
    rng.below(3) === 0 ? mutatedText(rng, text) : JSON.stringify(mutatedJson(rng, JSON.parse(text) as unknown)),
  );
  const body = file.subarray(8 + length);
  const result = new Uint8Array(8 + header.length + body.length);
  new DataView(result.buffer).setBigUint64(0, BigInt(header.length), true);
  result.set(header, 8);
  result.set(body, 8 + header.length);
  return result;
}

const ADAPTER = bytesOf("adapters/patterns/adapter_model.safetensors");

const safetensors: FuzzFormat = {
  name: "safetensors",
  kinds: 12,
  input: (rng) => safetensorsInput(rng, ADAPTER),
  read: (file: Uint8Array) => checkTensors(file),
};

const CONFIGS = ["llama-tied", "qwen2", "gemma2", "gemma3", "phi3", "smollm3", "mistral"].map((name) =>
  jsonOf(`golden/${name}/aligned/config.json`),
);

/** What the engine rests on: positive whole sizes, and heads that divide. */
function checkConfig(config: ReturnType<typeof parseConfig>): void {
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${name} is ${value}`);
  }
  for (const name of ["hiddenSize", "layers", "vocabSize", "headDim", "heads", "kvHeads"] as const) {
    const value: unknown = Reflect.get(config, name);
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) > 0))
      throw new Error(`${name} is ${String(value)}`);
  }
}

const config: FuzzFormat = {
  name: "config.json",
  kinds: 20,
  input: (rng) => mutatedJson(rng, rng.pick(CONFIGS)),
  read: (value: unknown) => checkConfig(parseConfig(value)),
};

const ADAPTER_CONFIGS = ["patterns", "plain", "imports/ranks", "imports/layers"].map((name) =>
  jsonOf(`adapters/${name}/adapter_config.json`),
);

const adapterConfig: FuzzFormat = {
  name: "adapter_config.json",
  kinds: 12,
  input: (rng) => mutatedJson(rng, rng.pick(ADAPTER_CONFIGS)),
  read: (value: unknown) => {
    const { r, lora_alpha } = parseAdapterConfig(value, "fuzz");
    if (!(Number.isSafeInteger(r) && r > 0) || !Number.isFinite(lora_alpha))
      throw new Error(`r ${r}, alpha ${lora_alpha}`);
  },
};

const adapter: FuzzFormat = {
  name: "adapter",
  kinds: 12,
  input: (rng) => ({
    "adapter_config.json": encode(JSON.stringify(mutatedJson(rng, ADAPTER_CONFIGS[0], rng.below(2)))),
    "adapter_model.safetensors": safetensorsInput(rng, ADAPTER),
  }),
  read: (files: Parameters<typeof decodeAdapter>[0]) => {
    for (const { path, r, A, B, inFeatures, outFeatures } of decodeAdapter(files).modules) {
      if (A.length !== r * inFeatures || B.length !== r * outFeatures) throw new Error(`${path} has other sizes`);
    }
  },
};

/** A model in two files with an index. */
const SHARDS = { "a.safetensors": shard(["x", "y"]), "b.safetensors": shard(["z"]) };
const INDEX = {
  metadata: { total_size: 48 },
  weight_map: { x: "a.safetensors", y: "a.safetensors", z: "b.safetensors" },
};

function shard(names: readonly string[]): Uint8Array {
  const header = encode(
    JSON.stringify(
      Object.fromEntries(
        names.map((name, i) => [name, { dtype: "F32", shape: [2, 2], data_offsets: [16 * i, 16 * (i + 1)] }]),
      ),
    ),
  );
  const file = new Uint8Array(8 + header.length + 16 * names.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

const index: FuzzFormat = {
  name: "model.safetensors.index.json",
  kinds: 6,
  input: (rng) => ({
    ...SHARDS,
    "config.json": encode(JSON.stringify(CONFIGS[0])),
    "model.safetensors.index.json": encode(
      rng.below(3) === 0 ? mutatedText(rng, JSON.stringify(INDEX)) : JSON.stringify(mutatedJson(rng, INDEX)),
    ),
  }),
  read: async (files: Readonly<Record<string, Uint8Array>>) => {
    const { tensors } = await openCheckpoint(memorySource("fuzz", files));
    for (const [name, { byteLength }] of tensors)
      if (byteLength !== 16) throw new Error(`${name} has ${byteLength} bytes`);
  },
};

const values = new Map([["0", Float32Array.from({ length: 12 }, (_, i) => i / 7)]]);
const SNAPSHOT = await encodeSnapshot({
  spec: resolveSpec({}),
  origin: { model: "m", rows: "r", device: "d", basin: "0" },
  stage: { kind: "training", step: 5, safe: null },
  kernels: {},
  record: { log: LOG_START, beforeReused: false, elapsedMs: 1, resumedAt: [] },
  training: { values, moment1: values, moment2: values },
  method: null,
});

const snapshot: FuzzFormat = {
  name: "run snapshot",
  kinds: 5,
  input: (rng) => (rng.below(2) === 0 ? mutatedBytes(rng, SNAPSHOT) : Uint8Array.from(safetensorsInput(rng, SNAPSHOT))),
  read: async (file: Uint8Array<ArrayBuffer>) => {
    const found = await decodeSnapshot(file, "fuzz");
    if (typeof found.spec !== "object" || !Number.isSafeInteger(found.stage.step))
      throw new Error("a snapshot without a spec or a step");
  },
};

export const WEIGHT_FORMATS: readonly FuzzFormat[] = [safetensors, config, adapterConfig, adapter, index, snapshot];
