/**
 * @file The table of device memory in docs/models.md: what `basin plan` says for known models at 512 tokens a row, from
 * their configurations alone. Run by memoryTable.mjs.
 */
import { EMPTY_EVALUATION } from "../src/eval/evaluationPlan.ts";
import { UNKNOWN_DEVICE, gibibytes } from "../src/experiment/plan/deviceMemory.ts";
import { planRun } from "../src/experiment/plan/runPlan.ts";
import { resolveSpec } from "../src/experiment/spec/spec.ts";
import { shapesOnly } from "../tests/support/shapesOnly.ts";
import shapes from "./modelShapes.json" with { type: "json" };

const TOKENS = 512;
const BATCHES = [1, 8];
const WEIGHTS = [
  ["bf16", null],
  ["int8", "int8"],
  ["NF4", "nf4"],
] as const;
const METHODS = ["sft", "asft"] as const;

/** Bytes of a run on rows of 512 tokens that all carry loss, LoRA r = 8 on q_proj and v_proj, without evaluation. */
function total(
  name: string,
  config: unknown,
  batch: number,
  quantization: "int8" | "nf4" | null,
  method: "sft" | "asft",
  recompute: boolean,
): number {
  const spec = resolveSpec({
    model: { aligned: name, unaligned: `${name} before`, quantization },
    data: { max_length: TOKENS },
    method: { name: method },
    train: { per_device_train_batch_size: batch, max_steps: 1, gradient_checkpointing: recompute },
    eval: { harmful: null, task: null, benign: null },
  });
  const ids = Array.from({ length: TOKENS }, (_, t) => t);
  const rows = Array.from({ length: batch }, () => ({ input_ids: ids, labels: ids }));
  return planRun(spec, shapesOnly(name, config), rows, { device: UNKNOWN_DEVICE, evaluation: EMPTY_EVALUATION }).memory
    .total;
}

/** A markdown table: a row per model, batch and method; a column per type of weights, kept and recomputed. */
export function memoryTable(): string {
  const header = ["Model", "Batch", "Method", ...WEIGHTS.flatMap(([title]) => [title, `${title}, recomputed`])];
  const rows = Object.entries(shapes).flatMap(([name, config]) =>
    BATCHES.flatMap((batch) =>
      METHODS.map((method) => [
        name,
        String(batch),
        method === "sft" ? "SFT" : "AsFT",
        ...WEIGHTS.flatMap(([, quantization]) =>
          [false, true].map((recompute) => gibibytes(total(name, config, batch, quantization, method, recompute))),
        ),
      ]),
    ),
  );
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), `|---|--:|---|${"--:|".repeat(2 * WEIGHTS.length)}`, ...rows.map(line)].join("\n");
}
