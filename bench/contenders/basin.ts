/**
 * @file Basin's own contender: the product's graph, operators and kernels, nothing made for the benchmark.
 *
 * "basin bf16" keeps frozen weights as the product does with a bf16 checkpoint; "basin f32" keeps them in 32 bits as
 * the other libraries must. The numbers are the same, because bf16 holds all of them exactly.
 */

import { type Gpu, createBuffer, openGpu } from "../../src/engine/device.ts";
import { Encoder } from "../../src/engine/encoder.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { encodeLoraProduct } from "../../src/engine/operators/loraProduct.ts";
import { encodeMatmul } from "../../src/engine/operators/matmul.ts";
import {
  OPTIMISER_SCALARS,
  encodeOptimiserScalars,
  optimiserDispatches,
  partialSumBytes,
} from "../../src/engine/optimiser.ts";
import { ParameterStore } from "../../src/engine/parameters.ts";
import { Program, SlotPool } from "../../src/engine/program.ts";
import { type Storage, allocate, destroyStorage, readStorage, writeStorage } from "../../src/engine/storage.ts";
import { type Tensor, rowBytes } from "../../src/engine/tensor.ts";
import { routeRows } from "../../src/experiment/measure/routeRows.ts";
import type { DecoderConfig } from "../../src/model/config.ts";
import { decoder } from "../../src/model/decoder.ts";
import { parseConfig } from "../../src/model/families.ts";
import { InputBlock } from "../../src/batch/inputBlock.ts";
import { tokenArrays, tokenSections, tokenTensors } from "../../src/batch/tokenInputs.ts";
import { EMBEDDING, FINAL_NORM, linearModules } from "../../src/model/layout.ts";
import { adaptedModule, adapterLayout } from "../../src/model/lora.ts";
import { RotaryTables } from "../../src/model/rotaryTables.ts";
import { packBatch } from "../../src/batch/packBatch.ts";
import { writeAdapter } from "../../src/train/initAdapter.ts";
import { statsLength } from "../../src/train/trainingGraph.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import {
  ADAM,
  type Adapter,
  type BlockWeights,
  type Matrix,
  NORM_EPS,
  ROPE_THETA,
  type StepShape,
  type StepWork,
} from "../workload/loraStep.ts";
import { type Operands, type Product, operandShapes } from "../workload/products.ts";
import { type Contender, type OpenContender, type ProductRunnable, type StepRunnable, inBatches } from "./contender.ts";
import { openTuned } from "./tuned.ts";

export type StoredType = "f32" | "bf16";

export const openBasin =
  (stored: StoredType, version: string): OpenContender =>
  async (api) => {
    const gpu = await openGpu(api);
    return basinOn(gpu, stored, version, true);
  };

/** On a device that is open already; `owned`: it goes with the contender. */
export function basinOn(gpu: Gpu, stored: StoredType, version: string, owned = false): Contender {
  return {
    name: `basin ${stored}`,
    version,
    product: (product, operands) => openTuned(gpu, () => openProduct(gpu, stored, product, operands)),
    step: (work) => openTuned(gpu, () => openStep(gpu, stored, work)),
    kernels: () => routeRows(gpu.router.table),
    destroy: () => {
      if (owned) gpu.destroy();
    },
  };
}

/** Puts host arrays where a program binds them. */
class Uploads {
  readonly #gpu: Gpu;
  readonly #storage = new Map<Tensor, Storage>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  async put(tensor: Tensor, values: Float32Array<ArrayBuffer> | undefined): Promise<void> {
    const storage = await allocate(this.#gpu, tensor);
    this.#storage.set(tensor, storage);
    if (values)
      writeStorage(
        this.#gpu,
        storage,
        rowBytes(tensor),
        0,
        tensor.dtype === "bf16" ? fromFloat32(values, "BF16") : new Uint8Array(values.buffer),
      );
  }

  find(tensor: Tensor): Storage | undefined {
    return this.#storage.get(tensor);
  }

  get(tensor: Tensor): Storage {
    const storage = this.#storage.get(tensor);
    if (!storage) throw new Error(`${tensor.name} was not uploaded`);
    return storage;
  }

