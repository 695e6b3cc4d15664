/** @file The snapshot's file: everything comes back bit for bit, and a damaged or foreign file is refused by name. */
import { describe, expect, it } from "vitest";
import { decodeSnapshot, encodeSnapshot, type RunSnapshot } from "../../../src/experiment/snapshot/runSnapshot.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { encodeSafetensors, headerLength, parseHeader } from "../../../src/weights/safetensors.ts";

const values = (...list: number[]): Float32Array => Float32Array.from(list);

const checkpoint: RunSnapshot = {
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
  record: {
    steps: [
      { step: 1, ce: 0.1 + 0.2, penalty: 1e-300, loss: 2, learning_rate: 1 / 3, grad_norm: 5e-324, tokens: 7, ms: 1.5 },
      { step: 2, ce: 1, penalty: 0, loss: 1, learning_rate: 0, grad_norm: 1, tokens: 7, ms: 1, stream: "safety" },
    ],
    evaluations: [
      {
        when: "before",
        step: 0,
        scores: { harmful_score: null, task_accuracy: null, perplexity: null, benign_compliance: null },
        answers: [],
      },
    ],
    beforeReused: true,
    elapsedMs: 12.5,
    resumedAt: [1],
  },
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

describe("a checkpoint's file", () => {
  it("gives everything back, bit for bit", async () => {
    const file = await encodeSnapshot(checkpoint);
    const back = await decodeSnapshot(file, "file");
    expect(back).toEqual(checkpoint);
    const bits = (map: ReadonlyMap<string, Float32Array>): number[] =>
      [...map.values()].flatMap((list) => [...new Uint32Array(list.slice().buffer)]);
    for (const which of ["values", "moment1", "moment2"] as const)
      expect(bits(back.training[which])).toEqual(bits(checkpoint.training[which]));
    expect(
      await decodeSnapshot(
        await encodeSnapshot({
          ...checkpoint,
          stage: { kind: "safe_adapter", step: 1, losses: [0.5] },
          method: null,
        }),
        "file",
      ),
    ).toEqual({ ...checkpoint, stage: { kind: "safe_adapter", step: 1, losses: [0.5] }, method: null });
  });

  it("is a safetensors file that any reader opens", async () => {
    const file = await encodeSnapshot(checkpoint);
    const { entries, metadata } = parseHeader(
      file.subarray(8, 8 + headerLength(file, file.byteLength, "file")),
      file.byteLength,
      "file",
    );
    expect(entries.map(({ name }) => name)).toContain("moment2.q.A");
    expect(metadata).toMatchObject({ format: "basin-checkpoint", version: "1" });
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
      decodeSnapshot(encodeSafetensors([], { format: "basin-checkpoint", version: "2" }), "file"),
    ).rejects.toThrow("version 2, this Basin reads 1");
  });
});
