/**
 * @file Scores and 24 optimiser steps on int8 and NF4 weights: against transformers + PEFT on the same dequantised
 * weights (python/fixtures/quantised.py), and against Basin itself with the dequantised weights stored as float32.
 */

import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Gpu } from "../../src/engine/device.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { Generator } from "../../src/generate/generator.ts";
import { parseConfig } from "../../src/model/families.ts";
import { type LoadedModel, loadModel } from "../../src/model/loadModel.ts";
import { linearModules } from "../../src/model/layout.ts";
import { type Checkpoint, readTensorF32 } from "../../src/weights/checkpoint.ts";
import { toFloat32 } from "../../src/weights/dtypes.ts";
import type { TensorInfo } from "../../src/weights/tensorReader.ts";
import { openDemo } from "../support/demo.ts";
import { testGpu } from "../support/gpu.ts";
import { dequantise, quantise } from "../support/quantised.ts";
import { readSafetensors } from "../support/safetensorsFile.ts";
import { TOLERANCE, Tally, largestDifference, product, relativeError } from "./compare.ts";
import { loadGolden, trainOnEngine } from "./engine.ts";
import { MODELS, QUANTISED, goldenFolder, openGolden } from "./golden.ts";

const kinds = ["int8", "nf4", "nf4_double"] as const;
type Kind = (typeof kinds)[number];

/** B·A after 24 steps, relative: the fixture has it in half precision. */
const UPDATE = 4e-3;
/** Quantised weights against the same values in float32, relative. */
const SAME_VALUES = 2e-6;

const ids = z.array(z.int());
const folder = goldenFolder(QUANTISED);
const golden = z
  .object({
    gradient_steps: ids,
    scores: z.record(z.enum(kinds), z.array(z.object({ tokens: ids, token_logprobs: z.array(z.number()) }))),
    runs: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(kinds),
        spec: z.unknown().transform((spec) => resolveSpec(spec)),
        steps: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
        modules: z.array(z.string()),
      }),
    ),
  })
  .parse(JSON.parse(await readFile(`${folder}/golden.json`, "utf8")));
const rows = (await readFile(`${folder}/rows.jsonl`, "utf8"))
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => z.object({ input_ids: ids, labels: ids }).parse(JSON.parse(line)));
const stored = await readSafetensors(`${folder}/golden.safetensors`);

function arrayOf(name: string): Float32Array | undefined {
  const array = stored.get(name);
  return array && toFloat32(array.bytes, array.dtype === "F16" ? "F16" : "F32");
}

/** The checkpoint with what its layers' codes stand for, as float32. */
async function dequantised(checkpoint: Checkpoint, kind: Kind): Promise<Checkpoint> {
  const values = new Map<string, Uint8Array>();
  const tensors = new Map<string, TensorInfo>(checkpoint.tensors);
  for (const { path } of linearModules(parseConfig(checkpoint.config))) {
    const name = `${path}.weight`;
    const info = checkpoint.tensors.get(name);
    if (!info) throw new Error(`no tensor ${name}`);
    const packed = quantise(new Uint8Array((await readTensorF32(checkpoint, name)).buffer), "F32", info.shape, kind);
    const bytes = new Uint8Array(Float32Array.from(dequantise(packed, info.shape, kind, Math.fround)).buffer);
    values.set(name, bytes);
    tensors.set(name, { ...info, dtype: "F32", byteLength: bytes.byteLength });
  }
  const read = async function* (name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const own = values.get(name);
    if (own) yield own;
    else yield* checkpoint.read(name, signal);
  };
  return { ...checkpoint, tensors, read, prefetch: () => undefined };
}

