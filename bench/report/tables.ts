/**
 * @file The report's sections as Markdown: medians, their spread, and Basin against the best of the others in the same
 * run.
 */

import { geometricMean } from "simple-statistics";
import type { Spread } from "../../src/experiment/measure/spread.ts";
import type { DecodingResult, EvaluationTiming } from "../sections/demo.ts";
import type { ProductResult, ProductTiming } from "../sections/matmul.ts";
import type { StepResult } from "../sections/step.ts";
import type { OverheadResult, PackingResult } from "../sections/training.ts";
import { productName } from "../workload/products.ts";
import { digits, markdownTable, ratio, scientific } from "./markdown.ts";
import { type Peak, lead, leadOver, onProcessor, ownBest, pytorchNames, sideOf } from "./sides.ts";

/** What shares are taken of. */
export interface Peaks {
  readonly measured: Peak | undefined;
  /** GFLOP/s of the data sheet. */
  readonly nominal: number | undefined;
}

const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–");

/** Half the interquartile range, as a share of the median; a wrong result is said to be wrong. */
function rateCell(timing: ProductTiming | undefined): string {
  if (!timing) return "";
  const spread = 50 * ((timing.high - timing.low) / timing.median);
  return (
    `${digits(timing.gflops)} ` +
    `±${spread.toFixed(0)}%${timing.error < (timing.precision === "bf16" ? 2e-2 : 1e-4) ? "" : " WRONG"}`
  );
}

const PROCESSOR_NOTE =
  "PyTorch ran on the processor here. Its rows show that this comparison works; " +
  "they say nothing about a GPU, and no ratio is made of them.\n";

export function matmulTable(results: readonly ProductResult[], { measured, nominal }: Peaks): string {
  const all = results.flatMap(({ timings }) => timings);
  const names = [...new Set(all.map(({ contender }) => contender))];
  const libraries = names.some((name) => sideOf(name) === "library");
  const pytorch = pytorchNames(all);
  const shares = [...(measured ? [measured.gflops] : []), ...(nominal === undefined ? [] : [nominal])];
  const rows = results.map((result) => {
    const own = Math.max(
      ...result.timings.filter(({ contender }) => sideOf(contender) === "basin").map(({ gflops }) => gflops),
    );
    return [
      result.model,
      result.role,
      productName(result),
      ...names.map((name) => rateCell(result.timings.find(({ contender }) => contender === name))),
      ...(libraries ? [ratio(lead(result.timings))] : []),
      ...pytorch.map((name) => ratio(leadOver(result.timings, name))),
      ...shares.map((peak) => percent(own / peak)),
    ];
  });
  const head = [
    "model",
    "product",
    "form m×n×k",
    ...names,
    ...(libraries ? ["basin / best other"] : []),
    ...pytorch.map((name) => `basin / ${name}`),
    ...(measured ? ["basin's share of the measured peak"] : []),
    ...(nominal === undefined ? [] : ["of the nominal peak"]),
  ];
  const summary = (who: string, values: readonly number[]): string => {
    const leads = values.filter((value) => Number.isFinite(value));
    return leads.length > 0
      ? `\nBasin against ${who}: ${ratio(Math.min(...leads))} at least, ` +
          `${ratio(geometricMean(leads))} in the geometric mean, over ${leads.length} shapes.\n`
      : "";
  };
  const summaries = [
    summary(
      "the best other library",
      results.map(({ timings }) => lead(timings)),
    ),
    ...pytorch.map((name) =>
      summary(
        name,
        results.map(({ timings }) => leadOver(timings, name)),
      ),
    ),
  ];
  return (
    `GFLOP/s by the median, ± half the interquartile range.\n\n${markdownTable(head, rows, 3)}\n` +
    `${summaries.join("")}${names.some(onProcessor) ? `\n${PROCESSOR_NOTE}` : ""}`
  );
}

/** Large products, and which of them is the peak. */
export function peakTable(results: readonly ProductResult[], { measured, nominal }: Peaks): string {
  const share =
    measured && nominal !== undefined
      ? ` That is ${percent(measured.gflops / nominal)} of the nominal peak that was given, ${digits(nominal)} GFLOP/s.`
      : "";
  const peak = measured
    ? `\nMeasured peak in float32: ${digits(measured.gflops)} GFLOP/s (${measured.from}).${share}\n`
    : "";
  return `${matmulTable(results, { measured: undefined, nominal: undefined })}${peak}`;
}

