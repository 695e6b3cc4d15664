import { describe, expect, test } from "vitest";
import { interleave } from "../../bench/measure/interleave.ts";
import { digits, markdownTable, ratio, scientific } from "../../bench/report/markdown.ts";
import { lead, leadOver } from "../../bench/report/sides.ts";
import { productModel } from "../../bench/peers/onnxFile.ts";
import { fullReferenceLoss, fullStepFlops, nextTokens } from "../../bench/workload/fullStep.ts";
import { referenceHidden, referenceLoss } from "../../bench/workload/referenceLoss.ts";
import { stepFlops, stepShape, stepWork } from "../../bench/workload/loraStep.ts";
import { numbers } from "../../bench/workload/numbers.ts";
import { operandShapes, productError } from "../../bench/workload/products.ts";
import { spreadOf } from "../../src/experiment/measure/spread.ts";
import { fromFloat32, toFloat32 } from "../../src/weights/dtypes.ts";

describe("statistics", () => {
  test("a spread has median, quartiles and extremes", () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, least: 1, most: 4, low: 1.75, high: 3.25, samples: 4 });
    expect(spreadOf([7])).toMatchObject({ median: 7, least: 7, most: 7, samples: 1 });
  });

  test("the lead is Basin's best over the others' best", () => {
    const timings = [
      { contender: "basin bf16", median: 2 },
      { contender: "basin f32", median: 3 },
      { contender: "jax-js", median: 5 },
      { contender: "tfjs", median: 20 },
    ];
    expect(lead(timings)).toBe(2.5);
    expect(leadOver(timings, "tfjs")).toBe(10);
    expect(lead(timings.slice(0, 2))).toBeNaN();
    expect(leadOver(timings, "webgpu-llm")).toBeNaN();
  });
});

describe("formatting", () => {
  test("numbers have three digits, ratios and errors their own format", () => {
    expect([0.01234, 1.2345, 12.345, 123.45, 1234.5, 0].map(digits)).toEqual([
      "0.01",
      "1.23",
      "12.3",
      "123",
      "1235",
      "0.00",
    ]);
    expect(digits(Number.NaN)).toBe("–");
    expect(ratio(1.256)).toBe("1.26×");
    expect(scientific(-1.26e-7)).toBe("1.3e-7");
    expect(scientific(Number.NaN)).toBe("wrong");
  });

  test("a table is Markdown, numbers to the right", () => {
    expect(
      markdownTable(
        ["name", "ms"],
        [
          ["a", "1"],
          ["longer", "12.5"],
        ],
      ),
    ).toBe("| name   |   ms |\n|--------|-----:|\n| a      |    1 |\n| longer | 12.5 |");
  });
});

describe("protocol", () => {
  test("contenders take turns, in an order that rotates, after a warm-up", async () => {
    const log: string[] = [];
    const runnable = (name: string) => ({
      run: () => void log.push(name),
      settle: () => Promise.resolve(),
      destroy: () => undefined,
    });
    const timings = await interleave([runnable("a"), runnable("b")], { repetitions: 3, sampleMs: 0 });
    expect(log.join("")).toBe("aabb" + "ab" + "ba" + "ab");
    expect(timings.map(({ samples, calls }) => [samples, calls])).toEqual([
      [3, 1],
      [3, 1],
    ]);
  });

  test("a run too short for the clock is repeated within a sample", async () => {
    let runs = 0;
    const [timing] = await interleave(
      [
        {
          run: () => void (runs += 1),
          settle: () => new Promise((resolve) => setTimeout(resolve, 2)),
          destroy: () => undefined,
        },
      ],
      { repetitions: 1, sampleMs: 1e9 },
    );
    expect(timing?.calls).toBe(4096);
    expect(runs).toBeGreaterThan(4096);
  });
});

