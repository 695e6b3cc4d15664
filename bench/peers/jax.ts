/**
 * @file jax-js (@jax-js/jax): jit-compiled products, and the step by jit(valueAndGrad) with Adam inside the same
 * program.
 */

import {
  type Array,
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  init,
  jit,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from "@jax-js/jax";
import type { Contender, OpenContender, ProductRunnable, StepRunnable } from "../contenders/contender.ts";
import { ADAM, type Matrix, NORM_EPS, type StepWork, rotaryAngles } from "../workload/loraStep.ts";
import { type Operands, type Product, operandShapes } from "../workload/products.ts";

export const openJax =
  (version: string): OpenContender =>
  async () => {
    const name = "jax-js";
    if (!(await init("webgpu")).includes("webgpu")) return { name, version, refused: "it finds no WebGPU device" };
    defaultDevice("webgpu");
    const device = getWebGPUDevice();
    const settle = async (): Promise<void> => {
      await device.queue.onSubmittedWorkDone();
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

type Tensor = Array;

function upload(values: Matrix, shape: readonly number[]): Tensor {
  return np.array(values, { shape: [...shape] });
}

async function openProduct(
  settle: () => Promise<void>,
  product: Product,
  operands: Operands,
): Promise<ProductRunnable> {
  const { form } = product;
  const shapes = operandShapes(product);
  const a = upload(operands.a, shapes.a);
  const b = upload(operands.b, shapes.b);
  const multiply = jit((x: Tensor, y: Tensor) =>
    np.matmul(form === "tn" ? np.matrixTranspose(x) : x, form === "nt" ? np.matrixTranspose(y) : y),
  );
  const once = (): Tensor => multiply(a.ref, b.ref);
  // Work is only enqueued when its result is asked for: wait for each (that reads no byte), then for the queue.
  const waiting: Tensor[] = [];
  return {
    run: () => {
      waiting.push(once());
    },
    settle: async () => {
      const results = waiting.splice(0);
      await blockUntilReady(results);
      await settle();
      tree.dispose(results);
    },
    result: async () => (await once().data()) as Float32Array,
    destroy: () => {
      a.dispose();
      b.dispose();
      multiply.dispose();
    },
  };
}

async function openStep(settle: () => Promise<void>, work: StepWork): Promise<StepRunnable> {
  const { shape, blocks, adapters } = work;
  const { hidden, heads, kvHeads, headDim, intermediate, rank, alpha, tokens } = shape;
  const kv = kvHeads * headDim;
  const { cos, sin } = rotaryAngles(shape);
  const frozen = {
    x: upload(work.x, [tokens, hidden]),
    target: upload(work.target, [tokens, hidden]),
    cos: upload(cos, [tokens, 1, headDim / 2]),
    sin: upload(sin, [tokens, 1, headDim / 2]),
    finalNorm: upload(work.finalNorm, [hidden]),
    blocks: blocks.map((block) => ({
      attentionNorm: upload(block.attentionNorm, [hidden]),
      q: upload(block.q, [hidden, hidden]),
      k: upload(block.k, [kv, hidden]),
      v: upload(block.v, [kv, hidden]),
      o: upload(block.o, [hidden, hidden]),
      unitNorm: upload(block.unitNorm, [hidden]),
      gate: upload(block.gate, [intermediate, hidden]),
      up: upload(block.up, [intermediate, hidden]),
      down: upload(block.down, [hidden, intermediate]),
    })),
  };
  type Frozen = typeof frozen;
  const start = adapters.map(({ q, v }) => ({
    qA: upload(q.A, [rank, hidden]),
    qB: upload(q.B, [hidden, rank]),
    vA: upload(v.A, [rank, hidden]),
    vB: upload(v.B, [kv, rank]),
  }));
  type Trained = typeof start;
  const zeros = (): Trained => tree.map((value: Tensor) => np.zeros([...value.shape]), start) as Trained;

  // Arguments are consumed once each; `.ref` keeps one for a further use.
  const linear = (x: Tensor, w: Tensor): Tensor => np.matmul(x, np.matrixTranspose(w));
  const adapted = (x: Tensor, w: Tensor, A: Tensor, B: Tensor): Tensor =>
    linear(x.ref, w).add(linear(linear(x, A), B).mul(alpha / rank));
  const norm = (x: Tensor, weight: Tensor): Tensor => {
    const scale = np.sqrt(np.mean(np.square(x.ref), -1, { keepdims: true }).add(NORM_EPS));
    return x.div(scale).mul(weight);
  };
  const turn = (x: Tensor, c: Tensor, s: Tensor): Tensor => {
    const [a, b] = np.split(x, 2, -1) as [Tensor, Tensor];
    return np.concatenate([a.ref.mul(c.ref).sub(b.ref.mul(s.ref)), b.mul(c).add(a.mul(s))], -1);
  };
  const loss = (trained: Trained, given: Frozen): Tensor => {
    let x = given.x;
    given.blocks.forEach((block, layer) => {
      const adapter = trained[layer];
      if (!adapter) throw new Error(`no adapter ${layer}`);
      const normed = norm(x.ref, block.attentionNorm);
      const q = adapted(normed.ref, block.q, adapter.qA, adapter.qB).reshape([tokens, heads, headDim]);
      const k = linear(normed.ref, block.k).reshape([tokens, kvHeads, headDim]);
      const v = adapted(normed, block.v, adapter.vA, adapter.vB).reshape([tokens, kvHeads, headDim]);
      const mixed = nn.dotProductAttention(
        turn(q, given.cos.ref, given.sin.ref),
        turn(k, given.cos.ref, given.sin.ref),
        v,
        { isCausal: true },
      );
      x = x.add(linear(mixed.reshape([tokens, hidden]), block.o));
      const unit = norm(x.ref, block.unitNorm);
      x = x.add(linear(nn.silu(linear(unit.ref, block.gate)).mul(linear(unit, block.up)), block.down));
    });
    given.cos.dispose();
    given.sin.dispose();
    return np.sum(np.square(norm(x, given.finalNorm).sub(given.target))).mul(0.5);
  };
  const { learning_rate, beta1, beta2, epsilon } = ADAM;
  // corrections = [1 / (1 − β₁ᵗ), 1 / (1 − β₂ᵗ)]
  const step = jit(
    (
      trained: Trained,
      first: Trained,
      second: Trained,
      corrections: Tensor,
      given: Frozen,
    ): [Tensor, Trained, Trained, Trained] => {
      const [value, gradient] = valueAndGrad(loss)(tree.ref(trained), given) as unknown as [Tensor, Trained];
      const [c1, c2] = np.split(corrections, 2) as [Tensor, Tensor];
      const m = tree.map(
        (old: Tensor, g: Tensor) => old.mul(beta1).add(g.mul(1 - beta1)),
        first,
        tree.ref(gradient),
      ) as Trained;
      const v = tree.map(
        (old: Tensor, g: Tensor) => old.mul(beta2).add(np.square(g).mul(1 - beta2)),
        second,
        gradient,
      ) as Trained;
      const next = tree.map(
        (w: Tensor, a: Tensor, b: Tensor) =>
          w.sub(
            a
              .mul(c1.ref)
              .mul(learning_rate)
              .div(np.sqrt(b.mul(c2.ref)).add(epsilon)),
          ),
        trained,
        tree.ref(m),
        tree.ref(v),
      ) as Trained;
      c1.dispose();
      c2.dispose();
      return [value, next, m, v];
    },
  );
  let [trained, first, second] = [start, zeros(), zeros()];
  let latest: Tensor | undefined;
  let count = 0;
  return {
    run: () => {
      count += 1;
      const corrections = np.array(new Float32Array([1 / (1 - beta1 ** count), 1 / (1 - beta2 ** count)]));
      latest?.dispose();
      [latest, trained, first, second] = step(trained, first, second, corrections, tree.ref(frozen)) as unknown as [
        Tensor,
        Trained,
        Trained,
        Trained,
      ];
    },
    settle: async () => {
      // Work is only enqueued when its result is asked for.
      await blockUntilReady([latest, trained, first, second]);
      await settle();
    },
    loss: async () => (latest ? Number((await latest.ref.data())[0]) : Number.NaN),
    destroy: () => {
      latest?.dispose();
      tree.dispose([trained, first, second]);
      tree.dispose(frozen);
      step.dispose();
    },
  };
}