/** @param bestRate GFLOP/s of Basin's best product of a training step in this run; 0 where none was measured */
export function stepTable(results: readonly StepResult[], bestRate: number, { measured, nominal }: Peaks): string {
  return results
    .map(({ shape, flops, reference, timings }) => {
      const peaks = [...(measured ? [measured.gflops] : []), ...(nominal === undefined ? [] : [nominal])];
      const rows = timings.map((timing) => [
        `${timing.contender}${timing.other ? " (other work)" : ""}`,
        digits(timing.median),
        `${digits(timing.least)}–${digits(timing.most)}`,
        digits(timing.cold),
        digits(timing.gflops),
        digits((1000 * shape.tokens) / timing.median),
        scientific(timing.lossError),
        timing.thirdLoss.toPrecision(8),
        // Units for 16 bits have a peak of their own.
        ...peaks.map((peak) => (timing.precision === "float32" ? percent(timing.gflops / peak) : "")),
      ]);
      const fastest = ownBest(timings);
      const compared = timings
        .filter(({ contender, other }) => sideOf(contender) !== "basin" && !onProcessor(contender) && !other)
        .map(({ contender }) => contender);
      const leads = compared.map((name) => `${ratio(leadOver(timings, name))} ${name}`);
      const sentences = Number.isFinite(fastest)
        ? [
            ...(leads.length > 0 ? [`Basin is ${leads.join(", ")}.`] : []),
            ...(bestRate > 0
              ? [
                  `The products alone would take ${digits(flops / bestRate / 1e6)} ms at the best ` +
                    `rate of a product in this run (${digits(bestRate)} GFLOP/s): the step takes ` +
                    `${ratio((fastest * bestRate * 1e6) / flops)} that.`,
                ]
              : []),
          ]
        : [];
      const head = [
        "library",
        "ms",
        "min–max",
        "first step",
        "GFLOP/s",
        "tokens/s",
        "loss error",
        "third loss",
        ...(measured ? ["of the measured peak"] : []),
        ...(nominal === undefined ? [] : ["of the nominal peak"]),
      ];
      const note = [
        ...timings.flatMap(({ contender, other }) =>
          other ? [`\n${contender} does other work, ${(other.flops / 1e9).toFixed(2)} GFLOP: ${other.note}\n`] : [],
        ),
        ...(timings.some(({ contender }) => onProcessor(contender)) ? [`\n${PROCESSOR_NOTE}`] : []),
      ].join("");
      return (
        `${shape.layers} blocks of ${shape.hidden} channels, ${shape.tokens} tokens, ` +
        `${(flops / 1e9).toFixed(2)} GFLOP, reference loss ${reference.toPrecision(9)}.\n\n` +
        `${markdownTable(head, rows)}\n${sentences.length > 0 ? `\n${sentences.join(" ")}\n` : ""}${note}`
      );
    })
    .join("\n");
}

const spreadCells = ({ median, least, most }: Spread): readonly [string, string] => [
  digits(median),
  `${digits(least)}–${digits(most)}`,
];

export function overheadTable({ size, tokens, sft, asft, penaltyFlops, stepFlops }: OverheadResult): string {
  const table = markdownTable(
    ["step", "ms", "min–max"],
    [
      ["SFT", ...spreadCells(sft)],
      ["AsFT", ...spreadCells(asft)],
    ],
  );
  return (
    `${size}, ${tokens} tokens.\n\n${table}\n\nThe penalty adds ${percent(asft.median / sft.median - 1)} to ` +
    `the time; its ${(penaltyFlops / 1e9).toFixed(3)} GFLOP are ${percent(penaltyFlops / stepFlops)} of the ` +
    `step's ${(stepFlops / 1e9).toFixed(2)} (attention not counted).\n`
  );
}

export function packingTable({
  size,
  batches,
  rows,
  tokens,
  paddedTokens,
  packedTokens,
  padded,
  packed,
}: PackingResult): string {
  const row = (name: string, all: number, ms: Spread): string[] => [
    name,
    String(all),
    ...spreadCells(ms),
    digits((1000 * tokens) / ms.median),
  ];
  const table = markdownTable(
    ["batches", "tokens with padding", "ms", "min–max", "tokens/s"],
    [row("padded", paddedTokens, padded), row("packed", packedTokens, packed)],
  );
  return (
    `${size}, ${batches} batches of ${rows} rows of Alpaca's lengths, ${tokens} tokens without ` +
    `padding.\n\n${table}\n\nPacked is ${ratio(padded.median / packed.median)} padded.\n`
  );
}

export function decodingTable(results: readonly DecodingResult[]): string {
  return `The demo model, ${results[0]?.newTokens ?? 0} new tokens for each prompt, greedy.\n\n${markdownTable(
    ["prompts", "ms", "min–max", "tokens/s"],
    results.map(({ prompts, newTokens, ms }) => [
      String(prompts),
      ...spreadCells(ms),
      digits((1000 * prompts * newTokens) / ms.median),
    ]),
  )}\n`;
}

export function evaluationLine({ prompts, score, ms, cold }: EvaluationTiming): string {
  return (
    `The harmful score of ${prompts} prompts on the demo model (${score} %), its weights loaded ` +
    `anew: ${digits(ms.median / 1000)} s (${digits(ms.least / 1000)}–${digits(ms.most / 1000)}); ` +
    `the first time, with compilation, ${digits(cold / 1000)} s.\n`
  );
}

export function startLine({ median, least, most }: Spread): string {
  return (
    "From opening the lab's page, nothing cached, to the first optimiser step of the demo: " +
    `${digits(median / 1000)} s (${digits(least / 1000)}–${digits(most / 1000)}).\n`
  );
}
