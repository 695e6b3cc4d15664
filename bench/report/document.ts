/** @file A whole report as Markdown: who took part on what, every section, and what is missing. */

import type { BenchReport, BenchResults } from "./report.ts";
import { type Peak, measuredPeak, sideOf } from "./sides.ts";
import {
  decodingTable,
  evaluationLine,
  matmulTable,
  overheadTable,
  packingTable,
  peakTable,
  stepTable,
} from "./tables.ts";

/** GFLOP/s of Basin's best product of a training step; 0 where none was measured. */
function bestRate({ matmul }: BenchResults): number {
  return Math.max(
    0,
    ...matmul.flatMap(({ timings }) =>
      timings.filter(({ contender }) => sideOf(contender) === "basin").map(({ gflops }) => gflops),
    ),
  );
}

export function document(report: Omit<BenchReport, "markdown">): string {
  const {
    device,
    platform,
    date,
    options,
    contenders,
    refused,
    state,
    peak,
    matmul,
    steps,
    overhead,
    packing,
    decoding,
    evaluation,
    gaps,
  } = report;
  // Without large products nothing is known of what the device can do.
  const measured: Peak | undefined = peak.length > 0 ? measuredPeak([...peak, ...matmul]) : undefined;
  const peaks = { measured, nominal: options.nominal === null ? undefined : 1000 * options.nominal };
  const parts = [
    `# Benchmark\n\n${device}; ${platform}; ${options.repetitions} repetitions, ` +
      `interleaved; ${date}${state === "finished" ? "" : "; cut short"}.\n`,
    `${contenders.map(({ name, version }) => `${name} ${version}`).join(", ")}\n` +
      `${refused.map(({ name, refused: why }) => `- ${name} takes no part: ${why}\n`).join("")}`,
  ];
  if (peak.length > 0) parts.push(`## Peak\n\n${peakTable(peak, peaks)}`);
  if (steps.length > 0) parts.push(`## LoRA step\n\n${stepTable(steps, bestRate(report), peaks)}`);
  if (matmul.length > 0) parts.push(`## Products\n\n${matmulTable(matmul, peaks)}`);
  if (overhead) parts.push(`## AsFT's overhead\n\n${overheadTable(overhead)}`);
  if (packing) parts.push(`## Packing\n\n${packingTable(packing)}`);
  if (decoding.length > 0) parts.push(`## Decoding\n\n${decodingTable(decoding)}`);
  if (evaluation) parts.push(`## Evaluation\n\n${evaluationLine(evaluation)}`);
  if (gaps.length > 0) parts.push(`## Not measured\n\n${gaps.map((gap) => `- ${gap}\n`).join("")}`);
  return parts.join("\n");
}
