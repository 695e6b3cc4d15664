/**
 * @file The pipelines that the engine can ask for: what its operators dispatch, with every kernel, weight type and way
 * of reading f16, on devices of every kind. No device: buffers are sizes only.
 */

import { backward } from "../../src/engine/backward.ts";
import type { EncoderDevice } from "../../src/engine/encoder.ts";
import { Graph } from "../../src/engine/graph.ts";
import type { KernelFamily, KernelVariant } from "../../src/engine/kernel.ts";
import * as families from "../../src/engine/kernels.ts";
import type { F16Loading } from "../../src/engine/matmul/fastPath.ts";
import { matmulKernels } from "../../src/engine/matmul/registry.ts";
import { add } from "../../src/engine/operators/add.ts";
import { attention } from "../../src/engine/operators/attention.ts";
import { cacheWrite } from "../../src/engine/operators/cacheWrite.ts";
import { columns } from "../../src/engine/operators/columns.ts";
import { crossEntropy } from "../../src/engine/operators/crossEntropy.ts";
import { embedding } from "../../src/engine/operators/embedding.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { argmax, gatherRows } from "../../src/engine/operators/logits.ts";
import { rmsNorm } from "../../src/engine/operators/rmsNorm.ts";
import { rotary } from "../../src/engine/operators/rotary.ts";
import { softcap } from "../../src/engine/operators/softcap.ts";
import { swiglu } from "../../src/engine/operators/swiglu.ts";
import { planMemory } from "../../src/engine/plan.ts";
import { Router } from "../../src/engine/routing/router.ts";
import type { DType, Tensor } from "../../src/engine/tensor.ts";
import { dispatchesOf } from "./dispatchList.ts";

/** Every registered family. */
export const kernelFamilies: readonly KernelFamily[] = Object.values(families).flatMap((entry): KernelFamily[] =>
  "file" in entry ? [entry] : Object.values(entry),
);

/**
 * Each once.
 * @param options.fastPaths false: only those of devices without any
 */
export function kernelVariants({ fastPaths = true } = {}): readonly KernelVariant[] {
  const graphs = [...otherGraphs(), ...linearGraphs()];
  const dispatched = devices(fastPaths).flatMap((device) =>
    graphs.flatMap((graph) => dispatchesOf(graph, planMemory(graph), device)),
  );
  // Dispatches of the optimiser and of methods belong to no graph.
  const { adamwFamily, anchorFamily, penaltyFamily, perturbFamily, proximalFamily, reduceFamily, widenFamilies } =
    families;
  const others: KernelVariant[] = [
    ...["squares", "finish"].map((entry) => ({ family: reduceFamily, entry, constants: {} })),
    ...[false, true].map((CLIP) => ({ family: adamwFamily, entry: "adamw", constants: { CLIP } })),
    ...["thin", "thinT", "complement"].map((entry) => ({ family: anchorFamily, entry, constants: {} })),
    ...["pack", "gram", "grams", "gramsAlone", "inner", "gradients", "penalties"].map((entry) => ({
      family: penaltyFamily,
      entry,
      constants: {},
    })),
    ...["noise", "along"].map((entry) => ({ family: perturbFamily, entry, constants: {} })),
    ...["pull", "distance", "total"].map((entry) => ({ family: proximalFamily, entry, constants: {} })),
    { family: widenFamilies.plain, entry: "widenHalves", constants: { WEIGHT: 2, UNPACK: true } },
    { family: widenFamilies.half, entry: "widenHalves", constants: {} },
  ];
  const variants = [...dispatched, ...others].map(({ family, entry, constants }) => ({ family, entry, constants }));
  return [...new Map(variants.map((variant) => [nameOf(variant), variant])).values()];
}

