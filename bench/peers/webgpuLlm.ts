/**
 * @file webgpu-llm: its product kernels on the products, and its own training step on the same blocks.
 *
 * It has no adapters and freezes nothing, so its step is other work (workload/fullStep.ts), and the tables say so. Its
 * blocks are Llama's with two differences of layout, which are undone here: weights are [in, out], and rotary pairs are
 * neighbours.
 *
 * It takes devices with shader-f16, timestamp queries and subgroups of 32 only.
 */

import { LLMEngine, Model } from "webgpu-llm/llm";
import {
  type Contender,
  type OpenContender,
  type ProductRunnable,
  type StepRunnable,
  inBatches,
} from "../contenders/contender.ts";
import { fullReferenceLoss, fullStepFlops, nextTokens } from "../workload/fullStep.ts";
import { ADAM, type BlockWeights, type Matrix, NORM_EPS, type StepShape, type StepWork } from "../workload/loraStep.ts";
import { type Operands, type Product, operandShapes } from "../workload/products.ts";

const NEEDS = ["shader-f16", "subgroups", "timestamp-query"] as const;
/** Rows and columns of a workgroup's output. */
const TILE = 64;

interface Session {
  readonly engine: LLMEngine;
  readonly read: LLMEngine["read"];
}

export const openWebgpuLlm =
  (version: string): OpenContender =>
  async (api) => {
    const name = "webgpu-llm";
    const adapter = await api.requestAdapter({ powerPreference: "high-performance" });
    const missing = NEEDS.filter((feature) => adapter?.features.has(feature) !== true);
    const { subgroupMinSize: least = 32, subgroupMaxSize: most = 32 } = adapter?.info ?? {};
    const reasons = [
      ...(missing.length > 0 ? [`this device has no ${missing.join(", ")}`] : []),
      ...(least === 32 && most === 32
        ? []
        : [`its subgroups are of ${least}${most === least ? "" : ` to ${most}`}, not 32`]),
    ];
    if (reasons.length > 0) return { name, version, refused: reasons.join(", ") };
    const engine = await new LLMEngine().init();
    const session = { engine, read: engine.read.bind(engine) };
    // Its step reads its loss back, and would wait for it; nobody else does while the clock runs.
    engine.read = () => Promise.resolve(new ArrayBuffer(4));
    const contender: Contender = {
      name,
      version,
      product: (product, operands) => openProduct(session, product, operands),
      step: (work) => openStep(session, work),
      destroy: () => engine.device.destroy(),
    };
    return contender;
  };

const KERNELS = { nn: "matmul", nt: "matmul_t", tn: "matmul_at" } as const;

async function openProduct(
  { engine, read }: Session,
  product: Product,
  operands: Operands,
): Promise<ProductRunnable | undefined> {
  const { form, m, n } = product;
  const shapes = operandShapes(product);
  // Rows are read four numbers at a time.
  if (shapes.a[1] % 4 !== 0 || shapes.b[1] % 4 !== 0) return undefined;
  const upload = (values: Matrix, label: string): GPUBuffer => {
    const buffer = engine.storage(values.byteLength, label);
    engine.write(buffer, values);
    return buffer;
  };
  const y = engine.storage(4 * m * n, "y");
  const sizes = engine.uniform(16, "sizes");
  engine.write(sizes, new Uint32Array([m, n, product.k, 0]));
  const buffers = [upload(operands.a, "a"), upload(operands.b, "b"), y, sizes];
  const kernel = KERNELS[form];
  const group = engine.bind(kernel, buffers);
  const { device } = engine;
  const submit = (runs: number): void => {
    const commands = device.createCommandEncoder();
    const pass = commands.beginComputePass();
    const pipeline = engine.pipelines[kernel];
    if (pipeline) pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let run = 0; run < runs; run += 1) pass.dispatchWorkgroups(Math.ceil(n / TILE), Math.ceil(m / TILE));
    pass.end();
    device.queue.submit([commands.finish()]);
  };
  await device.queue.onSubmittedWorkDone();
  return {
    run: () => submit(1),
    runMany: inBatches(submit),
    settle: () => device.queue.onSubmittedWorkDone(),
    result: async () => new Float32Array(await read(y, 4 * m * n)),
    destroy: () => {
      for (const buffer of buffers) buffer.destroy();
    },
  };
}

