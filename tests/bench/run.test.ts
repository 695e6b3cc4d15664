import { describe, expect, test } from "vitest";
import { type Contender, type Runnable, inBatches } from "../../bench/contenders/contender.ts";
import { openContenders } from "../../bench/contenders/open.ts";
import { Clock, minutesAndSeconds } from "../../bench/measure/clock.ts";
import { interleave } from "../../bench/measure/interleave.ts";
import { type Ask, openPytorch } from "../../bench/pytorch/contender.ts";
import { document } from "../../bench/report/document.ts";
import type { BenchReport } from "../../bench/report/report.ts";
import { measuredPeak, onProcessor, pytorchNames, sideOf } from "../../bench/report/sides.ts";
import { type ProductResult, measureProduct } from "../../bench/sections/matmul.ts";
import { measureStep } from "../../bench/sections/step.ts";
import { probes } from "../../bench/workload/products.ts";

const idle: Runnable = { run: () => undefined, settle: () => Promise.resolve(), destroy: () => undefined };
const PRODUCT = { model: "small", role: "output", form: "nt", m: 3, n: 5, k: 7 } as const;
const PROTOCOL = { repetitions: 2, sampleMs: 0, patienceMs: 10_000 };

function contender(name: string, parts: Partial<Contender>): Contender {
  return {
    name,
    version: "1",
    product: () => Promise.resolve(undefined),
    step: () => Promise.resolve(undefined),
    destroy: () => undefined,
    ...parts,
  };
}

describe("clock", () => {
  test("estimates a piece by its section's average, within what the limit leaves", () => {
    let now = 0;
    const clock = new Clock(1, () => now);
    const piece = (section: string) => ({ section, name: "" });
    expect(clock.expected([piece("a")])).toBeUndefined();
    clock.finish(piece("a"), 1000);
    clock.finish(piece("a"), 3000);
    clock.finish(piece("b"), 8000);
    expect(clock.expected([piece("a"), piece("b"), piece("c")])).toBe(2000 + 8000 + 4000);
    now = 59_000;
    expect(clock.expected([piece("b")])).toBe(1000);
    expect(clock.over).toBe(false);
    now = 60_000;
    expect(clock.over).toBe(true);
    expect(new Clock(null, () => 1e12).over).toBe(false);
  });

  test("writes minutes and seconds", () => {
    expect([0, 75_000, 3_599_600].map(minutesAndSeconds)).toEqual(["0:00", "1:15", "60:00"]);
  });
});

describe("protocol", () => {
  test("rounds stop when the time is up, after at least one", async () => {
    const [timing] = await interleave([idle], { repetitions: 10, sampleMs: 0, over: () => true });
    expect(timing?.samples).toBe(1);
  });

  test("many runs share few submissions where possible", async () => {
    const submissions: number[] = [];
    await interleave(
      [
        {
          ...idle,
          run: () => undefined,
          runMany: inBatches((runs) => submissions.push(runs)),
          settle: () => new Promise((resolve) => setTimeout(resolve, 2)),
        },
      ],
      { repetitions: 1, sampleMs: 1e9 },
    );
    expect(submissions.slice(0, 4)).toEqual([1, 1, 64, 64]);
    expect(new Set(submissions.slice(2))).toEqual(new Set([64]));
  });

  test("work in another process is timed there", async () => {
    const calls: number[] = [];
    const sample = (count: number) => {
      calls.push(count);
      return Promise.resolve(5 * count);
    };
    const [timing] = await interleave([{ ...idle, sample }], { repetitions: 2, sampleMs: 20 });
    expect(timing).toMatchObject({ median: 5, calls: 4, cold: 5 });
    expect(calls).toEqual([1, 1, 4, 4, 4]);
  });
});

