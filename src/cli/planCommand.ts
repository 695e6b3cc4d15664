/**
 * @file `basin plan`: the memory that a run needs, by part, and what to lower if it does not fit. Allocates nothing.
 */

import { dirname, resolve } from "node:path";
import { budgetText, gibibytes, limitsOf, UNKNOWN_DEVICE, type DeviceLimits } from "../experiment/plan/deviceMemory.ts";
import type { MemoryReport, MemoryVerdict } from "../experiment/run/events.ts";
import { prepareEvaluation } from "../experiment/run/evaluation.ts";
import { planWithVerdict } from "../experiment/plan/planning.ts";
import { trainingExamples } from "../experiment/data/runData.ts";
import { loadTrainingRows } from "../experiment/data/safetyRows.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { openTrainedModel } from "../experiment/run/textModel.ts";
import { nodeEnvironment, readText, systemMemory } from "./environment.ts";
import { cliGpu } from "./gpu.ts";
import { log, printJson } from "./report.ts";

export interface PlanOptions {
  readonly json?: boolean;
  /** False: plan without opening a device. */
  readonly device: boolean;
}

export async function planSpec(specPath: string, { json = false, device }: PlanOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  const limits = device ? await deviceLimits() : UNKNOWN_DEVICE;
  const environment = nodeEnvironment(dirname(resolve(specPath)));
  const files = await openTrainedModel(environment, spec);
  const rows = await loadTrainingRows(spec, environment, files.config.vocabSize);
  const evaluation = await prepareEvaluation(spec, rows, files, environment);
  const { plan, verdict } = planWithVerdict(spec, files, trainingExamples(spec, rows, files), limits, evaluation.plan);
  if (json) {
    const { memory, totalSteps, trainableParameters, rows: count, capacities } = plan;
    const { maxBuffer, ...known } = limits;
    // JSON has no infinity: null means any size.
    printJson({
      memory,
      ...verdict,
      device: { ...known, maxBuffer: Number.isFinite(maxBuffer) ? maxBuffer : null },
      totalSteps,
      trainableParameters,
      rows: count,
      largestBatch: capacities[0] ?? null,
    });
    return;
  }
  process.stdout.write(
    `${plan.rows} rows, ${plan.totalSteps} steps, ` +
      `${plan.trainableParameters.toLocaleString("en")} trainable ` +
      "parameters\n",
  );
  process.stdout.write(`${memoryLines(plan.memory).join("\n")}\n`);
  process.stdout.write(`${verdictLines(verdict).join("\n")}\n`);
}

async function deviceLimits(): Promise<DeviceLimits> {
  const { gpu } = await cliGpu();
  const limits = limitsOf(gpu, systemMemory());
  gpu.destroy();
  return limits;
}

/** Names of the parts of a plan. */
const PARTS: Readonly<Record<keyof MemoryReport, string>> = {
  weights: "weights",
  anchor: "the method's own data",
  adapter: "adapter, gradients, optimiser",
  activations: "activations",
  logits: "logits",
  inputs: "inputs and staging",
  generation: "evaluation (KV cache, programs)",
  total: "total",
};

/** One line per part, sizes aligned. */
export function memoryLines(memory: MemoryReport): string[] {
  const parts = Object.keys(PARTS) as (keyof MemoryReport)[];
  return parts.map((part) => `  ${PARTS[part].padEnd(33)}${gibibytes(memory[part]).padStart(10)}`);
}

/** Whether it fits, whether activation checkpointing is on and why, and what would lower the memory. */
export function verdictLines({ checkpointing, budget, fits, obstacle, proposals }: MemoryVerdict): string[] {
  return [
    `activation checkpointing: ${checkpointing.on ? "on" : "off"} (${checkpointing.reason})`,
    `memory budget ${budgetText(budget)}: ${fits ? "fits" : obstacle?.certain ? "does not fit" : "may not fit"}`,
    ...proposals.map(
      ({ label, cost, total, fits: enough }) =>
        `  ${enough ? "->" : "  "} ${gibibytes(total).padStart(9)}  ${label} ` +
        `(${cost}${enough ? "" : "; not enough alone"})`,
    ),
  ];
}

/** The plan of a run, on stderr. */
export function printPlan(memory: MemoryReport, verdict: MemoryVerdict): void {
  const { total, ...parts } = memory;
  log(
    `device memory ${gibibytes(total)}: ${Object.entries(parts)
      .flatMap(([part, bytes]) => (bytes > 0 ? [`${part} ${gibibytes(bytes)}`] : []))
      .join(", ")}`,
  );
  for (const line of verdictLines(verdict)) log(line);
}