/** [out, in] to [in, out]. */
function transposed(values: Matrix, out: number, inner: number): Matrix {
  return Float32Array.from(values, (_, i) => values[(i % out) * inner + Math.floor(i / out)] ?? 0);
}

/** Rows of each head so that channels i and i + half of Llama's rotary pairs are neighbours; scores do not notice. */
function paired(values: Matrix, inner: number, headDim: number): Matrix {
  const half = headDim / 2;
  return Float32Array.from(values, (_, i) => {
    const row = Math.floor(i / inner);
    const channel = row % headDim;
    const from = row - channel + (channel % 2 === 0 ? channel / 2 : half + (channel - 1) / 2);
    return values[from * inner + (i % inner)] ?? 0;
  });
}

/** Of a block, by webgpu-llm's names. */
function blockWeights(
  block: BlockWeights,
  { hidden, kvHeads, headDim, intermediate }: StepShape,
): Readonly<Record<string, Matrix>> {
  const kv = kvHeads * headDim;
  return {
    attn_norm_w: block.attentionNorm,
    wq: transposed(paired(block.q, hidden, headDim), hidden, hidden),
    wk: transposed(paired(block.k, hidden, headDim), kv, hidden),
    wv: transposed(block.v, kv, hidden),
    wo: transposed(block.o, hidden, hidden),
    ffn_norm_w: block.unitNorm,
    w_gate: transposed(block.gate, intermediate, hidden),
    w_up: transposed(block.up, intermediate, hidden),
    w_down: transposed(block.down, hidden, intermediate),
  };
}

async function openStep({ engine, read }: Session, work: StepWork): Promise<StepRunnable> {
  const { shape, blocks, finalNorm, x } = work;
  const { layers, hidden, heads, kvHeads, headDim, intermediate, tokens } = shape;
  const model = new Model(engine, {
    d_model: hidden,
    n_heads: heads,
    n_kv_heads: kvHeads,
    head_dim: headDim,
    kv_dim: kvHeads * headDim,
    n_layers: layers,
    d_ff: intermediate,
    activation: "swiglu",
    vocab_size: tokens,
    seq_len: tokens,
    rms_eps: NORM_EPS,
  });
  model.allocate();
  model.allocActivations();
  model.allocBackward();
  const write = (label: string, values: Matrix): void => {
    const { offset, size } = model.paramLayout.find(label);
    if (size !== values.length) throw new Error(`${label} has ${size} numbers, not ${values.length}`);
    engine.write(model._megaW, values, 4 * offset);
  };
  write("tok_emb", x);
  write("final_norm_w", finalNorm);
  blocks.forEach((block, layer) => {
    for (const [name, values] of Object.entries(blockWeights(block, shape))) write(`L${layer}.${name}`, values);
  });
  const rows = Uint32Array.from({ length: tokens }, (_, t) => t);
  const targets = Uint32Array.from(nextTokens(shape));
  const { learning_rate: lr, beta1, beta2, epsilon } = ADAM;
  const settings = { lr, beta1, beta2, adam_eps: epsilon, weight_decay: 0, grad_clip: 1e30 };
  const { device } = engine;
  await device.queue.onSubmittedWorkDone();
  return {
    other: {
      flops: fullStepFlops(shape),
      reference: fullReferenceLoss(work),
      note:
        "it has neither adapters nor frozen weights, so its step computes the gradients of all weights and " +
        `moves them by AdamW; its loss is cross-entropy over a head of ${tokens} tokens, compared with a ` +
        "reference of its own. GFLOP/s can be compared, milliseconds cannot.",
    },
    run: async () => {
      await model.forwardLoss(rows, targets);
      await model.backward(rows);
      await model.step(settings);
    },
    settle: () => device.queue.onSubmittedWorkDone(),
    loss: async () => (new Float32Array(await read(model.activations.loss_sum, 4))[0] ?? Number.NaN) / tokens,
    destroy: () => release(model, new Set()),
  };
}

/** Destroys every buffer within the model; it has no way of its own to do so. */
function release(value: unknown, seen: Set<unknown>): void {
  if (typeof value !== "object" || value === null || seen.has(value) || value instanceof LLMEngine) return;
  seen.add(value);
  if (value instanceof GPUBuffer) value.destroy();
  else if (!ArrayBuffer.isView(value)) for (const part of Object.values(value)) release(part, seen);
}
