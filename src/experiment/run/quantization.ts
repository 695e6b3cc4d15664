/**
 * @file The spec's words for quantised frozen weights (those of bitsandbytes), and what quantising did, for reports.
 */
import type { QuantisedDType } from "../../engine/tensor.ts";
import type { LoadedModel, QuantisedTensor } from "../../model/loadModel.ts";

export const QUANTIZATIONS = ["int8", "nf4"] as const;
export type Quantization = (typeof QUANTIZATIONS)[number];

/** Of the layers' matrices; those that are not listed are as stored. */
export interface QuantizationReport {
  readonly tensors: readonly QuantisedTensor[];
  /** Mean over the matrices of ‖Ŵ − W‖ / ‖W‖. */
  readonly mean_relative_error: number;
  readonly worst: { readonly tensor: string; readonly relative_error: number };
}

/** The type that a spec's `model` asks for; null: as stored. */
export function quantisedType({
  quantization,
  bnb_4bit_use_double_quant,
}: {
  readonly quantization: Quantization | null;
  readonly bnb_4bit_use_double_quant: boolean;
}): QuantisedDType | null {
  return quantization === "nf4" && bnb_4bit_use_double_quant ? "nf4_double" : quantization;
}

/** What quantising a model did; null where nothing was quantised. */
export function quantizationReport({ quantised }: LoadedModel): QuantizationReport | null {
  const [first] = quantised;
  if (!first) return null;
  const worst = quantised.reduce((most, each) => (each.relative_error > most.relative_error ? each : most), first);
  return {
    tensors: quantised,
    mean_relative_error: quantised.reduce((sum, { relative_error }) => sum + relative_error, 0) / quantised.length,
    worst: { tensor: worst.tensor, relative_error: worst.relative_error },
  };
}

/** One line for people. */
export function describeQuantization({ tensors, mean_relative_error, worst }: QuantizationReport): string {
  const percent = (share: number): string => `${(100 * share).toPrecision(3)} %`;
  return (
    `${tensors.length} matrices quantised to ${tensors[0]?.dtype ?? ""}: error ${percent(mean_relative_error)} on ` +
    `average, ${percent(worst.relative_error)} at worst (${worst.tensor})`
  );
}
