/**
 * @file The golden fixtures (python/fixtures/golden.py): tiny checkpoints and what transformers and PEFT compute with
 * them.
 *
 *     <model>/aligned/ unaligned/ adapters/<targets>-<start>/ rows.jsonl golden.json golden.safetensors
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import type { TokenizedExample } from "../../src/text/example.ts";
import { type Adapter, decodeAdapter } from "../../src/weights/adapterFile.ts";
import { type Checkpoint, openCheckpoint } from "../../src/weights/checkpoint.ts";
import { toFloat32 } from "../../src/weights/dtypes.ts";
import { nodeFolderSource } from "../../src/weights/nodeFolder.node.ts";
import { headerLength, parseHeader } from "../../src/weights/safetensors.ts";

export const MODELS = [
  "llama-tied",
  "llama-odd",
  "qwen2",
  "llama3-rope",
  "qwen3",
  "gemma2",
  "gemma3",
  "mistral",
  "phi3",
  "smollm3",
] as const;
/** The pair of python/fixtures/quantised.py, whose golden numbers quantised.gpu.test.ts reads. */
export const QUANTISED = "../quantised/model";
export type GoldenModel = (typeof MODELS)[number] | typeof QUANTISED;

const ids = z.array(z.int());
const scores = z.object({
  sequences: z.array(z.object({ tokens: ids, token_logprobs: z.array(z.number()) })),
  greedy: z.array(z.object({ prompt: ids, tokens: ids, margin: z.number() })),
});
const step = z.object({
  ce: z.number(),
  penalty: z.number(),
  loss: z.number(),
  learning_rate: z.number(),
  grad_norm: z.number(),
});
const goldenSchema = z.object({
  versions: z.record(z.string(), z.string()),
  dtype: z.literal("float32"),
  gradient_steps: ids,
  scores: z.object({ plain: scores, adapted: scores.extend({ adapter: z.string() }) }),
  runs: z.array(
    z.object({
      name: z.string(),
      spec: z.unknown().transform((spec) => resolveSpec(spec)),
      steps: z.array(step),
      modules: z.array(z.string()),
      update_norms: z.record(z.string(), z.number()),
    }),
  ),
});

export type GoldenStep = z.output<typeof step>;
export type GoldenRun = z.output<typeof goldenSchema>["runs"][number];
export type Golden = z.output<typeof goldenSchema> & {
  readonly rows: readonly TokenizedExample[];
  /** By "<run>/gradient <step>/<module>.lora_A" or "<run>/final/<module>.lora_B". */
  readonly arrays: ReadonlyMap<string, Float32Array>;
};

export function goldenFolder(model: GoldenModel): string {
  return fileURLToPath(new URL(`../fixtures/golden/${model}`, import.meta.url));
}

export async function readGolden(model: GoldenModel): Promise<Golden> {
  const folder = goldenFolder(model);
  const golden = goldenSchema.parse(JSON.parse(await readFile(`${folder}/golden.json`, "utf8")));
  const lines = (await readFile(`${folder}/rows.jsonl`, "utf8")).split("\n").filter((line) => line !== "");
  const rows = lines.map((line) => z.object({ input_ids: ids, labels: ids }).parse(JSON.parse(line)));
  return { ...golden, rows, arrays: await readArrays(`${folder}/golden.safetensors`) };
}

export function openGolden(model: GoldenModel, which: "aligned" | "unaligned"): Promise<Checkpoint> {
  return openCheckpoint(nodeFolderSource(`${goldenFolder(model)}/${which}`));
}

/** @param path as in a spec's `init_adapter`, relative to the model's fixture folder */
export async function readAdapter(model: GoldenModel, path: string): Promise<Adapter> {
  const folder = `${goldenFolder(model)}/${path}`;
  return decodeAdapter(
    {
      "adapter_config.json": new Uint8Array(await readFile(`${folder}/adapter_config.json`)),
      "adapter_model.safetensors": new Uint8Array(await readFile(`${folder}/adapter_model.safetensors`)),
    },
    path,
  );
}

/** Tensors of a safetensors file of f32. */
export async function readArrays(path: string): Promise<Map<string, Float32Array>> {
  const file = new Uint8Array(await readFile(path));
  const length = headerLength(file.subarray(0, 8), file.byteLength, path);
  const { entries } = parseHeader(file.subarray(8, 8 + length), file.byteLength, path);
  return new Map(entries.map(({ name, start, end }) => [name, toFloat32(file.slice(start, end), "F32")]));
}

/** The array of this name. @throws when the fixture has none */
export function arrayOf(golden: Golden, name: string): Float32Array {
  const array = golden.arrays.get(name);
  if (!array) throw new Error(`the fixture has no array ${name}`);
  return array;
}
