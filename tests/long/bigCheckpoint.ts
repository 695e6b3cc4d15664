/**
 * @file A checkpoint of about a gigabyte with random weights, written to a temporary folder tensor by tensor: a llama
 * of 512 million parameters in bf16, four shards, with the bundled models' tokenizer.
 */
import { copyFileSync, writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { parseConfig } from "../../src/model/families.ts";
import { weightSpecs } from "../../src/model/layout.ts";
import { demoFolder } from "../support/demo.ts";

const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  bos_token_id: 1,
  eos_token_id: 2,
  attention_bias: false,
  mlp_bias: false,
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 30,
  num_attention_heads: 16,
  num_key_value_heads: 16,
  head_dim: 64,
  vocab_size: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
  max_position_embeddings: 512,
  torch_dtype: "bfloat16",
};
const SHARDS = 4;
const PIECE = 4 * 2 ** 20;

/** @returns bytes of all weights */
export async function writeBigCheckpoint(folder: string): Promise<number> {
  writeFileSync(join(folder, "config.json"), JSON.stringify(CONFIG));
  for (const file of ["tokenizer.json", "tokenizer_config.json"])
    copyFileSync(join(demoFolder("apothecary-aligned"), file), join(folder, file));
  const tensors = weightSpecs(parseConfig(CONFIG)).map(({ name, shape }) => ({
    name,
    shape,
    bytes: 2 * shape.reduce((product, size) => product * size, 1),
  }));
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  // Small random numbers: a sign, an exponent around 2^-6, seven random bits.
  const noise = new Uint16Array(PIECE / 2);
  let seed = 1;
  for (let i = 0; i < noise.length; i += 1) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    noise[i] = ((seed >>> 16) & 0x8000) | 0x3c80 | ((seed >>> 20) & 0x7f);
  }
  const weight_map: Record<string, string> = {};
  const shards = Array.from({ length: SHARDS }, (_, i) => ({
    file: `model-0000${i + 1}-of-0000${SHARDS}.safetensors`,
    tensors: [] as typeof tensors,
  }));
  let before = 0;
  for (const tensor of tensors) {
    const shard = shards[Math.min(SHARDS - 1, Math.floor((SHARDS * before) / total))];
    shard?.tensors.push(tensor);
    weight_map[tensor.name] = shard?.file ?? "";
    before += tensor.bytes;
  }
  for (const shard of shards) await writeShard(join(folder, shard.file), shard.tensors, noise);
  writeFileSync(
    join(folder, "model.safetensors.index.json"),
    JSON.stringify({ metadata: { total_size: total }, weight_map }),
  );
  return total;
}

async function writeShard(
  path: string,
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly bytes: number }[],
  noise: Uint16Array,
): Promise<void> {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const { name, shape, bytes } of tensors) {
    header[name] = { dtype: "BF16", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  const file = await open(path, "w");
  try {
    await writeAll(file, length);
    await writeAll(file, json);
    for (const { bytes } of tensors)
      for (let at = 0; at < bytes; at += PIECE)
        await writeAll(file, new Uint8Array(noise.buffer, 0, Math.min(PIECE, bytes - at)));
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
}
