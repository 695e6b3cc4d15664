/** @file The anchored penalty on a device, against PyTorch's autograd, an f64 reference and finite differences. */

import { describe, expect, it } from "vitest";
import { STATS } from "../../src/engine/batchScalars.ts";
import { leftSingularVectors } from "../../src/methods/direction/singularVectors.ts";
import type { TensorReader } from "../../src/weights/tensorReader.ts";
import { pretend, testGpu } from "../support/gpu.ts";
import { normal, plus } from "../support/numeric.ts";
import {
  combine,
  finiteDifferences,
  inner,
  matrix,
  multiply,
  naiveGradients,
  naivePenalty,
  normOf,
  normals,
  randomMatrix,
  relativeError,
  transpose,
} from "./reference.ts";
import { type Subject, adapted, goldenFixture, pairOf, startMethod } from "./support.ts";

const { rank, modules: golden } = goldenFixture();
const PROJECTORS = ["safe_lora", "rank", "flat", "flat_plus", "none"] as const;
/** Those in the fixture; flat_plus has a trajectory instead (trajectories.gpu.test.ts). */
const IN_FIXTURE = ["safe_lora", "rank", "flat", "none"] as const;

function subject(path: string, out: number, inn: number, r: number, seed: number, scale = 2): Subject {
  const random = normals(seed);
  const unaligned = Float32Array.from(randomMatrix(out, inn, random, 0.5).data);
  const v = randomMatrix(out, inn, random, 2 / Math.sqrt(out + inn));
  return {
    module: adapted(path, out, inn, r, scale),
    unaligned,
    aligned: unaligned.map((value, i) => value + (v.data[i] ?? 0)),
    a: Float32Array.from(randomMatrix(r, inn, random, 1 / Math.sqrt(inn)).data),
    b: Float32Array.from(randomMatrix(out, r, random, 0.2).data),
  };
}

function differenceOf({ aligned, unaligned }: Subject): Float32Array {
  return aligned.map((value, i) => value - (unaligned[i] ?? 0));
}

/** The f64 case of a subject. */
function caseOf(one: Subject, projector: (typeof PROJECTORS)[number], k: number, s = 1) {
  const { outFeatures: out, inFeatures: inn, r } = one.module;
  const v = differenceOf(one);
  const { vectors } = leftSingularVectors(v, out, inn, k);
  const columns = Array.from(
    { length: out * vectors.length },
    (_, i) => vectors[i % vectors.length]?.[Math.floor(i / vectors.length)] ?? 0,
  );
  return {
    projector,
    v: matrix(out, inn, v),
    u: matrix(out, vectors.length, columns),
    a: matrix(r, inn, one.a),
    b: matrix(out, r, one.b),
    s,
  };
}

/** <BA, V>. */
function innerWithV(one: Subject): number {
  const { v, a, b } = caseOf(one, "flat", 1);
  return inner(multiply(b, a), v);
}