/** "matmul ntRegister VEC true, …", the constants in the order of their names. */
export function nameOf({ family, entry, constants }: KernelVariant): string {
  const values = Object.entries(constants).sort(([a], [b]) => (a < b ? -1 : 1));
  return [family.name, entry, ...values.map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** Software adapters and GPUs, without fast paths and, if asked for, with all. */
function devices(fastPaths: boolean): EncoderDevice[] {
  const all = matmulKernels.fastPaths.map(({ name }) => name);
  const loadings: readonly F16Loading[] = ["native", "unpack", "integers"];
  return [true, false].flatMap((software) =>
    (fastPaths ? [[], all] : [[]]).flatMap((passed) =>
      loadings.map((f16Loading) => ({
        adapter: { software },
        fastPaths: { passed: new Set(passed), f16Loading, subgroupSize: 32 },
        matmulKernels,
        router: new Router(),
      })),
    ),
  );
}

/** A graph with the reverse pass of what `build` returns, with respect to its inputs and parameters. */
function differentiated(build: (graph: Graph) => Tensor): Graph {
  const graph = new Graph();
  const y = build(graph);
  const wrt = new Set(
    graph.tensors.filter(({ kind, dtype }) => dtype === "f32" && ["input", "parameter"].includes(kind)),
  );
  backward(graph, { seeds: new Map([[y, graph.input("∂y", y.shape)]]), wrt, add });
  return graph;
}

const WEIGHTS: readonly DType[] = ["f32", "bf16", "f16", "int8", "nf4", "nf4_double"];

/** One row, a few and many; rows that can be read as vec4 and odd ones; with LoRA and without. */
function linearGraphs(): Graph[] {
  const graphs: Graph[] = [];
  for (const kernel of matmulKernels.names) {
    for (const dtype of WEIGHTS) {
      for (const [tokens, width, out, rank] of [
        [1, 64, 64, 4],
        [3, 64, 64, 3],
        [40, 64, 64, 8],
        [40, 27, 35, 3],
      ] as const) {
        graphs.push(
          differentiated((graph) => {
            const A = graph.parameter("A", [rank, width]);
            const B = graph.parameter("B", [out, rank]);
            const batch = graph.input("batch", [4], "u32");
            const dropout = rank === 8 ? { p: 0.1, stream: 1, batch } : undefined;
            const lora = { A, B, scale: 1, ...(dropout ? { dropout } : {}) };
            const weight = graph.weight("W", [out, width], dtype);
            return linear(graph, graph.input("x", [tokens, width]), { name: "layer", weight, lora, kernel });
          }),
        );
      }
    }
  }
  return graphs;
}

function attentionGraph(
  queries: number,
  keys: number,
  headDim: number,
  cap: number | undefined,
  frozenKeys = false,
): Graph {
  return differentiated((graph) => {
    const side = (name: string, rows: number, heads: number): Tensor =>
      name !== "q" && frozenKeys
        ? graph.weight(name, [rows, heads * headDim], "f32")
        : graph.input(name, [rows, heads * headDim]);
    const settings = { heads: 4, kvHeads: 2, headDim, scale: 1, name: "attention" };
    return attention(
      graph,
      side("q", queries, 4),
      side("k", keys, 2),
      side("v", keys, 2),
      graph.input("bounds", [queries, 4], "u32"),
      cap === undefined ? settings : { ...settings, softcap: cap },
    );
  });
}

/** ∂v alone: the values are trained, the keys are not. */
function valuesGraph(): Graph {
  return differentiated((graph) => {
    const bounds = graph.input("bounds", [32, 4], "u32");
    const q = graph.weight("q", [32, 64], "f32");
    const k = graph.weight("k", [32, 32], "f32");
    const settings = { heads: 4, kvHeads: 2, headDim: 16, scale: 1, name: "attention" };
    return attention(graph, q, k, graph.input("v", [32, 32]), bounds, settings);
  });
}

function normGraphs(): Graph[] {
  return (["f32", "bf16", "f16"] as const).flatMap((dtype) =>
    [false, true].map((added) =>
      differentiated((graph) => {
        const x = graph.input("x", [8, 64]);
        const weight = dtype === "f32" && added ? graph.parameter("w", [64]) : graph.weight("w", [64], dtype);
        const y = rmsNorm(graph, x, weight, 1e-6, "norm", added ? { residual: x } : {});
        return added ? add(graph, y, x) : y;
      }),
    ),
  );
}

function lossGraphs(): Graph[] {
  const kinds = [
    { capped: false, terms: false },
    { capped: true, terms: false },
    { capped: true, terms: true },
  ];
  return kinds.flatMap(({ capped, terms }) =>
    [undefined, "shared", "register"].map((kernel) =>
      differentiated((graph) => {
        const hidden = graph.input("hidden", [16, 64]);
        const { rowLoss } = crossEntropy(graph, hidden, {
          head: graph.weight("head", [256, 64], "bf16"),
          labels: {
            rows: graph.input("rows", [8], "u32"),
            targets: graph.input("targets", [8], "u32"),
            ...(terms ? { terms: { values: graph.input("terms", [8, 4]), estimator: "k3" } } : {}),
          },
          batch: graph.input("batch", [4], "u32"),
          withGradient: true,
          ...(capped ? { softcap: 30, stats: graph.weight("stats", [32], "f32") } : {}),
          ...(kernel ? { kernel } : {}),
        });
        return rowLoss;
      }),
    ),
  );
}

function embeddingGraphs(): Graph[] {
  return (["f32", "bf16", "f16"] as const).map((dtype) =>
    differentiated((graph) => {
      const table = dtype === "f32" ? graph.parameter("table", [64, 32]) : graph.weight("table", [64, 32], dtype);
      return embedding(graph, graph.input("ids", [8], "u32"), table);
    }),
  );
}

function elementwiseGraphs(): Graph[] {
  const activations = ["silu", "gelu_pytorch_tanh"] as const;
  const sides = [
    ["input", "input"],
    ["input", "weight"],
    ["weight", "input"],
  ] as const;
  const gated = activations.flatMap((activation) =>
    sides.map(([gate, up]) =>
      differentiated((graph) =>
        swiglu(graph, graph.tensor("g", [8, 64], "f32", gate), graph.tensor("u", [8, 64], "f32", up), activation),
      ),
    ),
  );
  const slices = differentiated((graph) => {
    const x = graph.input("x", [8, 64]);
    return add(graph, columns(graph, x, 0, 32), columns(graph, x, 32, 32));
  });
  const turned = differentiated((graph) => {
    const positions = graph.input("positions", [8], "u32");
    return rotary(graph, graph.input("x", [8, 64]), graph.weight("table", [16, 16], "f32"), positions, 16);
  });
  return [...gated, slices, turned, differentiated((graph) => softcap(graph, graph.input("x", [8, 64]), 30))];
}

function generationGraphs(): Graph[] {
  const graph = new Graph();
  const x = graph.input("x", [8, 64]);
  cacheWrite(graph, x, graph.input("cache", [32, 64]), graph.input("slots", [8], "u32"));
  graph.retain(argmax(graph, gatherRows(graph, x, graph.input("rows", [2], "u32"))));
  const gathered = differentiated((other) =>
    gatherRows(other, other.input("x", [8, 64]), other.input("rows", [2], "u32")),
  );
  return [graph, gathered];
}

function otherGraphs(): Graph[] {
  return [
    ...[undefined, 30].flatMap((cap) => [8, 64, 10].map((headDim) => attentionGraph(32, 32, headDim, cap))),
    ...[undefined, 30].map((cap) => attentionGraph(4, 64, 64, cap, true)),
    valuesGraph(),
    ...normGraphs(),
    ...lossGraphs(),
    ...embeddingGraphs(),
    ...elementwiseGraphs(),
    ...generationGraphs(),
  ];
}