async function scoresOf(gpu: Gpu, model: LoadedModel, sequences: readonly (readonly number[])[]): Promise<number[][]> {
  const generator = new Generator(gpu, model);
  const scores = await generator.score(sequences);
  generator.destroy();
  return scores.map((list) => [...list]);
}

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe("against transformers + PEFT on dequantised weights", () => {
  const tally = new Tally(
    "quantised weights, worst disagreement with PyTorch + PEFT (gradients, B·A: " +
      "relative Frobenius; log-probabilities, losses: absolute)",
  );

  it.each(kinds)("%s: log-probabilities", async (kind) => {
    const model = await loadGolden(gpu, QUANTISED, kind);
    expect(model.quantised).toHaveLength(14);
    const expected = golden.scores[kind];
    const scores = await scoresOf(
      gpu,
      model,
      expected.map(({ tokens }) => tokens),
    );
    expected.forEach(({ token_logprobs }, i) =>
      expect(
        tally.add(kind, "log-probability", largestDifference(scores[i] ?? [], token_logprobs)),
      ).toBeLessThanOrEqual(TOLERANCE.logProbability),
    );
    model.destroy();
  });

  it.each(golden.runs.map((run) => [run.name, run] as const))("%s", async (name, run) => {
    const result = await trainOnEngine(gpu, QUANTISED, { rows }, run, { keepGradients: golden.gradient_steps });
    const compared = new Set<string>();
    for (const [step, gradients] of result.gradients) {
      for (const [key, gradient] of gradients) {
        const expected = arrayOf(`${name}/gradient ${step}/${key}`);
        if (!expected) continue;
        compared.add(key.replace(/\.lora_[AB]$/, ""));
        expect
          .soft(tally.add(name, `gradient ${step}`, relativeError(gradient, expected)), `${key}, step ${step}`)
          .toBeLessThanOrEqual(TOLERANCE.gradient);
      }
    }
    expect([...compared].sort()).toEqual(
      run.modules.filter((path) => run.modules.length === 4 || path.startsWith("model.layers.0.")).sort(),
    );
    for (const [index, key] of (["ce", "penalty", "loss", "grad_norm"] as const).entries()) {
      const error = largestDifference(
        result.steps.map((step) => step[key]),
        run.steps.map((step) => step[index] ?? NaN),
      );
      const size = key === "grad_norm" ? Math.max(...run.steps.map((step) => step[index] ?? NaN)) : 1;
      const allowed = key === "grad_norm" ? TOLERANCE.gradNorm * size : TOLERANCE.loss;
      expect.soft(tally.add(name, key, error), key).toBeLessThanOrEqual(allowed);
    }
    for (const { path, r, A, B } of result.final) {
      const expected = product(
        arrayOf(`${name}/final/${path}.lora_B`) ?? new Float32Array(),
        arrayOf(`${name}/final/${path}.lora_A`) ?? new Float32Array(),
        r,
      );
      expect.soft(tally.add(name, "B·A", relativeError(product(B, A, r), expected)), path).toBeLessThanOrEqual(UPDATE);
    }
  });
});

describe("against the dequantised weights as float32", () => {
  const tally = new Tally("quantised weights against the same values stored as float32, worst relative difference");

  it.each(kinds)("%s: the demo model's log-probabilities ", async (kind) => {
    const checkpoint = await openDemo("apothecary-aligned");
    const config = parseConfig(checkpoint.config);
    const sequences = [5, 40, 131].map((length) =>
      Array.from({ length }, (_, t) => (17 + 31 * t * t + 7 * length) % config.vocabSize),
    );
    const scores: number[][][] = [];
    for (const load of [
      () => loadModel(gpu, config, checkpoint, { quantization: kind }),
      async () => loadModel(gpu, config, await dequantised(checkpoint, kind)),
    ]) {
      const model = await load();
      scores.push(await scoresOf(gpu, model, sequences));
      model.destroy();
    }
    expect(
      tally.add(kind, "log-probability", relativeError((scores[0] ?? []).flat(), (scores[1] ?? []).flat())),
    ).toBeLessThanOrEqual(SAME_VALUES);
  });

  // Fused and other matrices, rows that are no whole blocks, heads that are not tied.
  it.each(MODELS)("%s in nf4 with double quantisation: log-probabilities ", async (name) => {
    const checkpoint = await openGolden(name, "aligned");
    const sequences = [3, 29].map((length) => Array.from({ length }, (_, t) => (5 + 7 * t * t) % 80));
    const scores: number[][] = [];
    for (const loaded of [
      loadGolden(gpu, name, "nf4_double"),
      dequantised(checkpoint, "nf4_double").then((plain) => loadModel(gpu, parseConfig(checkpoint.config), plain)),
    ]) {
      const model = await loaded;
      scores.push((await scoresOf(gpu, model, sequences)).flat());
      model.destroy();
    }
    expect(tally.add(name, "log-probability", relativeError(scores[0] ?? [], scores[1] ?? []))).toBeLessThanOrEqual(
      SAME_VALUES,
    );
  });

  it.each(kinds)("%s: 24 steps of AsFT on all linear modules, losses ", async (kind) => {
    const run = golden.runs.find(({ name }) => name === `${kind}-asft-all`);
    if (!run) throw new Error("no such run");
    const plain = await openGolden(QUANTISED, "aligned");
    const loaded = await loadModel(gpu, parseConfig(plain.config), await dequantised(plain, kind));
    const [ours, theirs] = [
      await trainOnEngine(gpu, QUANTISED, { rows }, run),
      await trainOnEngine(gpu, QUANTISED, { rows }, run, { loaded }),
    ].map(({ steps }) => steps.map(({ loss }) => loss));
    expect(tally.add(kind, "loss", relativeError(ours ?? [], theirs ?? []))).toBeLessThanOrEqual(SAME_VALUES);
  });
});
