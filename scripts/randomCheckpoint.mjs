/**
 * @file A checkpoint with random weights in the exact shape of a published model, for long tests and for trying sizes
 * out without a download. Seeded, written tensor by tensor, one safetensors file as on the hub; nothing of it is ever
 * committed.
 *
 *     node scripts/randomCheckpoint.mjs FOLDER [--model smollm2-135m] [--seed 1] [--like SEED]
 *
 * Matrices are uniform with the standard deviation that training starts from, norms are ones. With `--like SEED` the
 * weights are those of that seed plus a little of this one's, so that the pair differs as an aligned model and its base
 * do.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** config.json as published. */
export const CONFIGS = {
  "smollm2-135m": {
    architectures: ["LlamaForCausalLM"],
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 0,
    eos_token_id: 0,
    hidden_act: "silu",
    hidden_size: 576,
    initializer_range: 0.041666666666666664,
    intermediate_size: 1536,
    max_position_embeddings: 8192,
    model_type: "llama",
    num_attention_heads: 9,
    num_hidden_layers: 30,
    num_key_value_heads: 3,
    pretraining_tp: 1,
    rms_norm_eps: 1e-5,
    rope_scaling: null,
    rope_theta: 100000,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    use_cache: true,
    vocab_size: 49152,
  },
};

/** Share of the other seed's matrices in a twin. */
const DIFFERENCE = 0.05;
/** Values written at a time. */
const PIECE = 2 ** 20;

/**
 * @param {string} folder created where missing
 * @param {{ model?: keyof typeof CONFIGS, seed?: number, like?: number }} [options] `like`: seed of the model that this
 * one is a twin of
 * @returns {{ bytes: number, tensors: number }}
 */
export function writeRandomCheckpoint(folder, { model = "smollm2-135m", seed = 1, like } = {}) {
  const config = CONFIGS[model];
  if (config === undefined) throw new Error(`no configuration ${model}; there are ${Object.keys(CONFIGS).join(", ")}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  const tensors = shapes(config);
  const header = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const size = 2 * shape.reduce((product, n) => product * n, 1);
    header[name] = { dtype: "BF16", shape, data_offsets: [offset, offset + size] };
    offset += size;
  }
  const text = JSON.stringify(header);
  const head = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  const file = openSync(join(folder, "model.safetensors"), "w");
  try {
    writeSync(file, length);
    writeSync(file, head);
    // Uniform on [-a, a] has the standard deviation a / sqrt 3.
    const amplitude = config.initializer_range * Math.sqrt(3);
    for (const [index, { shape }] of tensors.entries())
      writeTensor(file, shape, amplitude, [seed, ...(like === undefined ? [] : [like])], index);
  } finally {
    closeSync(file);
  }
  return { bytes: offset, tensors: tensors.length };
}

/** Tensors of a llama with tied embeddings, in the order of the hub's file. */
function shapes({
  hidden_size: d,
  intermediate_size: ff,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  num_hidden_layers: layers,
  vocab_size,
}) {
  const kv = (d / heads) * kvHeads;
  const list = [{ name: "model.embed_tokens.weight", shape: [vocab_size, d] }];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name, ...shape) => list.push({ name: `model.layers.${layer}.${name}.weight`, shape });
    add("input_layernorm", d);
    add("mlp.down_proj", d, ff);
    add("mlp.gate_proj", ff, d);
    add("mlp.up_proj", ff, d);
    add("post_attention_layernorm", d);
    add("self_attn.k_proj", kv, d);
    add("self_attn.o_proj", d, d);
    add("self_attn.q_proj", d, d);
    add("self_attn.v_proj", kv, d);
  }
  list.push({ name: "model.norm.weight", shape: [d] });
  return list;
}

/** The first seed's values; a twin's are the second's with a share of the first's. */
function writeTensor(file, shape, amplitude, [seed, like], index) {
  const count = shape.reduce((product, n) => product * n, 1);
  const isMatrix = shape.length === 2;
  const own = uniform(seed, index);
  const other = like === undefined ? null : uniform(like, index);
  const floats = new Float32Array(Math.min(PIECE, count));
  const words = new Uint32Array(floats.buffer);
  const halves = new Uint16Array(floats.length);
  for (let at = 0; at < count; at += floats.length) {
    const n = Math.min(floats.length, count - at);
    for (let i = 0; i < n; i++)
      floats[i] = isMatrix ? amplitude * (other === null ? own() : other() + DIFFERENCE * own()) : 1;
    // bf16: the upper half of a float32, rounded to nearest.
    for (let i = 0; i < n; i++) halves[i] = (words[i] + 0x8000) >>> 16;
    writeSync(file, new Uint8Array(halves.buffer, 0, 2 * n));
  }
}

/** mulberry32 on [-1, 1), one stream per seed and tensor. */
function uniform(seed, stream) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...rest] = process.argv.slice(2);
  const option = (name) => (rest.includes(`--${name}`) ? rest[rest.indexOf(`--${name}`) + 1] : undefined);
  if (folder === undefined) {
    process.stderr.write(
      "usage: node scripts/randomCheckpoint.mjs FOLDER [--model smollm2-135m] [--seed 1] [--like SEED]\n",
    );
    process.exit(2);
  }
  const began = performance.now();
  const { bytes, tensors } = writeRandomCheckpoint(folder, {
    ...(option("model") === undefined ? {} : { model: option("model") }),
    ...(option("seed") === undefined ? {} : { seed: Number(option("seed")) }),
    ...(option("like") === undefined ? {} : { like: Number(option("like")) }),
  });
  process.stderr.write(
    `${tensors} tensors, ${(bytes / 1e6).toFixed(0)} MB in ${((performance.now() - began) / 1000).toFixed(1)} s\n`,
  );
}