describe("AsFT's penalty", () => {
  for (const projector of IN_FIXTURE) {
    for (const [scale, software] of [
      ["ba", true],
      ["scaled", true],
      ["ba", false],
    ] as const) {
      const kernels = software ? "software" : "GPU";
      it(`${projector}, on ${scale}, ${kernels} kernels: value and gradient equal torch.autograd's`, async () => {
        const gpu = pretend(await testGpu(), software);
        const lambda = 0.7;
        const run = await startMethod(gpu, { name: "asft", projector, rank, lambda, penalty_scale: scale }, golden);
        await run.step();
        const stats = await run.stats();
        const gradients = await run.gradients();
        let sum = 0;
        golden.forEach(({ module, penalty }, index) => {
          const expected = penalty[projector]?.[scale];
          if (!expected) throw new Error("missing in the fixture");
          sum += expected.value;
          const value = stats[STATS.modules + index] ?? NaN;
          expect(Math.abs(value - expected.value) / expected.value, `${module.path} P`).toBeLessThan(5e-6);
          const times = (values: Float32Array): Float32Array => values.map((x) => lambda * x);
          expect(relativeError(gradients.get(module.a) ?? [], times(expected.a)), `${module.path} dA`).toBeLessThan(
            5e-6,
          );
          expect(relativeError(gradients.get(module.b) ?? [], times(expected.b)), `${module.path} dB`).toBeLessThan(
            5e-6,
          );
        });
        expect(Math.abs((stats[STATS.penalty] ?? NaN) - sum) / sum).toBeLessThan(5e-6);
        expect(run.prepared.bytes).toBe(run.plannedBytes);
        run.destroy();
      });
    }
  }

  it("logs the ratio, the norms, the eigenvalue and the cosine that PyTorch finds", async () => {
    const gpu = await testGpu();
    const run = await startMethod(gpu, { name: "asft" }, golden);
    const log = (await run.prepared.report()) as { ratio: number; modules: Record<string, number>[] };
    golden.forEach(({ penalty, normSquared, directionNorm, largestEigenvalue, cosine }, index) => {
      const entry = log.modules[index] ?? {};
      const p = penalty.safe_lora?.ba.value ?? NaN;
      expect(entry.penalty).toBeCloseTo(p, 5);
      expect(entry.update_norm_squared).toBeCloseTo(normSquared, 5);
      expect(entry.ratio).toBeCloseTo(p / normSquared, 5);
      expect(entry.direction_norm).toBeCloseTo(directionNorm, 5);
      expect(entry.largest_eigenvalue).toBeCloseTo(largestEigenvalue, 4);
      expect(entry.cosine).toBeCloseTo(cosine, 4);
    });
    // The log disturbs neither gradients nor stats.
    expect((await run.stats()).every((value) => value === 0)).toBe(true);
    expect([...(await run.gradients()).values()].every((values) => values.every((value) => value === 0))).toBe(true);
    run.destroy();
  });

  const larger = [
    subject("l0.q", 96, 130, 8, 1),
    subject("l0.k", 37, 130, 8, 2),
    subject("l0.up", 141, 50, 8, 3),
    subject("l1.q", 96, 130, 8, 4),
    subject("l1.k", 37, 130, 8, 5),
    subject("l1.up", 141, 50, 8, 6),
    subject("l1.down", 50, 141, 13, 7),
    subject("l1.big", 70, 71, 64, 8),
  ];

  it("is tested on both sides of V", () => {
    expect(new Set(larger.map((one) => innerWithV(one) > 0)).size).toBe(2);
  });

  for (const projector of PROJECTORS) {
    for (const limits of [{}, { maxBinding: 36_096, maxGroups: 24 }]) {
      const anchors = "maxBinding" in limits ? "anchors in parts" : "whole anchors";
      it(`${projector}, stacked modules, ${anchors}: value and gradient equal f64's`, async () => {
        const gpu = await testGpu(limits);
        const k = 5;
        const run = await startMethod(gpu, { name: "asft", projector, rank: k }, larger);
        await run.step();
        const stats = await run.stats();
        const gradients = await run.gradients();
        larger.forEach((one, index) => {
          const input = caseOf(one, projector, k);
          const value = naivePenalty(input);
          const expected = naiveGradients(input);
          expect(Math.abs((stats[STATS.modules + index] ?? NaN) - value) / value, `${one.module.path} P`).toBeLessThan(
            1e-5,
          );
          expect(
            relativeError(gradients.get(one.module.a) ?? [], expected.a.data),
            `${one.module.path} dA`,
          ).toBeLessThan(1e-5);
          expect(
            relativeError(gradients.get(one.module.b) ?? [], expected.b.data),
            `${one.module.path} dB`,
          ).toBeLessThan(1e-5);
        });
        expect(run.prepared.bytes).toBe(run.plannedBytes);
        run.destroy();
      });
    }
  }

  it("has the gradient that finite differences find", async () => {
    const gpu = await testGpu();
    const small = [subject("w", 6, 9, 3, 11), subject("t", 11, 5, 2, 12)];
    for (const projector of PROJECTORS) {
      const run = await startMethod(gpu, { name: "asft", projector, rank: 2, penalty_scale: "scaled" }, small);
      await run.step();
      const gradients = await run.gradients();
      for (const one of small) {
        const input = caseOf(one, projector, 2, one.module.scale);
        const exact = naiveGradients(input);
        for (const which of ["a", "b"] as const) {
          const numeric = finiteDifferences(input, which).data;
          expect(relativeError(exact[which].data, numeric), `${projector} ${which}, f64 reference`).toBeLessThan(1e-6);
          expect(
            relativeError(gradients.get(one.module[which]) ?? [], numeric),
            `${projector} ${which}, device`,
          ).toBeLessThan(1e-4);
        }
      }
      run.destroy();
    }
  });
});