describe("a library that fails", () => {
  test("does not stop the others from being measured", async () => {
    const failures: string[] = [];
    const whole = { ...idle, result: () => Promise.resolve(new Float32Array(15)), loss: () => Promise.resolve(2) };
    const good = contender("basin f32", { product: () => Promise.resolve(whole), step: () => Promise.resolve(whole) });
    const bad = contender("bad", {
      product: () => Promise.reject(new Error("no memory")),
      step: () => Promise.resolve({ ...whole, loss: () => Promise.reject(new Error("lost")) }),
    });
    const failed = (name: string, why: string, kind: string) => failures.push(`${name} ${kind}: ${why}`);
    const { timings } = await measureProduct([bad, good], PRODUCT, PROTOCOL, failed);
    expect(timings.map(({ contender: name }) => name)).toEqual(["basin f32"]);
    // A result of zeros is wrong.
    expect(timings[0]?.error).toBe(1);
    const shape = {
      layers: 1,
      hidden: 8,
      heads: 2,
      kvHeads: 1,
      headDim: 4,
      intermediate: 12,
      rank: 2,
      alpha: 4,
      tokens: 3,
    };
    const step = await measureStep([bad, good], shape, PROTOCOL, failed);
    expect(step.timings).toHaveLength(1);
    expect(failures).toEqual(["bad failed: no memory", "bad failed: lost"]);
  });

  test("is abandoned when it does not finish", async () => {
    const failures: string[] = [];
    const never = contender("slow", { product: () => new Promise(() => undefined) });
    const good = contender("basin f32", {
      product: () => Promise.resolve({ ...idle, result: () => Promise.resolve(new Float32Array(15)) }),
    });
    const { timings } = await measureProduct(
      [never, good],
      PRODUCT,
      { ...PROTOCOL, patienceMs: 20 },
      (name, why, kind) => failures.push(`${name} ${kind}: ${why}`),
    );
    expect(timings).toHaveLength(1);
    expect(failures).toEqual(["slow stuck: no result of a first run within 0 s; it takes no further part"]);
  });

  test("takes no part when it cannot be opened", async () => {
    const registry = {
      contenders: {
        works: () => Promise.resolve(() => Promise.resolve(contender("works", {}))),
        breaks: () => Promise.reject(new Error("no such export")),
      },
      missing: { absent: "not installed" },
    };
    const opened = await openContenders({} as GPU, registry, [], () => undefined);
    expect(opened.contenders.map(({ name }) => name)).toEqual(["works"]);
    expect(opened.refused.map(({ name, refused }) => `${name}: ${refused}`)).toEqual([
      "breaks: no such export",
      "absent: not installed",
    ]);
    const unknown = await openContenders({} as GPU, registry, ["other"], () => undefined);
    expect(unknown.refused[0]?.refused).toBe("no such contender; there are works, breaks");
  });
});

describe("PyTorch", () => {
  test("is asked for every measured piece, and its answers are checked", async () => {
    const asked: unknown[] = [];
    const ask: Ask = (question) => {
      asked.push(question["do"]);
      const answers: Record<string, Readonly<Record<string, unknown>>> = {
        hello: { device: "cuda", name: "a GPU", torch: "2", transformers: "5", peft: "0" },
        "open product": { id: 4 },
        run: { ms: 3 },
        entries: { values: probes(PRODUCT).map(() => 0) },
      };
      return Promise.resolve(answers[String(question["do"])] ?? {});
    };
    const opened = await openPytorch(ask, "bf16")({} as GPU);
    if ("refused" in opened) throw new Error(opened.refused);
    expect(opened).toMatchObject({ name: "pytorch bf16 on cuda", precision: "bf16" });
    const { timings } = await measureProduct([opened], PRODUCT, PROTOCOL, (_, why) => expect.fail(why));
    expect(timings[0]).toMatchObject({ contender: "pytorch bf16 on cuda", precision: "bf16", median: 3, error: 1 });
    expect([...new Set(asked)]).toEqual(["hello", "open product", "run", "entries", "close"]);
  });
});

const timing = (name: string, median: number, precision: "float32" | "bf16" = "float32") => ({
  contender: name,
  precision,
  median,
  least: median,
  most: median,
  low: median,
  high: median,
  samples: 1,
  cold: 9,
  calls: 1,
  error: 1e-7,
  gflops: 1000 / median,
  firstLoss: 1,
  lossError: 0,
  thirdLoss: 1,
});
const result = (...timings: ReturnType<typeof timing>[]): ProductResult => ({ ...PRODUCT, timings });

