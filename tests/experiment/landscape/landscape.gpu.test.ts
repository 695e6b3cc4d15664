/**
 * @file A landscape of the bundled model: transformers' curve from the same bits, weights that come back to the last
 * bit, models at their coordinates, and the same document however often it was interrupted.
 *
 * BASIN_LONG=1 compares all 63 points of the golden curve instead of 12.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GAUSSIAN_UNIT, gaussians, streamKey } from "../../../src/analysis/landscape/gaussian.ts";
import { layerScaled } from "../../../src/analysis/landscape/axes.ts";
import { PerturbedModel } from "../../../src/analysis/landscape/perturbedModel.ts";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import { readStorage } from "../../../src/engine/storage.ts";
import type { KnownPoint, LandscapeEvents } from "../../../src/experiment/landscape/landscapeRun.ts";
import { runLandscape } from "../../../src/experiment/landscape/landscapeRun.ts";
import { resolveLandscape } from "../../../src/experiment/landscape/landscapeSpec.ts";
import type { LandscapeDocument } from "../../../src/experiment/landscape/landscapeDocument.ts";
import { parseConfig } from "../../../src/model/families.ts";
import { harmfulPrompts, harmlessPrompts } from "../../../src/text/apothecary/index.ts";
import { openDemo } from "../../support/demo.ts";
import { testGpu } from "../../support/gpu.ts";

interface Golden {
  readonly harmful: readonly string[];
  readonly harmless: readonly string[];
  readonly answers: readonly string[];
  readonly points: readonly {
    readonly seed: number;
    readonly a: number;
    readonly margins: readonly number[];
    readonly answers: readonly number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL("../../fixtures/landscape.json", import.meta.url), "utf8")) as Golden;
const LONG = process.env.BASIN_LONG !== undefined;

async function run(
  value: unknown,
  more: {
    readonly events?: LandscapeEvents;
    readonly known?: { readonly fingerprint: string; readonly points: readonly KnownPoint[] };
    readonly signal?: AbortSignal;
    readonly systemMemory?: number;
  } = {},
): Promise<LandscapeDocument> {
  const { systemMemory, ...rest } = more;
  const environment = { ...nodeEnvironment(), ...(systemMemory === undefined ? {} : { systemMemory }) };
  return runLandscape({ gpu: await testGpu(), spec: resolveLandscape(value), environment, ...rest });
}

const small = (landscape: Record<string, unknown>) => ({
  eval: { harmful: { n: 2 }, task: null, benign: { n: 1 }, max_new_tokens: 6 },
  landscape,
});

describe("a landscape along random directions", () => {
  it("is transformers' from the same bits: margins to 1e-4, answers prompt by prompt", {
    timeout: 600_000,
  }, async () => {
    const [harmful, harmless] = [golden.harmful.length, golden.harmless.length];
    expect(harmfulPrompts({ n: harmful, seed: 0 }).map(({ prompt }) => prompt)).toEqual(golden.harmful);
    expect(harmlessPrompts({ n: harmless, seed: 0 }).map(({ prompt }) => prompt)).toEqual(golden.harmless);
    let compared = 0;
    const document = await run(
      {
        eval: { harmful: { n: harmful }, task: null, benign: { n: harmless } },
        landscape: { kind: "random", dimensions: 1, points: LONG ? 21 : 5 },
      },
      {
        events: {
          onPoint: ({ survey, a }, { answers, margins }) => {
            const expected = golden.points.find(
              (one) => (survey === "origin" || survey === `seed-${one.seed}`) && one.a === a,
            );
            expect(answers.map(({ answer }) => answer)).toEqual(expected?.answers.map((at) => golden.answers[at]));
            margins.forEach((margin, i) =>
              expect(Math.abs(margin - (expected?.margins[i] ?? NaN)), `${survey} ${a}`).toBeLessThan(1e-4),
            );
            compared += 1;
          },
        },
      },
    );
    expect(compared).toBe(1 + 3 * (LONG ? 20 : 4));
    expect(document.logits.at_origin).toBe(document.logits.unperturbed);
    expect(document.logits.after_last_point).toBe(document.logits.unperturbed);
    expect(document.visage?.judged.directions).toHaveLength(3);
    expect(document.surveys.map(({ points }) => points.length)).toEqual([1, 1, 1].map(() => (LONG ? 21 : 5)));
  });

  it("moves each weight by the generator's bits, and gives the originals back", async () => {
    const gpu = await testGpu();
    const reader = await openDemo("apothecary-aligned");
    const model = await PerturbedModel.create({
      gpu,
      config: parseConfig(reader.config),
      name: "demo",
      reader,
      merged: () => undefined,
      directions: [{ kind: "noise", seed: 7 }],
      inScope: () => true,
    });
    const names = ["model.layers.1.self_attn.k_proj.weight", "model.norm.weight"];
    const read = (name: string): Promise<ArrayBuffer> => readStorage(gpu, model.model.storage(name) ?? { parts: [] });
    const before = await Promise.all(names.map(read));
    const axis = layerScaled(model.sums, 0);
    model.moveTo([0.3], [axis]);
    const [moved, norm] = await Promise.all(names.map(read));
    expect(new Uint8Array(norm ?? new ArrayBuffer(0))).toEqual(new Uint8Array(before[1] ?? new ArrayBuffer(0)));
    const at = model.sums.findIndex(({ tensor }) => tensor === names[0]);
    const factor = Math.fround(0.3 * (axis[at]?.[0] ?? NaN));
    const [own, was] = [new Float32Array(moved ?? []), new Float32Array(before[0] ?? [])];
    const noise = gaussians(streamKey(7, names[0] ?? ""), own.length);
    // A device may round the product and the sum together or apart: half a unit in the last place of either.
    const wrong = own.findIndex((value, i) => {
      const exact = (was[i] ?? 0) + factor * (noise[i] ?? NaN);
      return !(Math.abs(value - exact) <= 2 ** -23 * (Math.abs(exact) + Math.abs(factor * (noise[i] ?? NaN))));
    });
    expect(wrong).toBe(-1);
    expect(GAUSSIAN_UNIT).toBe(2 ** 20);
    model.restore();
    const after = await Promise.all(names.map(read));
    expect(after.map((bytes) => new Uint8Array(bytes))).toEqual(before.map((bytes) => new Uint8Array(bytes)));
    model.destroy();
  });
});

describe("a landscape between two models", () => {
  it("has each model at its coordinate", async () => {
    const line = await run(small({ kind: "between", dimensions: 1, toward: "unaligned", points: 4, span: 1 }));
    const other = await run({
      ...small({ kind: "random", dimensions: 1, seeds: [0], points: 2, span: 1e-9 }),
      model: { aligned: "apothecary-base" },
    });
    const [survey] = line.surveys;
    expect(survey?.points.map(({ a }) => a)).toEqual([-1, 0, 1, 2]);
    expect(survey?.points[1]?.refusal_margin).toEqual(line.origin.refusal_margin);
    const [found, expected] = [survey?.points[2], other.origin];
    expect(found?.refusal_margin?.mean).toBeCloseTo(expected.refusal_margin?.mean ?? NaN, 3);
    expect(found?.harmful_score).toEqual(expected.harmful_score);
  });
});

describe("a landscape that is stopped", () => {
  it("comes to the same document when it is resumed, and measures nothing twice", async () => {
    const value = small({ kind: "random", dimensions: 2, seeds: [0, 1], points: 2 });
    const whole = await run(value);
    const points: KnownPoint[] = [];
    let fingerprint = "";
    const stop = new AbortController();
    const events: LandscapeEvents = {
      onBegin: (begun) => (fingerprint = begun.fingerprint),
      onPoint: (point) => {
        points.push(JSON.parse(JSON.stringify(point)) as KnownPoint);
        if (points.length === 3) stop.abort();
      },
    };
    await expect(run(value, { events, signal: stop.signal })).rejects.toThrow();
    expect(points).toHaveLength(3);
    const resumed = await run(value, { events, known: { fingerprint, points: [...points] } });
    expect(points).toHaveLength(5);
    expect(JSON.stringify(resumed)).toBe(JSON.stringify(whole));
    const other = small({ kind: "random", dimensions: 2, seeds: [0, 2], points: 2 });
    await expect(run(other, { known: { fingerprint, points } })).rejects.toThrow("belong to another landscape");
  });

  it("is refused, with the bytes, where it does not fit", async () => {
    const gpu = await testGpu();
    const before = gpu.memory.live;
    const value = { ...small({ kind: "random" }), train: { memory_budget_gb: 0.001 } };
    await expect(run(value)).rejects.toThrow(/needs [\d.]+ MiB of device memory .* and may take 1.0 MiB/);
    expect(gpu.memory.live).toBe(before);
  });
});