describe("work", () => {
  test("numbers are the same each time, spread out, and bf16 holds them", () => {
    const values = numbers(1000, 3, 0.5);
    expect(numbers(1000, 3, 0.5)).toEqual(values);
    expect(numbers(1000, 4, 0.5)).not.toEqual(values);
    expect(toFloat32(fromFloat32(values, "BF16"), "BF16")).toEqual(values);
    expect(Math.max(...values)).toBeGreaterThan(0.45);
    expect(Math.min(...values)).toBeLessThan(-0.45);
  });

  test("a wrong matmul is detected", () => {
    const product = { model: "", role: "A gradient", form: "tn", m: 2, n: 3, k: 4 } as const;
    expect(operandShapes(product)).toEqual({ a: [4, 2], b: [4, 3] });
    const operands = {
      a: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
      b: Float32Array.from({ length: 12 }, (_, i) => i),
    };
    const y = Float32Array.from([102, 118, 134, 120, 140, 160]);
    expect(productError(product, operands, y)).toBe(0);
    y[4] = 141;
    expect(productError(product, operands, y)).toBeGreaterThan(1e-3);
    y[4] = Number.NaN;
    expect(productError(product, operands, y)).toBe(Number.POSITIVE_INFINITY);
    expect(productError(product, operands, new Float32Array(5))).toBe(Number.POSITIVE_INFINITY);
  });

  test("the step's operations equal a count by hand for one block", () => {
    const shape = {
      layers: 1,
      hidden: 4,
      heads: 2,
      kvHeads: 1,
      headDim: 2,
      intermediate: 6,
      rank: 1,
      alpha: 1,
      tokens: 3,
    };
    // inputs 2·3·4·(4+2+2), output 2·3·16, unit 3·2·3·24, adapters (1·4)·2 + 4·1 + 2·1, six pairs of 4 channels
    const [inputs, output, unit, lora, attention] = [192, 96, 432, 6 * (8 + 4 + 2), 24];
    expect(stepFlops(shape)).toBe(
      inputs + output + unit + lora + 4 * attention + (output + unit + 8 * attention + 2 * lora),
    );
    expect(stepFlops(stepShape(256)) / 1e9).toBeCloseTo(7.3, 0);
    expect(stepWork(shape).adapters[0]?.v.B).toHaveLength(2);
  });

  test("the step that trains all weights has the operations and the loss that its definition gives", () => {
    const shape = {
      layers: 1,
      hidden: 4,
      heads: 2,
      kvHeads: 1,
      headDim: 2,
      intermediate: 6,
      rank: 1,
      alpha: 1,
      tokens: 3,
    };
    // q and o 16 each, k and v 8 each, three of 24, a head of 12; each thrice, 2 operations; six pairs of 4 channels, 4
    // + 10 operations
    expect(fullStepFlops(shape)).toBe(3 * 2 * 3 * (32 + 16 + 72 + 12) + 6 * 4 * 14);
    expect(nextTokens(shape)).toEqual([1, 2, 0]);
    const work = stepWork(shape);
    const h = referenceHidden(
      work,
      work.adapters.map(({ q, v }) => ({ q: { A: q.A, B: q.B.map(() => 0) }, v: { A: v.A, B: v.B.map(() => 0) } })),
    );
    const logit = (t: number, row: number): number =>
      [0, 1, 2, 3].reduce((sum, i) => sum + (h[4 * t + i] ?? 0) * (work.x[4 * row + i] ?? 0), 0);
    const losses = [0, 1, 2].map(
      (t) =>
        -Math.log(Math.exp(logit(t, (t + 1) % 3)) / [0, 1, 2].reduce((sum, row) => sum + Math.exp(logit(t, row)), 0)),
    );
    expect(fullReferenceLoss(work)).toBeCloseTo(losses.reduce((a, b) => a + b) / 3, 12);
    // Without its adapters' part the loss of the step is another.
    expect(referenceLoss(work)).not.toBe(
      referenceLoss(
        work,
        work.adapters.map(({ q, v }) => ({ q, v: { A: v.A, B: v.B.map(() => 0) } })),
      ),
    );
  });

  test("the ONNX model of a matmul is valid for its format", () => {
    const bytes = productModel({ model: "", role: "output", form: "nt", m: 2, n: 3, k: 4 });
    const words = new TextDecoder().decode(bytes);
    expect([...bytes.subarray(0, 3)]).toEqual([0x08, 8, 0x3a]);
    expect(words).toContain("Gemm");
    expect(words).toContain("transB");
    expect(words).not.toContain("transA");
  });
});