describe("report", () => {
  test("tells Basin, the other libraries and PyTorch apart", () => {
    expect(["basin bf16", "pytorch float32 on cuda", "jax-js"].map(sideOf)).toEqual(["basin", "pytorch", "library"]);
    expect(onProcessor("pytorch bf16 on cpu")).toBe(true);
    expect(
      pytorchNames([timing("pytorch float32 on cuda", 1), timing("pytorch float32 on cpu", 1), timing("jax-js", 1)]),
    ).toEqual(["pytorch float32 on cuda"]);
  });

  test("the peak is the best correct float32 matmul of Basin or of PyTorch on a GPU", () => {
    const wrong = { ...timing("basin f32", 0.1), error: 1 };
    expect(
      measuredPeak([
        result(
          timing("basin bf16", 2),
          timing("pytorch float32 on cuda", 1),
          timing("pytorch bf16 on cuda", 0.1, "bf16"),
          timing("jax-js", 0.1),
          wrong,
        ),
      ]),
    ).toEqual({ gflops: 1000, from: "pytorch float32 on cuda, NT 3×5×7" });
    expect(measuredPeak([result(timing("pytorch float32 on cpu", 1))])).toBeUndefined();
  });

  const shape = {
    layers: 2,
    hidden: 576,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    intermediate: 1536,
    rank: 8,
    alpha: 16,
    tokens: 256,
  };
  const report: Omit<BenchReport, "markdown"> = {
    device: "a GPU",
    software: false,
    platform: "Node",
    date: "today",
    contenders: [{ name: "basin bf16", version: "1" }],
    refused: [{ name: "onnx", version: "", refused: "not in Node" }],
    state: "under way",
    options: {
      sections: ["step"],
      contenders: [],
      repetitions: 3,
      shapes: [],
      tokens: 256,
      stepTokens: [256],
      layers: [2],
      minutes: 5,
      nominal: 4,
    },
    peak: [result(timing("pytorch float32 on cuda", 0.5))],
    matmul: [result(timing("basin bf16", 1), timing("jax-js", 3), timing("pytorch float32 on cuda", 0.7))],
    steps: [
      {
        shape,
        flops: 7e9,
        reference: 1,
        timings: [
          timing("basin bf16", 2),
          timing("jax-js", 8),
          timing("pytorch float32 on cuda", 1.3),
          timing("pytorch bf16 on cuda", 0.5, "bf16"),
        ],
      },
    ],
    overhead: null,
    packing: null,
    decoding: [],
    evaluation: null,
    gaps: ["tfjs, x: no memory"],
    kernels: {},
  };

  test("gives ratios to PyTorch and shares of both peaks, and says what is missing", () => {
    const text = document(report);
    expect(text).toContain("; cut short");
    expect(text).toContain(
      "Measured peak in float32: 2000 GFLOP/s (pytorch float32 on cuda, NT 3×5×7). That " +
        "is 50.0 % of the nominal peak that was given, 4000 GFLOP/s.",
    );
    expect(text).toContain("Basin is 4.00× jax-js, 0.65× pytorch float32 on cuda, 0.25× pytorch bf16 on cuda.");
    expect(text).toContain("Basin against pytorch float32 on cuda: 0.70× at least");
    expect(text).toContain(
      "basin / best other | basin / pytorch float32 on cuda | basin's share of the measured peak | " +
        "of the nominal peak",
    );
    expect(text).toMatch(/\| +3\.00× \| +0\.70× \| +50\.0 % \| +25\.0 % \|/);
    // Shares of a float32 peak are not for bf16.
    expect(text).toMatch(/\| pytorch bf16 on cuda .*\| +\| +\|\n/);
    expect(text).toContain("- onnx takes no part: not in Node");
    expect(text).toContain("- tfjs, x: no memory");
  });

  test("gives no ratio to PyTorch on a CPU", () => {
    const timings = [timing("basin bf16", 2), timing("pytorch float32 on cpu", 1)];
    const text = document({
      ...report,
      state: "finished",
      peak: [],
      matmul: [result(...timings)],
      steps: [{ shape, flops: 7e9, reference: 1, timings }],
    });
    expect(text).not.toContain("cut short");
    expect(text).not.toContain("basin / pytorch");
    expect(text).not.toContain("× pytorch");
    expect(text).toContain("PyTorch ran on the processor here.");
  });
});
