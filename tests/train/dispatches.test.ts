/** @file How many dispatches a training step has: what is fused stays fused. No device. */

import { describe, expect, it } from "vitest";
import type { Dispatch } from "../../src/engine/encoder.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules } from "../../src/model/layout.ts";
import { adaptedModule } from "../../src/model/lora.ts";
import { trainingGraph } from "../../src/train/trainingGraph.ts";
import { dispatchesOf } from "../support/dispatchList.ts";

interface Step {
  readonly layers: number;
  readonly targets?: RegExp;
  readonly activationCheckpointing?: boolean;
  readonly family?: Readonly<Record<string, unknown>>;
}

function step({
  layers,
  targets = /(q|v|qkv)_proj$/,
  activationCheckpointing = false,
  family = { model_type: "llama" },
}: Step): readonly Dispatch[] {
  const config = parseConfig({
    hidden_size: 64,
    head_dim: 16,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    intermediate_size: 128,
    vocab_size: 256,
    tie_word_embeddings: true,
    ...family,
  });
  const modules = linearModules(config)
    .filter(({ path }) => targets.test(path))
    .map((module) => adaptedModule(module, { r: 8, lora_alpha: 32, use_rslora: false }));
  const model = { config, dtype: () => "bf16" as const, modules, dropout: 0.05, activationCheckpointing };
  const { graph, plan } = trainingGraph(model, { tokens: 32, labels: 16 }, 32);
  return dispatchesOf(graph, plan);
}

const FAMILIES = [
  { model_type: "llama" },
  { model_type: "qwen2" },
  { model_type: "qwen3" },
  { model_type: "phi3", pad_token_id: 0 },
  { model_type: "gemma2" },
  { model_type: "gemma3_text", sliding_window: 16 },
];

describe("dispatches of a step", () => {
  it.each(FAMILIES)("contain no sum and no copy of their own: $model_type", (family) => {
    for (const targets of [/(q|v|qkv)_proj$/, /_proj$/]) {
      for (const activationCheckpointing of [false, true]) {
        const names = new Set(
          step({ layers: 3, targets, activationCheckpointing, family }).map((dispatch) => dispatch.family.name),
        );
        expect([...names].some((name) => name.startsWith("matmul"))).toBe(true);
        expect(names).not.toContain("add");
        expect(names).not.toContain("copy");
      }
    }
  });

  it("are as many per layer as it has operators", () => {
    const perLayer = (options: Omit<Step, "layers">): number =>
      (step({ layers: 9, ...options }).length - step({ layers: 5, ...options }).length) / 4;
    // Forward 2 norms, 7 products, 2 of LoRA, 2 rotations, attention, gated unit; reverse 7 products, 6 of LoRA, 3 of
    // attention, 2 rotations, unit, 2 norms.
    expect(perLayer({})).toBe(15 + 21);
    // The last product, and the gated unit that only it reads, are not made again.
    expect(perLayer({ activationCheckpointing: true })).toBe(15 + 13 + 21);
  });
});
