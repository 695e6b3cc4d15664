/**
 * @file Weights stored in f16, subnormals among them, in every kernel that reads them, on devices whose
 * unpack2x16float takes subnormals for 0, as WebGPU allows.
 */

import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { findFastPaths } from "../../src/engine/fastPaths.ts";
import { Graph } from "../../src/engine/graph.ts";
import { KernelCache, kernelText } from "../../src/engine/kernel.ts";
import { embedding } from "../../src/engine/operators/embedding.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import { rmsNorm } from "../../src/engine/operators/rmsNorm.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { pretend, testGpu } from "../support/gpu.ts";
import { fromF16 } from "../support/halves.ts";
import { runGraph } from "../support/runGraph.ts";

/** In place of unpack2x16float. */
const FLUSHING = `
fn flushing(word: u32) -> vec2f {
  let v = unpack2x16float(word);
  return select(v, vec2f(), abs(v) < vec2f(0x1p-14));
}
`;

/** The test device as one that flushes. */
async function flushingGpu(options: Parameters<typeof testGpu>[0]): Promise<Gpu> {
  const gpu = await testGpu(options);
  const kernels = new KernelCache(gpu.device, (variant) => {
    const text = kernelText(variant);
    return text.includes("unpack2x16float") ? text.replaceAll("unpack2x16float", "flushing") + FLUSHING : text;
  });
  const { device, matmulKernels } = gpu;
  return {
    ...gpu,
    kernels,
    fastPaths: await findFastPaths({ device, kernels, info: device.adapterInfo }, matmulKernels),
  };
}

/** Of both signs: the smallest, some and the largest subnormal, then the smallest normal number and 1. */
const HALVES = Uint16Array.of(1, 0x8002, 3, 0x83ff, 0x3ff, 0x8001, 0x200, 0x8400, 0x400, 0x3c00, 0x8155, 0x2aa);
const WIDTH = HALVES.length;
const VALUES = Float32Array.from(HALVES, fromF16);

/** What an f16 weight gives, a row of WIDTH; `feeds`: the other operands. */
async function outputs(
  gpu: Gpu,
  build: (graph: Graph) => { readonly y: Tensor; readonly data: ReadonlyMap<Tensor, ArrayBufferView> },
): Promise<Float32Array> {
  const graph = new Graph();
  const { y, data } = build(graph);
  graph.retain(y);
  const run = await runGraph(gpu, graph, data);
  const read = await run.read(y);
  run.destroy();
  return read;
}

const DEVICES = [
  { title: "with shader-f16 where the device has it", options: {} },
  { title: "without shader-f16", options: { features: [] } },
];

describe.each(DEVICES)("f16 weights on a device that flushes subnormals, $title", ({ options }) => {
  describe.each([true, false])("kernels for software adapters: %s", (software) => {
    const open = async (): Promise<Gpu> => pretend(await flushingGpu(options), software);

    it("are exact in a row of the embedding", async () => {
      const got = await outputs(await open(), (graph) => {
        const ids = graph.input("ids", [1], "u32");
        const table = graph.weight("table", [1, WIDTH], "f16");
        return { y: embedding(graph, ids, table), data: new Map([[table, HALVES]]) };
      });
      expect(got).toEqual(VALUES);
    });

    it("are exact as weights of a norm", async () => {
      const got = await outputs(await open(), (graph) => {
        const x = graph.input("x", [1, WIDTH]);
        const weight = graph.weight("weight", [WIDTH], "f16");
        const data = new Map<Tensor, ArrayBufferView>([
          [x, new Float32Array(WIDTH).fill(1)],
          [weight, HALVES],
        ]);
        return { y: rmsNorm(graph, x, weight, 0, "norm"), data };
      });
      expect(got).toEqual(VALUES);
    });

    it("are exact as a bias", async () => {
      const got = await outputs(await open(), (graph) => {
        const x = graph.input("x", [1, 4]);
        const weight = graph.weight("weight", [WIDTH, 4], "f16");
        const bias = graph.weight("bias", [WIDTH], "f16");
        return { y: linear(graph, x, { name: "linear", weight, bias }), data: new Map([[bias, HALVES]]) };
      });
      expect(got).toEqual(VALUES);
    });

    // A column of W per output; rows of 3 are read one by one, rows of 4 four at a time.
    it.each([3, 4])("are exact in a product over rows of %d", async (k) => {
      const got = await outputs(await open(), (graph) => {
        const x = graph.input("x", [1, k]);
        const weight = graph.weight("weight", [WIDTH, k], "f16");
        const rows = new Uint16Array(WIDTH * k);
        HALVES.forEach((half, row) => rows.set([half], row * k + (row % k)));
        const data = new Map<Tensor, ArrayBufferView>([
          [x, new Float32Array(k).fill(1)],
          [weight, rows],
        ]);
        return { y: linear(graph, x, { name: "linear", weight }), data };
      });
      expect(got).toEqual(VALUES);
    });
  });
});
