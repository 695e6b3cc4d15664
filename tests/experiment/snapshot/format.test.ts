/** @file The snapshot's file: everything comes back bit for bit, and a damaged or foreign file is refused by name. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { StepMetrics } from "../../../src/experiment/run/events.ts";
import {
  decodeSnapshot,
  encodeSnapshot,
  type RecordedEvaluation,
  type RunSnapshot,
  type SnapshotState,
} from "../../../src/experiment/snapshot/runSnapshot.ts";
import { encodeLogPart, LOG_START } from "../../../src/experiment/snapshot/snapshotLog.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { encodeSafetensors, headerLength, parseHeader } from "../../../src/weights/safetensors.ts";

const values = (...list: number[]): Float32Array => Float32Array.from(list);

const FIRST: StepMetrics = {
  step: 1,
  ce: 0.1 + 0.2,
  penalty: 1e-300,
  loss: 2,
  learning_rate: 1 / 3,
  grad_norm: 5e-324,
  tokens: 7,
  ms: 1.5,
};
const SECOND: StepMetrics = {
  step: 2,
  ce: 1,
  penalty: 0,
  loss: 1,
  learning_rate: 0,
  grad_norm: 1,
  tokens: 7,
  ms: 1,
  stream: "safety",
};
const BEFORE: RecordedEvaluation = {
  when: "before",
  step: 0,
  scores: { harmful_score: null, task_accuracy: null, perplexity: null, benign_compliance: null },
  answers: [],
};

const { end, part } = await encodeLogPart(
  [
    { evaluation: BEFORE },
    { step: FIRST },
    { modules: { step: 1, values: [0.1 + 0.2] } },
    { step: SECOND },
    { sampled: { who: "trained", step: 2, answers: [] } },
  ],
  LOG_START,
);
const facts = { log: end, beforeReused: true, elapsedMs: 12.5, resumedAt: [1] };

const checkpoint: SnapshotState = {
  spec: resolveSpec({ name: "Grüße", method: { name: "safe_merge" } }),
  origin: { model: "m", rows: "r", device: "d", basin: "b" },
  stage: {
    kind: "training",
    step: 2,
    safe: {
      log: { safe_adapter_steps: 3 },
      modules: [
        {
          path: "model.layers.0.self_attn.q_proj",
          r: 1,
          inFeatures: 3,
          outFeatures: 2,
          A: values(1, 2, 3),
          B: values(4, 5),
        },
      ],
    },
  },
  kernels: {
    "nt bf16 256×576×576": {
      problem: { form: "nt", dtype: "bf16", m: 256, n: 576, k: 576 },
      kernel: "register",
      ms: { register: 0.1 + 0.2, shared: 1 / 3 },
    },
  },
  record: facts,
  // The smallest numbers that f32 holds, a zero with a sign, and what a moment can become.
  training: {
    values: new Map([
      ["q.A", values(1e-45, -0, 3.4e38)],
      ["q.B", values(0.1)],
    ]),
    moment1: new Map([
      ["q.A", values(-1, 2, 3)],
      ["q.B", values(0)],
    ]),
    moment2: new Map([
      ["q.A", values(Infinity, 0, 1)],
      ["q.B", values(0)],
    ]),
  },
  method: { facts: { current: null, list: [1] }, tensors: new Map([["anchor", values(9, 8)]]) },
};

/** What is read back of it. */
const whole: RunSnapshot = {
  ...checkpoint,
  record: {
    ...facts,
    steps: [FIRST, SECOND],
    evaluations: [BEFORE],
    modules: [{ step: 1, values: [0.1 + 0.2] }],
    samples: [{ who: "trained", step: 2, answers: [] }],
  },
};

const decode = (file: Uint8Array<ArrayBuffer>, name = "file"): Promise<RunSnapshot> =>
  decodeSnapshot(file, name, async () => part.bytes);

describe("a snapshot of version 1", () => {
  const earlier = (name: string): Promise<RunSnapshot> =>
    decodeSnapshot(new Uint8Array(readFileSync(`tests/fixtures/snapshots/${name}.safetensors`)), name);

  it("is read as it was written, though it has no log", async () => {
    const { record, stage, training } = await earlier("v1-training");
    expect(stage).toEqual({ kind: "training", step: 2, safe: null });
    expect(record).toMatchObject({
      log: null,
      steps: [{ step: 1, ce: 0.1 + 0.2, penalty: 1e-300, grad_norm: 5e-324 }, { step: 2 }],
      evaluations: [{ when: "before" }, { when: "during", step: 1 }],
      modules: [{ step: 2, values: [0.5] }],
      samples: [],
      beforeReused: true,
      elapsedMs: 12.5,
      resumedAt: [1],
    });
    expect([...(training.values.get("q.A") ?? [])]).toEqual([...values(1e-45, -0, 3.4e38)]);
  });

  it("has the losses of its safe adapter", async () => {
    const { stage } = await earlier("v1-safe-adapter");
    expect(stage).toEqual({ kind: "safe_adapter", step: 3, firstLoss: 0.5, lastLoss: 1 / 3 });
  });
});

describe("a checkpoint's file", () => {
  it("gives everything back, bit for bit", async () => {
    const file = await encodeSnapshot(checkpoint);
    const back = await decode(file);
    expect(back).toEqual(whole);
    const bits = (map: ReadonlyMap<string, Float32Array>): number[] =>
      [...map.values()].flatMap((list) => [...new Uint32Array(list.slice().buffer)]);
    for (const which of ["values", "moment1", "moment2"] as const)
      expect(bits(back.training[which])).toEqual(bits(checkpoint.training[which]));
    expect(
      await decode(
        await encodeSnapshot({
          ...checkpoint,
          stage: { kind: "safe_adapter", step: 1, firstLoss: 0.5, lastLoss: 1 / 3 },
          method: null,
        }),
      ),
    ).toEqual({ ...whole, stage: { kind: "safe_adapter", step: 1, firstLoss: 0.5, lastLoss: 1 / 3 }, method: null });
  });

  it("is a safetensors file that any reader opens", async () => {
    const file = await encodeSnapshot(checkpoint);
    const { entries, metadata } = parseHeader(
      file.subarray(8, 8 + headerLength(file, file.byteLength, "file")),
      file.byteLength,
      "file",
    );
    expect(entries.map(({ name }) => name)).toContain("moment2.q.A");
    expect(metadata).toMatchObject({ format: "basin-checkpoint", version: "2" });
  });

  it("is refused when a single bit is wrong, when it is cut off, newer or something else", async () => {
    const file = await encodeSnapshot(checkpoint);
    const wrong = file.slice();
    wrong[file.byteLength - 3] = (wrong[file.byteLength - 3] ?? 0) ^ 1;
    await expect(decodeSnapshot(wrong, "file")).rejects.toThrow("digest does not match");
    const altered = new TextDecoder("latin1").decode(file).replace('\\"step\\":2,\\"safe', '\\"step\\":1,\\"safe');
    await expect(
      decodeSnapshot(
        Uint8Array.from(altered, (c) => c.charCodeAt(0)),
        "file",
      ),
    ).rejects.toThrow("digest does not match");
    for (const length of [0, 7, 100, file.byteLength - 1])
      await expect(decodeSnapshot(file.slice(0, length), "file")).rejects.toThrow("file");
    await expect(decodeSnapshot(encodeSafetensors([], { format: "pt" }), "file")).rejects.toThrow(
      "not the snapshot of a run",
    );
    await expect(
      decodeSnapshot(encodeSafetensors([], { format: "basin-checkpoint", version: "3" }), "file"),
    ).rejects.toThrow("version 3, this Basin reads 2");
  });
});