  destroy(): void {
    for (const storage of this.#storage.values()) destroyStorage(storage);
  }
}

/** The kernel that does a product in a training step, on operands of its own. */
async function openProduct(
  gpu: Gpu,
  stored: StoredType,
  product: Product,
  operands: Operands,
): Promise<ProductRunnable> {
  const { role, form, m, n, k } = product;
  const graph = new Graph();
  const shapes = operandShapes(product);
  const dense = role === "output" || role === "input gradient";
  const a = graph.input("a", shapes.a);
  const b = graph.weight("b", shapes.b, dense ? stored : "f32");
  const y = graph.input("y", [m, n]);
  const uploads = new Uploads(gpu);
  await uploads.put(a, operands.a);
  await uploads.put(b, operands.b);
  await uploads.put(y, undefined);
  const encoder = new Encoder({ storageOf: (tensor) => uploads.get(tensor), device: gpu });
  if (dense) {
    encodeMatmul(encoder, {
      form: form === "nt" ? "nt" : "nn",
      size: { m, n, k },
      x: { view: encoder.whole(a), ld: k },
      w: { view: encoder.whole(b), dtype: stored },
      y: { view: encoder.whole(y), ld: n },
    });
  } else if (role === "A gradient") {
    encodeLoraProduct(encoder, { form: "gradientA", z: b, s: a, y, scale: 1 });
  } else {
    const form = role === "down" ? "down" : role === "hidden gradient" ? "hidden" : "gradientB";
    encodeLoraProduct(encoder, { form, z: a, s: b, y, scale: 1 });
  }
  const program = await Program.fromDispatches(gpu, encoder.dispatches);
  const submit = (runs: number): void => {
    const commands = gpu.device.createCommandEncoder();
    const pass = commands.beginComputePass();
    for (let run = 0; run < runs; run += 1) program.record(pass);
    pass.end();
    gpu.device.queue.submit([commands.finish()]);
  };
  return {
    run: () => submit(1),
    runMany: inBatches(submit),
    settle: () => gpu.device.queue.onSubmittedWorkDone(),
    result: async () => {
      // A factor's gradient is added to what is there.
      const { buffer } = encoder.whole(y);
      gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(m * n));
      submit(1);
      const bytes = await readStorage(gpu, uploads.get(y));
      gpu.check();
      return new Float32Array(bytes).slice(0, m * n);
    },
    destroy: () => {
      program.destroy();
      uploads.destroy();
    },
  };
}

function configOf({ hidden, layers, heads, kvHeads, intermediate, tokens }: StepShape): DecoderConfig {
  return parseConfig(
    {
      model_type: "llama",
      hidden_size: hidden,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      intermediate_size: intermediate,
      // The embedding table is x itself: token t is row t.
      vocab_size: tokens,
      max_position_embeddings: tokens,
      rms_norm_eps: NORM_EPS,
      rope_theta: ROPE_THETA,
      hidden_act: "silu",
      tie_word_embeddings: true,
      attention_bias: false,
      mlp_bias: false,
    },
    "the step's blocks",
  );
}

/** A weight of the model by its checkpoint name. */
function weightValues({ x, finalNorm, blocks }: StepWork, name: string): Matrix {
  if (name === EMBEDDING) return x;
  if (name === FINAL_NORM) return finalNorm;
  const [, layer, part] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  const names: Readonly<Record<string, keyof BlockWeights>> = {
    input_layernorm: "attentionNorm",
    post_attention_layernorm: "unitNorm",
    "self_attn.q_proj": "q",
    "self_attn.k_proj": "k",
    "self_attn.v_proj": "v",
    "self_attn.o_proj": "o",
    "mlp.gate_proj": "gate",
    "mlp.up_proj": "up",
    "mlp.down_proj": "down",
  };
  const key = names[part ?? ""];
  const values = key && blocks[Number(layer)]?.[key];
  if (!values) throw new Error(`the step has no weight ${name}`);
  return values;
}

