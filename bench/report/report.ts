/**
 * @file What a run of the benchmark gives: its options, who took part on which device, the sections, and their tables.
 */

import type { RouteRow } from "../../src/experiment/measure/routeRows.ts";
import type { Refusal } from "../contenders/contender.ts";
import type { DecodingResult, EvaluationTiming } from "../sections/demo.ts";
import type { ProductResult } from "../sections/matmul.ts";
import type { StepResult } from "../sections/step.ts";
import type { OverheadResult, PackingResult } from "../sections/training.ts";

export const SECTIONS = ["peak", "step", "matmul", "overhead", "packing", "decoding", "evaluation"] as const;
export type Section = (typeof SECTIONS)[number];

export interface BenchOptions {
  /** In this order. */
  readonly sections: readonly Section[];
  /** Names of the command line; empty: all. */
  readonly contenders: readonly string[];
  readonly repetitions: number;
  /** Models whose products are measured: keys of MODELS. */
  readonly shapes: readonly string[];
  /** Tokens of the products. */
  readonly tokens: number;
  /** Tokens of the LoRA steps. */
  readonly stepTokens: readonly number[];
  /** Blocks of the LoRA steps. */
  readonly layers: readonly number[];
  /** After which no new work is begun; null: no limit. */
  readonly minutes: number | null;
  /** TFLOP/s in float32 that the device's data sheet promises; null: not given. */
  readonly nominal: number | null;
}

export interface BenchResults {
  /** Large products: what the device can do. */
  readonly peak: readonly ProductResult[];
  readonly matmul: readonly ProductResult[];
  readonly steps: readonly StepResult[];
  readonly overhead: OverheadResult | null;
  readonly packing: PackingResult | null;
  readonly decoding: readonly DecodingResult[];
  readonly evaluation: EvaluationTiming | null;
  /** What was not measured, and why; one sentence each. */
  readonly gaps: readonly string[];
}

export interface BenchReport extends BenchResults {
  readonly device: string;
  readonly software: boolean;
  /** The browser, or Node with Dawn. */
  readonly platform: string;
  readonly date: string;
  readonly options: BenchOptions;
  readonly contenders: readonly { readonly name: string; readonly version: string }[];
  readonly refused: readonly Refusal[];
  /** Basin's measured kernels, by contender. */
  readonly kernels: Readonly<Record<string, readonly RouteRow[]>>;
  /** "under way": this is what there was when the run was cut short. */
  readonly state: "under way" | "finished";
  /** All of it, to be read. */
  readonly markdown: string;
}
