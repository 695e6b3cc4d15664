/**
 * @file linear against an f64 reference: every weight type, both product kernels, LoRA, dropout, parts, finite
 * differences.
 */

import { describe, expect, it } from "vitest";
import { encodeBatchScalars } from "../../src/engine/batchScalars.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { dropoutKeeps } from "../../src/engine/operators/dropout.ts";
import { linear } from "../../src/engine/operators/linear.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { checkLinear } from "../support/linearCheck.ts";
import { uniform } from "../support/matrices.ts";
import { runGraph } from "../support/runGraph.ts";

const kernels = ["register", "shared"] as const;

describe("linear", () => {
  for (const kernel of kernels) {
    // The shared-memory kernel takes long to compile on a processor; its loads are those of the other one.
    for (const dtype of kernel === "register" ? (["f32", "bf16", "f16"] as const) : (["bf16"] as const)) {
      it(`${dtype} weight, ${kernel} kernel, multiples of 4`, async () => {
        await checkLinear(await testGpu(), { T: 37, d: 40, out: 52, r: 8, p: 0.1, dtype, biasDtype: dtype, kernel });
      });
      it(`${dtype} weight, ${kernel} kernel, odd sizes`, async () => {
        await checkLinear(await testGpu(), { T: 13, d: 27, out: 35, r: 3, p: 0.25, dtype, biasDtype: "f32", kernel });
      });
    }
    it(`several tiles, ${kernel} kernel, added to a residual, with a gradient that has arrived before`, async () => {
      await checkLinear(await testGpu(), {
        T: 131,
        d: 132,
        out: 70,
        r: 6,
        p: 0.5,
        dtype: "bf16",
        kernel,
        residual: true,
        added: true,
      });
    });
    it(`one token, rank 1, ${kernel} kernel`, async () => {
      await checkLinear(await testGpu(), { T: 1, d: 5, out: 3, r: 1, dtype: "bf16", kernel });
      await checkLinear(await testGpu(), { T: 1, d: 264, out: 520, r: 4, dtype: "bf16", kernel, added: true });
    });
    it(`no adapter, ${kernel} kernel`, async () => {
      await checkLinear(await testGpu(), {
        T: 9,
        d: 64,
        out: 65,
        dtype: "bf16",
        biasDtype: "bf16",
        kernel,
        residual: true,
        added: true,
      });
    });
    it(`weight and tokens in parts, few workgroups, ${kernel} kernel`, async () => {
      const gpu = await testGpu({ maxBinding: 128 * 300 * 4, maxGroups: 13 });
      await checkLinear(gpu, {
        T: 140,
        d: 300,
        out: 300,
        r: 5,
        p: 0.1,
        dtype: "bf16",
        kernel,
        residual: true,
        added: true,
      });
      await checkLinear(gpu, { T: 5, d: 27, out: 35, r: 3, dtype: "f32", kernel, added: true });
    });
    it(`weight in parts, ${kernel} kernel, 16 bit`, async () => {
      const gpu = await testGpu({ maxBinding: 128 * 420 * 2 });
      await checkLinear(gpu, { T: 20, d: 420, out: 261, r: 4, dtype: "bf16", biasDtype: "f16", kernel });
    });
  }

  for (const kernel of kernels) {
    it(`large ranks, ${kernel} kernel`, async () => {
      await checkLinear(await testGpu(), { T: 70, d: 68, out: 33, r: 64, p: 0.05, dtype: "bf16", kernel });
      await checkLinear(await testGpu(), { T: 150, d: 300, out: 132, r: 20, p: 0.05, dtype: "bf16", kernel });
    });
    it(`ranks up to 9, ${kernel} kernel`, async () => {
      for (const r of [1, 2, 4, 5, 7, 9])
        await checkLinear(await testGpu(), { T: 6, d: 12, out: 20, r, p: 0.2, dtype: "bf16", kernel });
    });
  }

  it("reads f16 subnormals and extremes exactly", async () => {
    const gpu = await testGpu();
    const graph = new Graph();
    const x = graph.input("x", [1, 8]);
    const weight = graph.weight("W", [8, 8], "f16");
    const y = graph.retain(linear(graph, x, { name: "identity", weight }));
    const halves = new Uint16Array(64);
    const interesting = [0x0001, 0x03ff, 0x8200, 0x0400, 0x7bff, 0xfbff, 0x8000, 0x3c00];
    interesting.forEach((half, i) => (halves[i * 8] = half));
    const run = await runGraph(
      gpu,
      graph,
      new Map<Tensor, ArrayBufferView>([
        [x, Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0)],
        [weight, halves],
      ]),
    );
    expect([...(await run.read(y))].map((v) => v + 0)).toEqual([
      2 ** -24,
      1023 * 2 ** -24,
      -(2 ** -15),
      2 ** -14,
      65504,
      -65504,
      0,
      1,
    ]);
    run.destroy();
  });

  it("dropout on the device is the mask of the processor's twin", async () => {
    const gpu = await testGpu();
    const [T, d, p] = [50, 37, 0.3];
    const graph = new Graph();
    const x = graph.input("x", [T, d]);
    const weight = graph.weight("W", [d, d], "f32");
    const batch = graph.input("batch", [4], "u32");
    // A and B are identities, W is zero: y is the dropped input itself.
    const A = graph.parameter("A", [d, d]);
    const B = graph.parameter("B", [d, d]);
    const y = graph.retain(
      linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 1, dropout: { p, stream: 77, batch } } }),
    );
    const identity = Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
    const run = await runGraph(
      gpu,
      graph,
      new Map<Tensor, ArrayBufferView>([
        [x, new Float32Array(T * d).fill(1)],
        [A, identity],
        [B, identity],
        [batch, new Uint8Array(encodeBatchScalars({ seed: 0xfffffff1, counter: 3, lossScale: 1 }))],
      ]),
    );
    const kept = [...(await run.read(y)).subarray(0, T * d)].map((value) => value > 0);
    expect(kept).toEqual(kept.map((_, i) => dropoutKeeps(0xfffffff1, 3, 77, i, p)));
    run.destroy();
  });

  it("dropout of 0 is no dropout, bit for bit", async () => {
    const gpu = await testGpu();
    const outputs: Float32Array[] = [];
    for (const p of [undefined, 0]) {
      const graph = new Graph();
      const x = graph.input("x", [9, 12]);
      const weight = graph.weight("W", [8, 12], "f32");
      const batch = graph.input("batch", [4], "u32");
      const A = graph.parameter("A", [4, 12]);
      const B = graph.parameter("B", [8, 4]);
      const dropout = p === undefined ? {} : { dropout: { p, stream: 0, batch } };
      const y = graph.retain(linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 2, ...dropout } }));
      const data = new Map<Tensor, ArrayBufferView>(
        [x, weight, A, B].map((t, i) => [
          t,
          Float32Array.from(uniform(t.shape[0] ? t.shape.reduce((a, b) => a * b) : 1, i)),
        ]),
      );
      const run = await runGraph(gpu, graph, data);
      outputs.push(await run.read(y));
      run.destroy();
    }
    expect(outputs[0]).toEqual(outputs[1]);
  });

  it("makes only the gradients that are wanted", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 8]);
    const weight = graph.weight("W", [8, 8], "f32");
    const A = graph.parameter("A", [2, 8]);
    const B = graph.parameter("B", [8, 2]);
    const y = linear(graph, x, { name: "layer", weight, lora: { A, B, scale: 1 } });
    const before = graph.nodes.length;
    backward(graph, { seeds: new Map([[y, graph.input("dy", [4, 8])]]), wrt: new Set([A, B]), add });
    expect(graph.nodes.slice(before).map((node) => node.operator.name)).toEqual([
      "loraFactorGradient",
      "loraHiddenGradient",
      "loraFactorGradient",
    ]);
  });

  it("refuses shapes that do not fit", () => {
    const graph = new Graph();
    const x = graph.input("x", [4, 8]);
    expect(() => linear(graph, x, { name: "q_proj", weight: graph.weight("W", [8, 9], "f32") })).toThrow("q_proj");
  });
});