describe("identities of the penalty", () => {
  const wide = subject("wide", 12, 20, 4, 21);
  const tall = subject("tall", 20, 12, 4, 22);

  it("is 0 with zero gradients at B = 0", async () => {
    const gpu = await testGpu();
    for (const projector of PROJECTORS) {
      const run = await startMethod(
        gpu,
        { name: "asft", projector },
        [wide, tall].map((one) => ({ ...one, b: new Float32Array(one.b.length) })),
      );
      await run.step();
      expect((await run.stats()).every((value) => value === 0)).toBe(true);
      for (const values of (await run.gradients()).values()) expect(values.every((value) => value === 0)).toBe(true);
      run.destroy();
    }
  });

  it("is plain L2 where V = 0", async () => {
    const gpu = await testGpu();
    const same = [wide, tall].map((one) => ({ ...one, aligned: one.unaligned }));
    const results: { stats: Float32Array; gradients: Map<string, Float32Array> }[] = [];
    for (const projector of PROJECTORS) {
      const run = await startMethod(gpu, { name: "asft", projector }, same);
      await run.step();
      results.push({ stats: await run.stats(), gradients: await run.gradients() });
      run.destroy();
    }
    const plain = results.at(-1);
    for (const result of results) {
      expect(relativeError(result.stats, plain?.stats ?? [])).toBeLessThan(1e-7);
      for (const [name, values] of result.gradients)
        expect(relativeError(values, plain?.gradients.get(name) ?? []), name).toBeLessThan(1e-7);
    }
  });

  it("flat_plus differs from flat only against V, which it penalises as plain L2 does", async () => {
    const gpu = await testGpu();
    const penaltyOf = async (
      projector: (typeof PROJECTORS)[number],
      one: Subject,
    ): Promise<{ value: number; gradients: Map<string, Float32Array> }> => {
      const run = await startMethod(gpu, { name: "asft", projector }, [one]);
      await run.step();
      const result = { value: (await run.stats())[STATS.penalty] ?? NaN, gradients: await run.gradients() };
      run.destroy();
      return result;
    };
    // B·A = c V of rank 1: u wᵀ.
    const line = subject("line", 9, 14, 1, 31);
    const v = multiply(matrix(9, 1, line.b), matrix(1, 14, line.a));
    const along = { ...line, unaligned: new Float32Array(126), aligned: Float32Array.from(v.data) };
    const against = { ...along, b: along.b.map((value) => -value) };
    const size = inner(v, v);
    expect((await penaltyOf("flat_plus", along)).value / size).toBeLessThan(1e-6);
    expect((await penaltyOf("flat", against)).value / size).toBeLessThan(1e-6);
    expect((await penaltyOf("flat_plus", against)).value / size).toBeCloseTo(1, 5);
    for (const one of [wide, tall]) {
      const turned = { ...one, b: one.b.map((value) => -value) };
      const [positive, negative] = innerWithV(one) > 0 ? [one, turned] : [turned, one];
      expect(await penaltyOf("flat_plus", positive)).toEqual(await penaltyOf("flat", positive));
      const [sided, plain] = [await penaltyOf("flat_plus", negative), await penaltyOf("none", negative)];
      expect(sided.value / plain.value).toBeCloseTo(1, 6);
      for (const [name, values] of sided.gradients)
        expect(relativeError(values, plain.gradients.get(name) ?? [])).toBeLessThan(1e-6);
    }
  });

  it("keeps its log where the pair cannot be read again, or only by another download", async () => {
    const gpu = await testGpu();
    for (const [change, reads, why] of [
      [{ uncached: true }, 0, /downloaded again/],
      [
        {
          read: () => {
            throw new Error("the server has gone");
          },
        },
        1,
        /the server has gone/,
      ],
    ] as const) {
      const pair = pairOf([wide]);
      const unaligned: TensorReader = { ...pair.unaligned };
      const run = await startMethod(gpu, { name: "asft" }, [wide], { ...pair, unaligned });
      let asked = 0;
      const read = "read" in change ? change.read : unaligned.read.bind(unaligned);
      Object.assign(unaligned, change, {
        read: (name: string) => {
          asked += 1;
          return read(name);
        },
      });
      expect(await run.prepared.report()).toMatchObject({
        direction_share: null,
        direction_share_unknown: expect.stringMatching(why) as string,
        ratio: expect.any(Number) as number,
        modules: [{ direction_cosine: null, cosine: expect.any(Number) as number }],
      });
      expect(asked).toBe(reads);
      run.destroy();
    }
  });

  it("logs the share of B·A inside span{V}, whatever the projector", async () => {
    const gpu = await testGpu();
    for (const projector of PROJECTORS) {
      const run = await startMethod(gpu, { name: "asft", projector, rank: 2 }, [wide, tall]);
      const log = (await run.prepared.report()) as {
        direction_share: number | null;
        modules: { direction_cosine: number | null; inside_share: number | null }[];
      };
      let [along, whole] = [0, 0];
      [wide, tall].forEach((one, i) => {
        const { v, a, b } = caseOf(one, projector, 2);
        const delta = multiply(b, a);
        const cosine = inner(delta, v) / (normOf(delta) * normOf(v));
        along += cosine ** 2 * inner(delta, delta);
        whole += inner(delta, delta);
        const entry = log.modules[i];
        if (projector === "none") expect(entry?.direction_cosine).toBeNull();
        else expect(entry?.direction_cosine).toBeCloseTo(cosine, 5);
        const free =
          projector === "flat"
            ? cosine ** 2
            : projector === "flat_plus"
              ? Math.max(cosine, 0) ** 2
              : projector === "rank"
                ? 1 - naivePenalty(caseOf(one, projector, 2)) / inner(delta, delta)
                : null;
        if (free === null) expect(entry?.inside_share).toBeNull();
        else expect(entry?.inside_share).toBeCloseTo(free, 5);
      });
      if (projector === "none") expect(log.direction_share).toBeNull();
      else expect(log.direction_share).toBeCloseTo(along / whole, 5);
      run.destroy();
    }
  });

  it("with lambda 0 adds no dispatch, takes no memory and reads nothing", async () => {
    const gpu = await testGpu();
    const pair = pairOf([wide]);
    const run = await startMethod(gpu, { name: "asft", lambda: 0 }, [wide], pair);
    expect(run.dispatches).toEqual([]);
    expect(run.prepared.bytes).toBe(0);
    expect(run.plannedBytes).toBe(0);
    expect([...pair.aligned.reads, ...pair.unaligned.reads]).toEqual([]);
    run.destroy();
  });

  it("rank: a second projection changes nothing; safe_lora: it does", async () => {
    const gpu = await testGpu();
    for (const [projector, idempotent] of [
      ["rank", true],
      ["safe_lora", false],
    ] as const) {
      const { u, v, b } = caseOf(wide, projector, 3);
      const norm = normOf(v);
      const once =
        projector === "rank"
          ? combine(b, -1, multiply(u, multiply(transpose(u), b)))
          : combine(b, -1 / norm, multiply(v, multiply(transpose(v), b)));
      const values: number[] = [];
      for (const one of [wide, { ...wide, b: Float32Array.from(once.data) }]) {
        const run = await startMethod(gpu, { name: "asft", projector, rank: 3 }, [one]);
        await run.step();
        values.push((await run.stats())[STATS.penalty] ?? NaN);
        run.destroy();
      }
      const [before = NaN, after = NaN] = values;
      if (idempotent) expect(Math.abs(after - before) / before).toBeLessThan(1e-5);
      else expect(Math.abs(after - before) / before).toBeGreaterThan(0.01);
    }
  });

  it("rank: vanishes for a wide V at k = rank(V)", async () => {
    const gpu = await testGpu();
    const run = await startMethod(gpu, { name: "asft", projector: "rank", rank: 12 }, [wide]);
    await run.step();
    const plain = naivePenalty(caseOf(wide, "none", 1));
    expect((await run.stats())[STATS.penalty] ?? NaN).toBeLessThan(1e-11 * plain);
    run.destroy();
  });

  it("does not change under V -> 3 V for rank and flat, and does for safe_lora", async () => {
    const gpu = await testGpu();
    const stretched = {
      ...wide,
      aligned: wide.unaligned.map((value, i) => value + 3 * ((wide.aligned[i] ?? 0) - value)),
    };
    for (const projector of PROJECTORS) {
      const values: number[] = [];
      for (const one of [wide, stretched]) {
        const run = await startMethod(gpu, { name: "asft", projector, rank: 3 }, [one]);
        await run.step();
        values.push((await run.stats())[STATS.penalty] ?? NaN);
        run.destroy();
      }
      const [before = NaN, after = NaN] = values;
      const change = Math.abs(after - before) / before;
      if (projector === "safe_lora") {
        expect(change).toBeGreaterThan(0.01);
        const expected = naivePenalty(caseOf(stretched, projector, 1));
        expect(Math.abs(after - expected) / expected).toBeLessThan(1e-5);
      } else expect(change).toBeLessThan(1e-5);
    }
  });

  it("reads bf16 and f16 checkpoints, only the targeted matrices, each once", async () => {
    const gpu = await testGpu();
    for (const dtype of ["BF16", "F16"] as const) {
      const pair = pairOf([wide, tall], dtype);
      const run = await startMethod(gpu, { name: "asft" }, [tall], pair);
      await run.step();
      expect(pair.aligned.reads).toEqual(["tall.weight"]);
      expect(pair.unaligned.reads).toEqual(["tall.weight"]);
      expect((await run.stats())[STATS.penalty]).toBeGreaterThan(0);
      run.destroy();
    }
  });

  it("repeats bit for bit", async () => {
    const run = await startMethod(await testGpu(), { name: "asft" }, [wide, tall]);
    await run.step();
    const first = await run.gradients();
    await run.step();
    expect(await run.gradients()).toEqual(first);
    run.destroy();
  });

  it.each(PROJECTORS)("%s: adds to gradients that are already there", async (projector) => {
    const run = await startMethod(await testGpu(), { name: "asft", projector }, [wide, tall]);
    await run.step();
    const own = await run.gradients();
    const before = new Map<string, Float32Array>();
    for (const [index, [name, values]] of [...own].entries()) {
      // About as large as what is added.
      const there = normal(values.length, 50 + index, 0.01 + Math.hypot(...values) / Math.sqrt(values.length));
      before.set(name, there);
      run.parameters.write("gradients", name, there);
    }
    await run.step({ keepGradients: true });
    for (const [name, values] of await run.gradients())
      expect(relativeError(values, plus(before.get(name) ?? [], own.get(name) ?? [])), name).toBeLessThan(1e-6);
    run.destroy();
  });
});
