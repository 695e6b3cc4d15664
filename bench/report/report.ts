/** @file What a run of the benchmark gives: its options, who took part on which device, the sections, and their tables. */

import type { Refusal } from "../contenders/contender.ts";
import type { DecodingResult, EvaluationTiming } from "../sections/demo.ts";
import type { ProductResult } from "../sections/matmul.ts";
import type { StepResult } from "../sections/step.ts";
import type { OverheadResult, PackingResult } from "../sections/training.ts";

export const SECTIONS = ["matmul", "step", "overhead", "packing", "decoding", "evaluation"] as const;
export type Section = (typeof SECTIONS)[number];

export interface BenchOptions {
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
}

export interface BenchReport {
  readonly device: string;
  readonly software: boolean;
  readonly browser: string;
  readonly date: string;
  readonly options: BenchOptions;
  readonly contenders: readonly { readonly name: string; readonly version: string }[];
  readonly refused: readonly Refusal[];
  readonly matmul: readonly ProductResult[];
  readonly steps: readonly StepResult[];
  readonly overhead: OverheadResult | null;
  readonly packing: PackingResult | null;
  readonly decoding: readonly DecodingResult[];
  readonly evaluation: EvaluationTiming | null;
  /** All tables. */
  readonly markdown: string;
}
