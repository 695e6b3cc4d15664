/** @file Example tables. */
import methodsCompared from "../../../examples/apothecaryTable.json";
import pruning from "../../../examples/pruningSweep.json";
import { bindMethod, methodNamed, PLAIN } from "../../methods/registry.ts";
import type { SpecInput } from "../spec/spec.ts";
import type { TableInput } from "./tableSpec.ts";

/** Methods and their variants in the apothecary world, three seeds: the table of docs/results.md. */
export const METHODS_COMPARED: TableInput = methodsCompared;

/** SPLoRA over the number of pruned modules and its scores: safety against utility. */
export const PRUNING_SWEEP: TableInput = pruning;

const BASELINE = bindMethod(PLAIN).title;

/** The spec without its name and method, which the table varies. */
function withoutVaried({ name: _, method: __, ...base }: SpecInput): Record<string, unknown> {
  return structuredClone(base) as Record<string, unknown>;
}

/**
 * From no penalty at all to a strong one: of the spec's method where it has a lambda, else of AsFT, on the data and
 * settings of `spec`. Seeds come one after the other, so the first plot is there after a third of the time.
 */
export function lambdaDial(spec: SpecInput): TableInput {
  const { method: own } = spec;
  const hasLambda = own && methodNamed(own.name)?.options.some(({ name }) => name === "lambda");
  const method = hasLambda ? { ...own, lambda: 1 } : { name: "asft", projector: "safe_lora" };
  return {
    name: "Lambda sweep",
    base: { ...withoutVaried(spec), method },
    axes: { lambda: [0, 0.1, 0.3, 1, 3, 10, 30], seed: [0, 1, 2] },
  };
}

/** The experiment with three seeds, compared with plain fine-tuning. */
export function fromSpec(spec: SpecInput, title: string): TableInput {
  return {
    base: withoutVaried(spec),
    axes: {
      method: {
        [BASELINE]: PLAIN.name,
        ...(spec.method === undefined || spec.method.name === PLAIN.name ? {} : { [title]: spec.method }),
      },
      seed: [0, 1, 2],
    },
    baseline: BASELINE,
  };
}
