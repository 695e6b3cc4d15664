/**
 * @file PyTorch + PEFT, eager, in a process of its own (python/bench_step.py --serve): it takes turns with the others
 * on the same GPU and times itself, because a pipe lies between. It makes the same numbers by the same generator;
 * nothing large crosses the pipe.
 */

import type { Contender, OpenContender, ProductRunnable, StepRunnable } from "../contenders/contender.ts";
import { type Product, probes } from "../workload/products.ts";
import type { StepWork } from "../workload/loraStep.ts";

/** Sends a question and gives its answer. @throws Error with Python's message */
export type Ask = (question: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, unknown>>>;

export type PytorchType = "float32" | "bf16";

/** Contenders by the name of the command line. */
export function pytorchContenders(ask: Ask): Readonly<Record<string, () => Promise<OpenContender>>> {
  return {
    "pytorch-float32": () => Promise.resolve(openPytorch(ask, "float32")),
    "pytorch-bf16": () => Promise.resolve(openPytorch(ask, "bf16")),
  };
}

export function openPytorch(ask: Ask, type: PytorchType): OpenContender {
  return async () => {
    const { device, name, torch, transformers, peft } = await ask({ do: "hello" });
    const contender: Contender = {
      name: `pytorch ${type} on ${String(device)}`,
      version:
        `${String(torch)} (transformers ${String(transformers)}, peft ` +
        `${String(peft)}; eager, TF32 off; ${String(name)})`,
      ...(type === "bf16" ? { precision: type } : {}),
      product: (product) => openProduct(ask, type, product),
      step: (work) => openStep(ask, type, work),
      destroy: () => undefined,
    };
    return contender;
  };
}

function number(answer: Readonly<Record<string, unknown>>, key: string): number {
  const value = answer[key];
  if (typeof value !== "number") throw new Error(`PyTorch's process gave no ${key}`);
  return value;
}

/** What both kinds of work have in common. */
function runnable(ask: Ask, id: unknown) {
  return {
    run: async () => {
      await ask({ do: "run", id, calls: 1 });
    },
    settle: () => Promise.resolve(),
    sample: async (calls: number) => number(await ask({ do: "run", id, calls }), "ms"),
    destroy: () => void ask({ do: "close", id }).catch(() => undefined),
  };
}

async function openProduct(ask: Ask, type: PytorchType, product: Product): Promise<ProductRunnable> {
  const { form, m, n, k } = product;
  const { id } = await ask({ do: "open product", type, form, m, n, k });
  return {
    ...runnable(ask, id),
    result: async () => {
      const places = probes(product);
      const { values } = await ask({ do: "entries", id, places: places.map(({ row, column }) => row * n + column) });
      const result = new Float32Array(m * n).fill(Number.NaN);
      if (Array.isArray(values)) places.forEach(({ row, column }, i) => (result[row * n + column] = Number(values[i])));
      return result;
    },
  };
}

async function openStep(ask: Ask, type: PytorchType, { shape }: StepWork): Promise<StepRunnable> {
  const { id } = await ask({ do: "open step", type, shape });
  return { ...runnable(ask, id), loss: async () => number(await ask({ do: "loss", id }), "loss") };
}
