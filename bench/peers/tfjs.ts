/**
 * @file TensorFlow.js with its WebGPU backend: eager products, and the step by variableGrads and its own Adam
 * optimiser.
 */

import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import type { Contender, OpenContender, ProductRunnable, StepRunnable } from "../contenders/contender.ts";
import { ADAM, type Matrix, NORM_EPS, type StepWork, rotaryAngles } from "../workload/loraStep.ts";
import { type Operands, type Product, operandShapes } from "../workload/products.ts";

export const openTfjs =
  (version: string): OpenContender =>
  async () => {
    const name = "tfjs";
    if (!(await tf.setBackend("webgpu"))) return { name, version, refused: "its WebGPU backend does not start" };
    await tf.ready();
    const backend = tf.backend();
    if (!(backend instanceof WebGPUBackend)) return { name, version, refused: "its backend is not WebGPU's" };
    const settle = async (): Promise<void> => {
      // Its commands wait in an encoder of its own, in a pass that is still open, until somebody reads or submits.
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      await backend.device.queue.onSubmittedWorkDone();
    };
    const contender: Contender = {
      name,
      version,
      product: (product, operands) => openProduct(settle, product, operands),
      step: (work) => openStep(settle, work),
      destroy: () => undefined,
    };
    return contender;
  };

async function openProduct(
  settle: () => Promise<void>,
  product: Product,
  operands: Operands,
): Promise<ProductRunnable> {
  const shapes = operandShapes(product);
  const a = tf.tensor2d(operands.a, [...shapes.a]);
  const b = tf.tensor2d(operands.b, [...shapes.b]);
  const once = (): tf.Tensor2D => tf.matMul(a, b, product.form === "tn", product.form === "nt");
  await settle();
  return {
    run: () => once().dispose(),
    settle,
    result: async () => {
      const y = once();
      const values = await y.data<"float32">();
      y.dispose();
      return values;
    },
    destroy: () => tf.dispose([a, b]),
  };
}

async function openStep(settle: () => Promise<void>, work: StepWork): Promise<StepRunnable> {
  const { shape, adapters } = work;
  const { hidden, heads, kvHeads, headDim, intermediate, rank, alpha, tokens } = shape;
  const kv = kvHeads * headDim;
  const { cos, sin } = rotaryAngles(shape);
  const matrix = (values: Matrix, out: number, inner: number): tf.Tensor2D => tf.tensor2d(values, [out, inner]);
  const before = tf.memory().numTensors;
  const frozen = {
    x: matrix(work.x, tokens, hidden),
    target: matrix(work.target, tokens, hidden),
    cos: tf.tensor3d(cos, [tokens, 1, headDim / 2]),
    sin: tf.tensor3d(sin, [tokens, 1, headDim / 2]),
    finalNorm: tf.tensor1d(work.finalNorm),
    mask: tf.tidy(() =>
      tf.linalg
        .bandPart(tf.ones([tokens, tokens]), -1, 0)
        .sub(1)
        .mul(1e9),
    ),
    blocks: work.blocks.map((block) => ({
      attentionNorm: tf.tensor1d(block.attentionNorm),
      q: matrix(block.q, hidden, hidden),
      k: matrix(block.k, kv, hidden),
      v: matrix(block.v, kv, hidden),
      o: matrix(block.o, hidden, hidden),
      unitNorm: tf.tensor1d(block.unitNorm),
      gate: matrix(block.gate, intermediate, hidden),
      up: matrix(block.up, intermediate, hidden),
      down: matrix(block.down, hidden, intermediate),
    })),
  };
  const trained = adapters.map(({ q, v }) => ({
    qA: tf.variable(matrix(q.A, rank, hidden)),
    qB: tf.variable(matrix(q.B, hidden, rank)),
    vA: tf.variable(matrix(v.A, rank, hidden)),
    vB: tf.variable(matrix(v.B, kv, rank)),
  }));
  const variables = trained.flatMap(({ qA, qB, vA, vB }) => [qA, qB, vA, vB]);

  const linear = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.matMul(x, w, false, true);
  const adapted = (x: tf.Tensor, w: tf.Tensor, A: tf.Tensor, B: tf.Tensor): tf.Tensor =>
    linear(x, w).add(linear(linear(x, A), B).mul(alpha / rank));
  const norm = (x: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
    x.mul(x.square().mean(-1, true).add(NORM_EPS).rsqrt()).mul(weight);
  const turn = (x: tf.Tensor): tf.Tensor => {
    const [a, b] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.concat([a.mul(frozen.cos).sub(b.mul(frozen.sin)), b.mul(frozen.cos).add(a.mul(frozen.sin))], -1);
  };
  // [T, heads · headDim] -> [heads, T, headDim], each shared head once for every query head of its group
  const perHead = (x: tf.Tensor, count: number): tf.Tensor => {
    const split = x.transpose([1, 0, 2]);
    const group = heads / count;
    if (group === 1) return split;
    return split.expandDims(1).tile([1, group, 1, 1]).reshape([heads, tokens, headDim]);
  };
  const loss = (): tf.Scalar => {
    let x: tf.Tensor = frozen.x;
    frozen.blocks.forEach((block, layer) => {
      const adapter = trained[layer];
      if (!adapter) throw new Error(`no adapter ${layer}`);
      const normed = norm(x, block.attentionNorm);
      const q = perHead(
        turn(adapted(normed, block.q, adapter.qA, adapter.qB).reshape([tokens, heads, headDim])),
        heads,
      );
      const k = perHead(turn(linear(normed, block.k).reshape([tokens, kvHeads, headDim])), kvHeads);
      const v = perHead(adapted(normed, block.v, adapter.vA, adapter.vB).reshape([tokens, kvHeads, headDim]), kvHeads);
      const scores = tf
        .matMul(q, k, false, true)
        .mul(1 / Math.sqrt(headDim))
        .add(frozen.mask);
      const mixed = tf.matMul(tf.softmax(scores), v).transpose([1, 0, 2]).reshape([tokens, hidden]);
      x = x.add(linear(mixed, block.o));
      const unit = norm(x, block.unitNorm);
      const gate = linear(unit, block.gate);
      x = x.add(linear(gate.mul(tf.sigmoid(gate)).mul(linear(unit, block.up)), block.down));
    });
    return norm(x, frozen.finalNorm).sub(frozen.target).square().sum().mul(0.5).asScalar();
  };
  const { learning_rate, beta1, beta2, epsilon } = ADAM;
  const optimiser = tf.train.adam(learning_rate, beta1, beta2, epsilon);
  let latest: tf.Scalar | undefined;
  await settle();
  return {
    run: () => {
      latest?.dispose();
      const { value, grads } = tf.variableGrads(loss, variables);
      latest = value;
      optimiser.applyGradients(Object.entries(grads).map(([variable, tensor]) => ({ name: variable, tensor })));
      tf.dispose(grads);
    },
    settle,
    loss: async () => (latest ? ((await latest.data())[0] ?? Number.NaN) : Number.NaN),
    destroy: () => {
      latest?.dispose();
      optimiser.dispose();
      tf.dispose(frozen);
      tf.dispose(variables);
      const left = tf.memory().numTensors - before;
      if (left > 0) console.warn(`tfjs keeps ${left} tensors`);
    },
  };
}
