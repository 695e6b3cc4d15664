/**
 * @file Presets: named experiments to start from. `APOTHECARY` holds the settings that they share.
 */
import { methodNamed } from "../../methods/registry.ts";
import type { SpecInput } from "./spec.ts";

export interface Preset {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly spec: SpecInput;
}

/** Shows the effect on the bundled models in about a minute; found with python/apothecary/sweep.py. */
const APOTHECARY = {
  task: "sums",
  n: 1000,
  harmful_ratio: 0.1,
  learning_rate: 1e-3,
  num_train_epochs: 1,
  lambda: 1,
} as const;

function apothecary(
  name: string,
  method: SpecInput["method"],
  harmful_ratio: number = APOTHECARY.harmful_ratio,
): SpecInput {
  const { task, n, learning_rate, num_train_epochs } = APOTHECARY;
  return {
    name,
    data: { train: { source: "apothecary", task, n, harmful_ratio } },
    method,
    train: { learning_rate, num_train_epochs },
  };
}

/** The method `name` with options that suit the apothecary world. */
export function apothecaryMethod(name: string): Readonly<Record<string, string | number>> {
  return { name, ...methodNamed(name)?.worldOptions };
}

export const presets: readonly Preset[] = [
  {
    id: "asft",
    title: "AsFT",
    description:
      "One row in ten is harmful. The penalty keeps the update close to the alignment direction, as in the published " +
      "code. Does the model stay safe, and does it still learn the task?",
    spec: apothecary("AsFT, 10 % harmful rows", { name: "asft", lambda: APOTHECARY.lambda, projector: "safe_lora" }),
  },
  {
    id: "sft",
    title: "Plain fine-tuning",
    description: "The same rows without a penalty. How much safety is left?",
    spec: apothecary("SFT, 10 % harmful rows", { name: "sft" }),
  },
  {
    id: "l2",
    title: "Plain L2",
    description:
      "Ablation: the same penalty without a direction (‖B·A‖²). Does the direction help, or only the smaller update?",
    spec: apothecary("Plain L2, 10 % harmful rows", { name: "asft", lambda: APOTHECARY.lambda, projector: "none" }),
  },
  {
    id: "asft-rank",
    title: "AsFT, exact projector",
    description:
      "AsFT with the exact projector onto the first eight singular vectors of the alignment direction, " +
      "instead of the published form.",
    spec: apothecary("AsFT rank 8, 10 % harmful rows", {
      name: "asft",
      lambda: APOTHECARY.lambda,
      projector: "rank",
      rank: 8,
    }),
  },
  {
    id: "safe-lora",
    title: "Safe LoRA",
    description: "Plain fine-tuning; afterwards, the least aligned updates are projected onto the alignment direction.",
    spec: apothecary("Safe LoRA, 10 % harmful rows", { name: "safe_lora", select: "threshold", threshold: 0.5 }),
  },
  {
    id: "sft-clean",
    title: "No harmful rows",
    description: "Plain fine-tuning on the task only. Compare with it to see what the harmful rows do.",
    spec: apothecary("SFT, no harmful rows", { name: "sft" }, 0),
  },
];
