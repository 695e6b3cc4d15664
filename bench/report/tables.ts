/** @file The report's sections as Markdown: medians, their spread, and Basin against the best of the others in the same run. */

import { geometricMean } from "simple-statistics";
import type { Spread } from "../../src/experiment/measure/spread.ts";
import type { DecodingResult, EvaluationTiming } from "../sections/demo.ts";
import type { ProductResult } from "../sections/matmul.ts";
import type { StepResult } from "../sections/step.ts";
import type { OverheadResult, PackingResult } from "../sections/training.ts";
import { productName } from "../workload/products.ts";
import { digits, markdownTable, ratio, scientific } from "./markdown.ts";

interface Measured {
  readonly contender: string;
  readonly median: number;
}

const isBasin = ({ contender }: Measured): boolean => contender.startsWith("basin");

/** How many times faster Basin's best is than the others' best; NaN where one side is missing. */
export function lead(timings: readonly Measured[]): number {
  const best = (side: readonly Measured[]): number => Math.min(...side.map(({ median }) => median));
  const [own, others] = [timings.filter(isBasin), timings.filter((timing) => !isBasin(timing))];
  return own.length > 0 && others.length > 0 ? best(others) / best(own) : Number.NaN;
}

/** The same against one contender by name; `own`: of Basin's. */
export function leadOver(timings: readonly Measured[], name: string, own: readonly Measured[] = timings.filter(isBasin)): number {
  const other = timings.find(({ contender }) => contender === name);
  return other && own.length > 0 ? other.median / Math.min(...own.map(({ median }) => median)) : Number.NaN;
}

export function matmulTable(results: readonly ProductResult[]): string {
  const names = [...new Set(results.flatMap(({ timings }) => timings.map(({ contender }) => contender)))];
  const rows = results.map((result) => [
    result.model,
    result.role,
    productName(result),
    ...names.map((name) => {
      const timing = result.timings.find(({ contender }) => contender === name);
      if (!timing) return "";
      // From the slowest to the fastest half of the samples.
      const spread = 50 * ((timing.high - timing.low) / timing.median);
      return `${digits(timing.gflops)} ±${spread.toFixed(0)}%${timing.error < 1e-4 ? "" : " WRONG"}`;
    }),
    ratio(lead(result.timings)),
  ]);
  const leads = results.map(({ timings }) => lead(timings)).filter((value) => Number.isFinite(value));
  const summary = leads.length > 0 ? `\nBasin against the best other library: ${ratio(Math.min(...leads))} at least, ${ratio(geometricMean(leads))} in the geometric mean, over ${leads.length} shapes.\n` : "";
  return `GFLOP/s by the median, ± half the interquartile range.\n\n${markdownTable(["model", "product", "form m×n×k", ...names, "basin / best other"], rows, 3)}\n${summary}`;
}

export function stepTable(results: readonly StepResult[], bestRate: number): string {
  return results
    .map(({ shape, flops, reference, timings }) => {
      const rows = timings.map((timing) => [
        timing.contender,
        digits(timing.median), `${digits(timing.least)}–${digits(timing.most)}`, digits(timing.cold), digits(timing.gflops),
        digits((1000 * shape.tokens) / timing.median),
        scientific(timing.lossError), timing.thirdLoss.toPrecision(8),
      ]);
      const own = timings.filter(isBasin);
      const fastest = Math.min(...own.map(({ median }) => median));
      const leads = timings.filter((timing) => !isBasin(timing)).map(({ contender }) => `${ratio(leadOver(timings, contender))} ${contender}`);
      const bound = bestRate > 0 && own.length > 0 ? ` The products alone would take ${digits(flops / bestRate / 1e6)} ms at the best rate of a product in this run (${digits(bestRate)} GFLOP/s): the step takes ${ratio((fastest * bestRate * 1e6) / flops)} that.` : "";
      return `${shape.layers} blocks of ${shape.hidden} channels, ${shape.tokens} tokens, ${(flops / 1e9).toFixed(2)} GFLOP, reference loss ${reference.toPrecision(9)}.\n\n${markdownTable(
        ["library", "ms", "min–max", "first step", "GFLOP/s", "tokens/s", "loss error", "third loss"],
        rows,
      )}\n\n${leads.length > 0 ? `Basin is ${leads.join(", ")}.` : ""}${bound}\n`;
    })
    .join("\n");
}

const spreadCells = ({ median, least, most }: Spread): readonly [string, string] => [digits(median), `${digits(least)}–${digits(most)}`];
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function overheadTable({ size, tokens, sft, asft, penaltyFlops, stepFlops }: OverheadResult): string {
  const table = markdownTable(["step", "ms", "min–max"], [["SFT", ...spreadCells(sft)], ["AsFT", ...spreadCells(asft)]]);
  return `${size}, ${tokens} tokens.\n\n${table}\n\nThe penalty adds ${percent(asft.median / sft.median - 1)} to the time; its ${(penaltyFlops / 1e9).toFixed(3)} GFLOP are ${percent(penaltyFlops / stepFlops)} of the step's ${(stepFlops / 1e9).toFixed(2)} (attention not counted).\n`;
}

export function packingTable({ size, batches, rows, tokens, paddedTokens, packedTokens, padded, packed }: PackingResult): string {
  const row = (name: string, all: number, ms: Spread): string[] => [name, String(all), ...spreadCells(ms), digits((1000 * tokens) / ms.median)];
  const table = markdownTable(["batches", "tokens with padding", "ms", "min–max", "tokens/s"], [row("padded", paddedTokens, padded), row("packed", packedTokens, packed)]);
  return `${size}, ${batches} batches of ${rows} rows of Alpaca's lengths, ${tokens} tokens without padding.\n\n${table}\n\nPacked is ${ratio(padded.median / packed.median)} padded.\n`;
}

export function decodingTable(results: readonly DecodingResult[]): string {
  return `The demo model, ${results[0]?.newTokens ?? 0} new tokens for each prompt, greedy.\n\n${markdownTable(
    ["prompts", "ms", "min–max", "tokens/s"],
    results.map(({ prompts, newTokens, ms }) => [String(prompts), ...spreadCells(ms), digits((1000 * prompts * newTokens) / ms.median)]),
  )}\n`;
}

export function evaluationLine({ prompts, score, ms, cold }: EvaluationTiming): string {
  return `The harmful score of ${prompts} prompts on the demo model (${score} %), its weights loaded anew: ${digits(ms.median / 1000)} s (${digits(ms.least / 1000)}–${digits(ms.most / 1000)}); the first time, with compilation, ${digits(cold / 1000)} s.\n`;
}

export function startLine({ median, least, most }: Spread): string {
  return `From opening the lab's page, nothing cached, to the first optimiser step of the demo: ${digits(median / 1000)} s (${digits(least / 1000)}–${digits(most / 1000)}).\n`;
}
