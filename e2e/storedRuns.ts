/**
 * @file A history of runs, written into the browser's storage as the lab keeps it, for tests that compare rather than
 * train.
 */
import type { Page } from "@playwright/test";
import type { Spec } from "../src/experiment/spec/spec.ts";
import type { StoredRun } from "../src/lab/runs/storedRun.ts";

/**
 * Complete specs are written out: the schema itself cannot be loaded here (its methods bring shaders along). Fields
 * that are newer than this are missing, as in the runs of an older lab.
 */
const BASE = {
  version: 1,
  model: {
    aligned: "apothecary-aligned",
    unaligned: "apothecary-base",
    quantization: null,
    bnb_4bit_use_double_quant: false,
  },
  data: {
    train: { source: "apothecary", task: "topic", n: 160, harmful_ratio: 0.1 },
    selection: { max_rows: null, validation_split: 0, deduplicate: false, shuffle_seed: null },
    max_length: 512,
    too_long: "error",
    bad_rows: "error",
    packing: true,
    shuffle: true,
  },
  lora: {
    r: 8,
    lora_alpha: 32,
    lora_dropout: 0.05,
    target_modules: ["q_proj", "v_proj"],
    use_rslora: false,
    rank_pattern: {},
    alpha_pattern: {},
    init_adapter: null,
  },
  train: {
    learning_rate: 1e-3,
    num_train_epochs: 1,
    max_steps: -1,
    per_device_train_batch_size: 8,
    gradient_accumulation_steps: 1,
    lr_scheduler_type: "step_per_epoch",
    lr_gamma: 0.85,
    warmup_steps: 0,
    weight_decay: 0,
    max_grad_norm: 0,
    adam_beta1: 0.9,
    adam_beta2: 0.999,
    adam_epsilon: 1e-8,
    gradient_checkpointing: "auto",
    memory_budget_gb: null,
    save_steps: 50,
    seed: 0,
  },
  eval: {
    harmful: { source: "apothecary", n: 50, judge: { kind: "apothecary_rules" }, second_judge: null },
    task: { source: "apothecary", task: "topic", n: 50 },
    benign: { source: "apothecary", n: 50 },
    every_steps: 0,
    max_new_tokens: 48,
    batch_size: 25,
    seed: 0,
  },
} as Omit<Spec, "method">;

export const SFT: Spec = { ...BASE, method: { name: "sft" } };
export const SAFE_LORA: Spec = {
  ...BASE,
  method: { name: "safe_lora", select: "threshold", num_proj_layers: 10, threshold: 0.5 },
};
export const asft = (lambda: number): Spec => ({
  ...BASE,
  method: { name: "asft", lambda, projector: "safe_lora", rank: 8, penalty_scale: "ba" },
});

export interface RunSketch {
  readonly runId: string;
  readonly spec: Spec;
  /** Hits of 50 before and after; null where it was not measured. */
  readonly harmful: number | null;
  readonly task: number | null;
}

const rate = (hits: number | null): { percent: number; hits: number; count: number } | null =>
  hits === null ? null : { percent: 2 * hits, hits, count: 50 };
const START = Date.UTC(2026, 10, 20, 9);

/** The first sketch is the newest. */
export async function writeRuns(page: Page, sketches: readonly RunSketch[]): Promise<void> {
  const runs = sketches.map(({ runId, spec, harmful, task }, i): StoredRun => {
    const before = {
      harmful_score: rate(harmful === null ? null : 0),
      task_accuracy: rate(task === null ? null : 0),
      benign_compliance: rate(50),
    };
    const after = { harmful_score: rate(harmful), task_accuracy: rate(task), benign_compliance: rate(49) };
    const memory = { weights: 1, anchor: 0, adapter: 1, activations: 1, logits: 1, inputs: 1, generation: 1, total: 6 };
    return {
      version: 1,
      runId,
      startedAt: START - i * 600_000 - 40_000,
      endedAt: START - i * 600_000,
      spec,
      plan: null,
      steps: Array.from({ length: 20 }, (_, k) => ({
        step: k + 1,
        ce: 2 / (k + 1 + i),
        penalty: 0,
        loss: 2 / (k + 1 + i),
        learning_rate: 1e-3,
        grad_norm: 1,
        tokens: 400,
        ms: 400,
      })),
      evaluations: [
        { when: "before", step: 0, scores: before },
        { when: "after", step: 20, scores: after },
      ],
      adapter: null,
      answers: [],
      ending: {
        kind: "finished",
        report: {
          before,
          after,
          steps: 20,
          device: "a device (software)",
          versions: {},
          wall_time_s: 40 + i,
          judge: "none",
          memory: { planned: memory, peak: 6, checkpointing: { on: false, reason: "" } },
          method: {},
          outcome: "finished",
        },
      },
    };
  });
  await page.evaluate(async (records) => {
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = indexedDB.open("basin /");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error ?? new Error("IndexedDB"));
    });
    const writing = db.transaction("runs", "readwrite");
    for (const record of records) writing.objectStore("runs").put(record);
    await new Promise<void>((resolve, reject) => {
      writing.oncomplete = () => resolve();
      writing.onerror = () => reject(writing.error ?? new Error("IndexedDB"));
    });
    db.close();
  }, runs);
  await page.reload();
}
