/** @file RMSNorm: forward, both gradients, adding to an existing gradient, parts; both kernel variants. */

import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { backward } from "../../src/engine/backward.ts";
import { Graph } from "../../src/engine/graph.ts";
import { add } from "../../src/engine/operators/add.ts";
import { rmsNorm } from "../../src/engine/operators/rmsNorm.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { centralDifferences, inner, normal, pick, pretend, relativeError, spread, store } from "../support/numeric.ts";
import { rmsNormGradient, rmsNormReference } from "../support/reference.ts";
import { runGraph } from "../support/runGraph.ts";

const EPS = 1e-5;

for (const software of [true, false]) {
  describe(`rmsNorm, variant for ${software ? "software" : "real"} adapters`, () => {
    let gpu: Gpu;
    beforeAll(async () => {
      gpu = pretend(await testGpu(), software);
    });

    for (const dtype of ["f32", "bf16", "f16"] as const) {
      for (const width of [8, 20, 131]) {
        it(`weight in ${dtype}, rows of ${width}`, async () => {
          const x = normal(37 * width, 1);
          const weight = store(normal(width, 2), dtype);
          const dy = normal(37 * width, 3);
          const graph = new Graph();
          const [tx, tw, seed] = [
            graph.input("x", [37, width]),
            graph.weight("w", [width], dtype),
            graph.input("seed", [37, width]),
          ];
          const y = graph.retain(rmsNorm(graph, tx, tw, EPS, "norm"));
          const gradients = backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set([tx]), add });
          const run = await runGraph(
            gpu,
            graph,
            new Map<Tensor, ArrayBufferView>([
              [tx, x],
              [tw, weight.bytes],
              [seed, dy],
            ]),
          );
          expect(relativeError(await run.read(y), rmsNormReference(x, weight.values, EPS))).toBeLessThan(1e-6);
          const got = await run.read(gradients.get(tx) ?? tx);
          const { dx } = rmsNormGradient(x, weight.values, dy, EPS);
          expect(relativeError(got, dx)).toBeLessThan(1e-6);
          const where = spread(x.length);
          const differences = centralDifferences(
            (moved) => inner(dy, rmsNormReference(moved, weight.values, EPS)),
            x,
            where,
          );
          expect(relativeError(pick(dx, where), differences)).toBeLessThan(1e-6);
          expect(relativeError(pick(got, where), differences)).toBeLessThan(3e-6);
          run.destroy();
        });
      }
    }

    for (const { heads, headDim, addOne } of [
      { heads: 3, headDim: 20, addOne: false },
      { heads: 5, headDim: 14, addOne: true },
      { heads: 1, headDim: 131, addOne: true },
    ]) {
      const weight = addOne ? ", weight + 1" : "";
      it(`${heads} groups of ${headDim}${weight}: both gradients, whole and in parts`, async () => {
        const [tokens, width] = [300, heads * headDim];
        const [x, w, dy] = [normal(tokens * width, 1), normal(headDim, 2), normal(tokens * width, 3)];
        const factor = (weight: ArrayLike<number>): Float64Array =>
          Float64Array.from(weight, (value) => (addOne ? 1 + value : value));
        const split = pretend(await testGpu({ maxBinding: 128 * width * 4, maxGroups: 40 }), software);
        for (const device of [gpu, split]) {
          const graph = new Graph();
          const [tx, tw, seed] = [
            graph.input("x", [tokens, width]),
            graph.parameter("w", [headDim]),
            graph.input("seed", [tokens, width]),
          ];
          const y = graph.retain(rmsNorm(graph, tx, tw, EPS, "norm", { addOne }));
          const gradients = backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set([tx, tw]), add });
          const run = await runGraph(
            device,
            graph,
            new Map<Tensor, ArrayBufferView>([
              [tx, x],
              [tw, w],
              [seed, dy],
            ]),
          );
          expect(relativeError(await run.read(y), rmsNormReference(x, factor(w), EPS))).toBeLessThan(1e-6);
          const { dx, dw } = rmsNormGradient(x, factor(w), dy, EPS);
          const [gotX, gotW] = [await run.read(gradients.get(tx) ?? tx), (await run.gradients()).get("w") ?? []];
          expect(relativeError(gotX, dx)).toBeLessThan(1e-6);
          expect(relativeError(gotW, dw)).toBeLessThan(2e-6);
          const [whereX, whereW] = [spread(x.length, 8), spread(headDim, 8)];
          const moveX = centralDifferences((moved) => inner(dy, rmsNormReference(moved, factor(w), EPS)), x, whereX);
          const moveW = centralDifferences((moved) => inner(dy, rmsNormReference(x, factor(moved), EPS)), w, whereW);
          expect(relativeError(pick(dx, whereX), moveX)).toBeLessThan(1e-6);
          expect(relativeError(pick(gotX, whereX), moveX)).toBeLessThan(3e-6);
          expect(relativeError(pick(dw, whereW), moveW)).toBeLessThan(1e-6);
          expect(relativeError(pick(gotW, whereW), moveW)).toBeLessThan(3e-6);
          run.destroy();
        }
      });
    }

    it("refuses a weight that does not divide a row", () => {
      const graph = new Graph();
      expect(() => rmsNorm(graph, graph.input("x", [3, 20]), graph.input("w", [8]), EPS, "norm")).toThrow(
        "norm: rows of 20 and a weight of 8",
      );
    });

    it("with a residual, summed apart or in its own pass, adds to that gradient and trains its weight", async () => {
      const width = 20;
      const tokens = 300;
      const [x, w, dy] = [normal(tokens * width, 1), normal(width, 2), normal(tokens * width, 3)];
      // Parts of 128 rows.
      const split = pretend(await testGpu({ maxBinding: 128 * width * 4, maxGroups: 20 }), software);
      const joined = [
        (graph: Graph, x: Tensor, w: Tensor) => add(graph, rmsNorm(graph, x, w, EPS, "norm"), x),
        (graph: Graph, x: Tensor, w: Tensor) => rmsNorm(graph, x, w, EPS, "norm", { residual: x }),
      ];
      for (const [device, join] of [gpu, split].flatMap((device) => joined.map((join) => [device, join] as const))) {
        const graph = new Graph();
        const [tx, tw, seed] = [
          graph.input("x", [tokens, width]),
          graph.parameter("w", [width]),
          graph.input("seed", [tokens, width]),
        ];
        const y = graph.retain(join(graph, tx, tw));
        const gradients = backward(graph, { seeds: new Map([[y, seed]]), wrt: new Set([tx, tw]), add });
        const run = await runGraph(
          device,
          graph,
          new Map<Tensor, ArrayBufferView>([
            [tx, x],
            [tw, w],
            [seed, dy],
          ]),
        );
        const reference = rmsNormReference(x, w, EPS);
        expect(
          relativeError(
            await run.read(y),
            reference.map((value, i) => value + (x[i] ?? 0)),
          ),
        ).toBeLessThan(1e-6);
        const { dx, dw } = rmsNormGradient(x, w, dy, EPS);
        expect(
          relativeError(
            await run.read(gradients.get(tx) ?? tx),
            dx.map((value, i) => value + (dy[i] ?? 0)),
          ),
        ).toBeLessThan(1e-6);
        expect(relativeError((await run.gradients()).get("w") ?? [], dw)).toBeLessThan(2e-6);
        const differences = centralDifferences((moved) => inner(dy, rmsNormReference(x, moved, EPS)), w, spread(width));
        expect(relativeError(pick(dw, spread(width)), differences)).toBeLessThan(1e-6);
        expect(relativeError(await run.read(seed), dy)).toBe(0);
        run.destroy();
      }
    });
  });
}
