/** @file All sections of a run, one after the other. */

import type { Contender, Refusal } from "../contenders/contender.ts";
import { describeAdapter } from "../../src/engine/device.ts";
import type { BenchOptions, BenchReport } from "../report/report.ts";
import { matmulTable, stepTable } from "../report/tables.ts";
import { stepShape } from "../work/loraStep.ts";
import { MODELS, type Product, productName, products } from "../work/products.ts";
import { type ProductResult, measureProduct } from "./matmul.ts";
import { type StepResult, measureStep } from "./step.ts";

const RANK = 8;
/** Long enough for a clock of 0.1 ms. */
const SAMPLE_MS = 20;

export async function runSections(api: GPU, contenders: readonly Contender[], refused: readonly Refusal[], options: BenchOptions, say: (line: string) => void): Promise<BenchReport> {
  const { sections, repetitions } = options;
  const adapter = await api.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("no WebGPU adapter");
  const { description, device, vendor, architecture, software } = describeAdapter(adapter.info);
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
  const bestRate = Math.max(0, ...matmul.flatMap(({ timings }) => timings.filter(({ contender }) => contender.startsWith("basin")).map(({ gflops }) => gflops)));
  const parts: string[] = [];
  if (matmul.length > 0) parts.push(`## Products\n\n${matmulTable(matmul)}`);
  if (steps.length > 0) parts.push(`## LoRA step\n\n${stepTable(steps, bestRate)}`);
  return {
    device: `${description || device || [vendor, architecture].filter((part) => part !== "").join(" ")}${software ? " (software)" : ""}`,
    software,
    browser: navigator.userAgent,
    date: new Date().toISOString(),
    options,
    contenders: contenders.map(({ name, version }) => ({ name, version })),
    refused, matmul, steps,
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
