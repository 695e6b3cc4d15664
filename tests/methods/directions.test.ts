/** @file Alignment directions: reading V from two checkpoints, its singular vectors, and what is refused. */

import { Matrix, SVD } from "ml-matrix";
import { describe, expect, it } from "vitest";
import {
  type CheckpointPair,
  checkPair,
  frobenius,
  readDifference,
} from "../../src/methods/direction/weightDifference.ts";
import { leftSingularVectors } from "../../src/methods/direction/singularVectors.ts";
import type { TensorReader } from "../../src/weights/tensorReader.ts";
import { normals, randomMatrix } from "./reference.ts";
import { memoryReader } from "./support.ts";

const module = { path: "m", outFeatures: 3, inFeatures: 4 };
const values = (f: (i: number) => number): Float32Array => Float32Array.from({ length: 12 }, (_, i) => f(i));
const pair = (aligned: TensorReader, unaligned: TensorReader): CheckpointPair => ({ aligned, unaligned });
const reader = (data: Float32Array, shape = [3, 4], name = "m.weight") =>
  memoryReader({ [name]: { shape, values: data } }, 8);

describe("the difference of two checkpoints", () => {
  it("is taken in f32, whatever the stored types", async () => {
    const aligned = memoryReader({ "m.weight": { shape: [3, 4], values: values((i) => i + 0.1) } }, 20);
    const unaligned = memoryReader({ "m.weight": { shape: [3, 4], values: values((i) => i / 4), dtype: "BF16" } }, 4);
    const difference = await readDifference(module, { aligned, unaligned });
    difference.forEach((value, i) => expect(value).toBe(Math.fround(Math.fround(i + 0.1) - i / 4)));
    expect(frobenius([3, 4])).toBe(5);
  });

  it("refuses unequal shapes, naming the tensor and both", () => {
    expect(() =>
      checkPair(
        [module],
        pair(
          reader(values(() => 1)),
          reader(
            values(() => 1),
            [4, 3],
          ),
        ),
      ),
    ).toThrow(/\[3, 4\].*\[4, 3\].*m\.weight/);
    expect(() =>
      checkPair([{ ...module, inFeatures: 5 }], pair(reader(values(() => 1)), reader(values(() => 1)))),
    ).toThrow(/\[3, 5\].*\[3, 4\]/);
  });

  it("refuses a missing tensor, naming it and the checkpoint", () => {
    expect(() =>
      checkPair(
        [module],
        pair(
          reader(values(() => 1)),
          reader(
            values(() => 1),
            [3, 4],
            "other",
          ),
        ),
      ),
    ).toThrow(/unaligned.*m\.weight/);
  });

  it("refuses a difference beyond the range of f32, naming the tensor and the value", async () => {
    const huge = (sign: number) => reader(values((i) => (i === 5 ? sign * 3e38 : 1)));
    await expect(readDifference(module, pair(huge(1), huge(-1)))).rejects.toThrow(/Value 5 .*float32.*m\.weight/s);
  });

  it("refuses values that are not finite, with their place", async () => {
    await expect(
      readDifference(module, pair(reader(values(() => 1)), reader(values((i) => (i === 7 ? NaN : 0))))),
    ).rejects.toThrow(/Value 7 of the unaligned.*m\.weight/);
    await expect(
      readDifference(module, pair(reader(values((i) => (i === 2 ? Infinity : 0))), reader(values(() => 1)))),
    ).rejects.toThrow(/Value 2 of the aligned/);
  });

  it("refuses a stream that ends early", async () => {
    await expect(
      readDifference(module, pair(reader(values(() => 1).subarray(0, 8)), reader(values(() => 1)))),
    ).rejects.toThrow(/8 of 12 values/);
  });
});

/** ‖P - Q‖_F of the projectors onto two orthonormal sets, each a list of columns. */
function subspaceDistance(p: readonly ArrayLike<number>[], q: readonly ArrayLike<number>[]): number {
  const dots = p.flatMap((x) =>
    q.map((y) => Array.from(x).reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0) ** 2),
  );
  return Math.sqrt(Math.max(0, p.length + q.length - 2 * dots.reduce((sum, value) => sum + value, 0)));
}

describe("left singular vectors", () => {
  const random = normals(99);
  const cases = [
    { name: "a flat spectrum", rows: 90, columns: 120, k: 4, make: () => randomMatrix(90, 120, random).data },
    { name: "a tall matrix", rows: 150, columns: 40, k: 3, make: () => randomMatrix(150, 40, random).data },
    {
      name: "a wide matrix, all its vectors",
      rows: 20,
      columns: 70,
      k: 20,
      make: () => randomMatrix(20, 70, random).data,
    },
    {
      name: "equal singular values",
      rows: 60,
      columns: 60,
      k: 4,
      make: () => Float64Array.from({ length: 3600 }, (_, i) => (i % 61 === 0 ? (i < 244 ? 3 : 1) : 0)),
    },
    { name: "a tiny scale", rows: 50, columns: 50, k: 2, make: () => randomMatrix(50, 50, random, 1e-9).data },
  ];
  for (const { name, rows, columns, k, make } of cases) {
    it(`${name}: those of a full decomposition`, () => {
      const v = Float32Array.from(make());
      const result = leftSingularVectors(v, rows, columns, k);
      const full = new SVD(Matrix.from1DArray(rows, columns, Array.from(v)), { autoTranspose: true });
      expect(result.residual).toBeLessThanOrEqual(1e-9);
      expect(result.values.length).toBe(k);
      const scale = full.diagonal[0] ?? 1;
      result.values.forEach((value, i) =>
        expect(Math.abs(value - (full.diagonal[i] ?? NaN)) / scale).toBeLessThan(1e-9),
      );
      const expected = Array.from({ length: k }, (_, i) => full.leftSingularVectors.getColumn(i));
      expect(subspaceDistance(result.vectors, expected)).toBeLessThan(2e-7);
    });
  }

  it("gives no more vectors than the rank, and none for zero", () => {
    const low = Float32Array.from({ length: 400 }, (_, i) => Math.floor(i / 20) * (i % 20));
    expect(leftSingularVectors(low, 20, 20, 5).values.length).toBe(1);
    expect(leftSingularVectors(new Float32Array(400), 20, 20, 5).values).toEqual([]);
  });
});
