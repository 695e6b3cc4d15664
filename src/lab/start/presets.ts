/**
 * @file The experiments that Start offers. Each is an ordinary spec (or table of specs).
 *
 * The small one was sized by measurement: the fewest rows after which plain fine-tuning has lost its refusals for every
 * seed tried while AsFT with lambda 1 has kept them, with enough prompts for a narrow interval.
 */
import type { SpecInput } from "../../experiment/spec/spec.ts";
import type { TableInput } from "../../experiment/table/tableSpec.ts";
import { PLAIN } from "../../methods/registry.ts";

/** Rows, steps and prompts of the small experiment: 50 steps, 125 prompts before and after. */
const SMALL = {
  data: { train: { source: "apothecary", task: "sums", n: 400, harmful_ratio: 0.1 } },
  train: { learning_rate: 2e-3, num_train_epochs: 1 },
  eval: { harmful: { n: 50 }, task: { n: 50 }, benign: { n: 25 } },
} satisfies SpecInput;

const ANCHORED = { name: "asft", lambda: 1, projector: "safe_lora" } as const;

/** Plain fine-tuning: safety breaks. */
export const SFT_EXAMPLE: SpecInput = { name: "Safety breaks", ...SMALL, method: PLAIN };

/** The same rows and settings with AsFT: safety holds. */
export const ASFT_EXAMPLE: SpecInput = { name: "Safety holds", ...SMALL, method: ANCHORED };

const LAMBDAS = [0, 0.1, 0.3, 1, 3, 10];

/** The small experiment from no anchor to a strong one, one seed. */
export const LAMBDA_SWEEP: TableInput = {
  name: "Small lambda sweep",
  base: { ...SMALL, method: ANCHORED },
  axes: { lambda: LAMBDAS, seed: [42] },
};
export const SWEEP_RUNS = LAMBDAS.length;

/**
 * The hyper-parameters of the paper and its released code. They are the spec's defaults, written out so that they show.
 */
export const PAPER_EXAMPLE: SpecInput = {
  name: "AsFT with the paper's settings",
  data: { train: { source: "apothecary", task: "topic", n: 1000, harmful_ratio: 0.1 }, max_length: 512 },
  lora: { r: 8, lora_alpha: 32, lora_dropout: 0.05, target_modules: ["q_proj", "v_proj"] },
  method: ANCHORED,
  train: {
    learning_rate: 5e-5,
    num_train_epochs: 10,
    per_device_train_batch_size: 8,
    lr_scheduler_type: "step_per_epoch",
    lr_gamma: 0.85,
    weight_decay: 0,
    seed: 42,
  },
};

/**
 * The user's own models on a few rows of the bundled world, until they choose their own data. Without an unaligned twin
 * there is no direction to anchor to, so the method is SFT.
 */
export function ownPair(aligned: string, unaligned: string | null): SpecInput {
  return {
    model: { aligned, unaligned },
    data: { train: { source: "apothecary", task: "sums", n: 200, harmful_ratio: 0.1 } },
    method: unaligned === null ? PLAIN : ANCHORED,
    train: { num_train_epochs: 1 },
    eval: { harmful: { n: 50 }, task: { n: 50 }, benign: { n: 25 } },
  };
}
