/** @file Embedding: every storage type, tables in parts, repeated and wrong ids, the scatter-add of its gradient. */

import { describe, it } from "vitest";
import type { Gpu } from "../../src/engine/device.ts";
import { embedding } from "../../src/engine/operators/embedding.ts";
import type { DType } from "../../src/engine/tensor.ts";
import { testGpu } from "../support/gpu.ts";
import { normal } from "../support/numeric.ts";
import { type Numbers, checkOperator } from "../support/operatorCheck.ts";
import { embeddingReference } from "../support/reference.ts";

const TOKENS = 37;
const VOCABULARY = 1000;

function someIds(): Uint32Array {
  return Uint32Array.from({ length: TOKENS }, (_, t) => (t % 5 === 0 ? 999 : (t * t * 31) % VOCABULARY));
}

interface Case {
  readonly dtype: DType;
  readonly width: number;
  readonly scale?: number;
}

async function checkForward(gpu: Gpu, { dtype, width, scale }: Case): Promise<void> {
  const ids = someIds();
  ids[7] = VOCABULARY;
  ids[8] = 0xffffffff;
  await checkOperator(gpu, {
    operands: {
      ids: { shape: [TOKENS], values: ids },
      table: { kind: "weight", shape: [VOCABULARY, width], values: normal(VOCABULARY * width, 1), dtype },
    },
    graph: (graph, tensors) => embedding(graph, tensors.ids, tensors.table, { scale }),
    reference: ({ table }) => embeddingReference(ids, table, VOCABULARY, width, scale),
    tolerance: { output: 1e-7 },
  });
}

describe("embedding", () => {
  for (const dtype of ["f32", "bf16", "f16"] as const) {
    it.each([8, 20, 63])(`reads ${dtype} rows of %d; ids beyond the table give zeros`, async (width) => {
      await checkForward(await testGpu(), { dtype, width });
    });
  }

  it("reads a table in several parts", async () => {
    const f32 = await testGpu({ maxBinding: 256 * 20 * 4 });
    await checkForward(f32, { dtype: "f32", width: 20, scale: 3.5 });
    const bf16 = await testGpu({ maxBinding: 256 * 20 * 2, maxGroups: 3 });
    await checkForward(bf16, { dtype: "bf16", width: 20 });
  });

  it("adds the gradient of a trainable table, in order", async () => {
    const [width, scale] = [20, 2];
    const ids = someIds();
    const look = (table: Numbers): Float64Array => embeddingReference(ids, table, VOCABULARY, width, scale);
    await checkOperator(await testGpu(), {
      operands: {
        ids: { shape: [TOKENS], values: ids },
        table: {
          kind: "parameter",
          shape: [VOCABULARY, width],
          values: normal(VOCABULARY * width, 1),
          grad: true,
        },
      },
      // The second use adds to the same gradient.
      graph: (graph, tensors) => ({
        first: embedding(graph, tensors.ids, tensors.table, { scale }),
        second: embedding(graph, tensors.ids, tensors.table, { scale }),
      }),
      reference: ({ table }) => ({ first: look(table), second: look(table) }),
      gradient: (_, { first = [], second = [] }) => {
        const table = new Float64Array(VOCABULARY * width);
        for (let n = 0; n < first.length; n++) {
          const i = (ids[Math.floor(n / width)] ?? 0) * width + (n % width);
          table[i] = (table[i] ?? 0) + scale * ((first[n] ?? 0) + (second[n] ?? 0));
        }
        return { table };
      },
      tolerance: { differences: 1e-6 },
      points: [999 * width, 999 * width + 7],
    });
  });
});
