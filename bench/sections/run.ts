/** @file All sections of a run, one after the other. */

import type { Contender, Refusal } from "../contenders/contender.ts";
import { type Gpu, describeDevice, openGpu } from "../../src/engine/device.ts";
import type { BenchOptions, BenchReport, Section } from "../report/report.ts";
import { decodingTable, evaluationLine, matmulTable, overheadTable, packingTable, stepTable } from "../report/tables.ts";
import { stepShape } from "../workload/loraStep.ts";
import { MODELS, type Product, productName, products } from "../workload/products.ts";
import { type ProductResult, measureProduct } from "./matmul.ts";
import { measureDecoding, measureEvaluation } from "./demo.ts";
import { type StepResult, measureStep } from "./step.ts";
import { measureOverhead, measurePacking } from "./training.ts";

const RANK = 8;
/** Long enough for a clock of 0.1 ms. */
const SAMPLE_MS = 20;
/** Whole evaluations take seconds each. */
const EVALUATIONS = 5;

export async function runSections(api: GPU, contenders: readonly Contender[], refused: readonly Refusal[], options: BenchOptions, say: (line: string) => void): Promise<BenchReport> {
  const gpu = await openGpu(api);
  try {
    return await measure(gpu, contenders, refused, options, say);
  } finally {
    gpu.destroy();
  }
}

async function measure(gpu: Gpu, contenders: readonly Contender[], refused: readonly Refusal[], options: BenchOptions, say: (line: string) => void): Promise<BenchReport> {
  const { sections, repetitions } = options;
  const protocol = { repetitions, sampleMs: SAMPLE_MS };

  const matmul: ProductResult[] = [];
  if (sections.includes("matmul")) {
    for (const product of wantedProducts(options)) {
      say(`${product.model} ${productName(product)}`);
      matmul.push(await measureProduct(contenders, product, protocol));
    }
  }
  const steps: StepResult[] = [];
  if (sections.includes("step")) {
    for (const tokens of options.stepTokens) {
      say(`LoRA step, ${tokens} tokens`);
      steps.push(await measureStep(contenders, stepShape(tokens), { ...protocol, onRound: (round) => say(`LoRA step, ${tokens} tokens: round ${round} of ${repetitions}`) }));
    }
  }
  const one = async <T>(section: Section, work: () => Promise<T>): Promise<T | null> => {
    if (!sections.includes(section)) return null;
    say(section);
    return work();
  };
  const home = new URL("./", location.href).href;
  const overhead = await one("overhead", () => measureOverhead(gpu, repetitions));
  const packing = await one("packing", () => measurePacking(gpu, repetitions));
  const decoding = (await one("decoding", () => measureDecoding(gpu, home, repetitions))) ?? [];
  const evaluation = await one("evaluation", () => measureEvaluation(gpu, home, Math.min(repetitions, EVALUATIONS)));
  const bestRate = Math.max(0, ...matmul.flatMap(({ timings }) => timings.filter(({ contender }) => contender.startsWith("basin")).map(({ gflops }) => gflops)));
  const parts: string[] = [];
  if (matmul.length > 0) parts.push(`## Products\n\n${matmulTable(matmul)}`);
  if (steps.length > 0) parts.push(`## LoRA step\n\n${stepTable(steps, bestRate)}`);
  if (overhead) parts.push(`## AsFT's overhead\n\n${overheadTable(overhead)}`);
  if (packing) parts.push(`## Packing\n\n${packingTable(packing)}`);
  if (decoding.length > 0) parts.push(`## Decoding\n\n${decodingTable(decoding)}`);
  if (evaluation) parts.push(`## Evaluation\n\n${evaluationLine(evaluation)}`);
  return {
    device: describeDevice(gpu),
    software: gpu.adapter.software,
    browser: navigator.userAgent,
    date: new Date().toISOString(),
    options,
    contenders: contenders.map(({ name, version }) => ({ name, version })),
    refused, matmul, steps, overhead, packing, decoding, evaluation,
    markdown: parts.join("\n"),
  };
}

function wantedProducts({ shapes, tokens }: BenchOptions): Product[] {
  return shapes.flatMap((name) => {
    const model = MODELS[name];
    if (!model) throw new Error(`there is no model ${name}; there are ${Object.keys(MODELS).join(", ")}`);
    return products(model, tokens, RANK);
  });
}