async function openStep(gpu: Gpu, stored: StoredType, work: StepWork): Promise<StepRunnable> {
  const { shape } = work;
  const { tokens, hidden, rank, alpha } = shape;
  const config = configOf(shape);
  const modules = linearModules(config)
    .filter(({ path }) => path.endsWith("q_proj") || path.endsWith("v_proj"))
    .map((module) => adaptedModule(module, { r: rank, lora_alpha: alpha, use_rslora: false }));
  const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
  writeAdapter(parameters, modules, ({ path }) => adapterOf(work, path));

  const block = new InputBlock(tokenSections(config, tokens));
  const graph = new Graph();
  const model = decoder(graph, config, {
    ...tokenTensors(graph, config, block.tensors(graph), tokens),
    dtype: () => stored,
    lora: { modules },
  });
  // ½ Σ (h − target)² has the gradient h − target.
  const away = graph.input("−target", [tokens, hidden]);
  const difference = graph.retain(add(graph, model.hidden, away));
  backward(graph, { seeds: new Map([[model.hidden, difference]]), wrt: new Set(model.parameters), add });

  const uploads = new Uploads(gpu);
  for (const tensor of graph.tensors)
    if (tensor.kind === "weight") await uploads.put(tensor, weightValues(work, tensor.name));
  await uploads.put(
    away,
    work.target.map((value) => -value),
  );
  const inputs = await createBuffer(gpu, block.bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST, "batch");
  const rows = Array.from({ length: tokens }, (_, t) => t);
  const batch = packBatch([{ input_ids: rows, labels: rows }], { packing: true });
  gpu.device.queue.writeBuffer(inputs, 0, block.encode(tokenArrays(config, batch)));
  const rotary = await RotaryTables.create(gpu, config, tokens);
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const scalars = await createBuffer(gpu, 4 * OPTIMISER_SCALARS, storage, "optimiser scalars");
  const stats = await createBuffer(gpu, 4 * statsLength(modules.length), storage, "stats");
  const partial = await createBuffer(gpu, partialSumBytes(parameters), storage, "gradient norm");
  const pool = new SlotPool(gpu);
  const program = await Program.create(gpu, {
    graph,
    pool,
    external: (tensor) =>
      tensor.kind === "input"
        ? (uploads.find(tensor) ?? rotary.storageOf(tensor) ?? block.storageIn(inputs, tensor.name))
        : (uploads.find(tensor) ?? parameters.storageOf(tensor)),
  });
  const tail = await Program.fromDispatches(
    gpu,
    optimiserDispatches(parameters, {
      scalars: { buffer: scalars, offset: 0, size: 4 * OPTIMISER_SCALARS },
      stats: { buffer: stats, offset: 0, size: 4 * statsLength(modules.length) },
      partial: { buffer: partial, offset: 0, size: partial.size },
      clip: false,
    }),
  );
  let step = 0;
  return {
    run: () => {
      step += 1;
      const { learning_rate, beta1, beta2, epsilon } = ADAM;
      gpu.device.queue.writeBuffer(
        scalars,
        0,
        encodeOptimiserScalars({
          learning_rate,
          adam_beta1: beta1,
          adam_beta2: beta2,
          adam_epsilon: epsilon,
          weight_decay: 0,
          max_grad_norm: 0,
          step,
        }),
      );
      const commands = gpu.device.createCommandEncoder();
      commands.clearBuffer(parameters.buffers.gradients);
      const pass = commands.beginComputePass();
      program.record(pass);
      tail.record(pass);
      pass.end();
      gpu.device.queue.submit([commands.finish()]);
    },
    settle: () => gpu.device.queue.onSubmittedWorkDone(),
    loss: async () => {
      const values = new Float32Array(await readStorage(gpu, program.storageOf(difference)));
      gpu.check();
      return values.reduce((sum, value) => sum + 0.5 * value * value, 0);
    },
    destroy: () => {
      program.destroy();
      tail.destroy();
      pool.destroy();
      rotary.destroy();
      uploads.destroy();
      parameters.destroy();
      for (const buffer of [inputs, scalars, stats]) buffer.destroy();
    },
  };
}

function adapterOf({ adapters }: StepWork, path: string): Adapter {
  const [, layer, which] = /layers\.(\d+)\..*\.([qv])_proj$/.exec(path) ?? [];
  const found = adapters[Number(layer)]?.[which === "q" ? "q" : "v"];
  if (!found) throw new Error(`the step has no adapter for ${path}`);
  return found;
}
