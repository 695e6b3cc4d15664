/** @file Tables to begin with. */
import allMethods from "../../../examples/apothecaryTable.json";
import type { SpecInput } from "../spec/spec.ts";
import type { TableInput } from "./tableSpec.ts";

/** Every method in the apothecary world, three seeds: the README's table. */
export const ALL_METHODS: TableInput = allMethods;

/** What makes a run's method and seed, and what it is called. */
function withoutVaried({ name: _, method: __, ...base }: SpecInput): Record<string, unknown> {
  return structuredClone(base) as Record<string, unknown>;
}

/**
 * AsFT from no anchor at all to a strong one, on the data and settings of `spec`. Seeds come one after the other, so
 * the first plot is there after a third of the time.
 */
export function lambdaDial(spec: SpecInput): TableInput {
  const method =
    spec.method?.name === "asft" ? { ...spec.method, lambda: 1 } : { name: "asft", projector: "safe_lora" };
  return {
    name: "Lambda dial",
    base: { ...withoutVaried(spec), method },
    axes: { lambda: [0, 0.1, 0.3, 1, 3, 10, 30], seed: [0, 1, 2] },
  };
}

/** The experiment as it stands on three seeds, beside plain fine-tuning. */
export function fromSpec(spec: SpecInput, title: string): TableInput {
  return {
    base: withoutVaried(spec),
    axes: {
      method: {
        SFT: "sft",
        ...(spec.method === undefined || spec.method.name === "sft" ? {} : { [title]: spec.method }),
      },
      seed: [0, 1, 2],
    },
    baseline: "SFT",
  };
}
