/**
 * @file Real models' configurations are read, in both spellings, and describe as many parameters as the models have.
 */

import { describe, expect, it } from "vitest";
import { distinctWindows } from "../../src/model/config.ts";
import { parseConfig } from "../../src/model/families.ts";
import { linearModules, weightSpecs } from "../../src/model/layout.ts";
import { KNOWN_MODELS } from "./knownModels.ts";

function known(name: string): Readonly<Record<string, unknown>> {
  const model = KNOWN_MODELS.find((each) => each.name.endsWith(name));
  if (!model) throw new Error(`no model ${name}`);
  return model.config;
}

/** The same configuration as transformers 5 writes it. */
function modernSpelling(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { rope_theta, rope_scaling, rope_local_base_freq, torch_dtype, ...rest } = config;
  const scaling = (rope_scaling ?? { rope_type: "default" }) as object;
  const rope = { ...(rope_theta === undefined ? {} : { rope_theta }), ...scaling };
  const rope_parameters =
    config["model_type"] === "gemma3_text"
      ? { full_attention: rope, sliding_attention: { rope_type: "default", rope_theta: rope_local_base_freq } }
      : rope;
  return { ...rest, dtype: torch_dtype, rope_parameters };
}

describe.each(KNOWN_MODELS)("$name", ({ config, parameters }) => {
  const parsed = parseConfig(config);

  it("has as many parameters as the model", () => {
    const counts = weightSpecs(parsed).map(({ shape }) => shape.reduce((product, size) => product * size, 1));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(parameters);
    expect(new Set(weightSpecs(parsed).map(({ name }) => name)).size).toBe(counts.length);
  });

  it("reads the same in the spelling of transformers 5", () => {
    expect(parseConfig(modernSpelling(config))).toEqual(parsed);
  });
});

describe("layers", () => {
  const windows = (name: string): (number | undefined)[] =>
    parseConfig(known(name)).layerKinds.map(({ window }) => window);

  it("slide where the family's rule says so", () => {
    for (const name of [
      "Llama-2-7b-chat-hf",
      "Qwen2-7B-Instruct",
      "Qwen3-0.6B",
      "Mistral-7B-Instruct-v0.3",
      "SmolLM3-3B",
    ])
      expect(distinctWindows(parseConfig(known(name))), name).toEqual([undefined]);
    expect(distinctWindows(parseConfig(known("Phi-3-mini-4k-instruct")))).toEqual([2047]);
    expect(windows("gemma-2-2b-it").slice(0, 3)).toEqual([4096, undefined, 4096]);
    expect(windows("gemma-3-270m-it").slice(4, 7)).toEqual([512, undefined, 512]);
    // By the number and by the list.
    expect(windows("gemma-3-1b-it").slice(0, 18)).toEqual(windows("gemma-3-270m-it"));
    expect(distinctWindows(parseConfig({ ...known("Mistral-7B-Instruct-v0.3"), sliding_window: 4096 }))).toEqual([
      4096,
    ]);
  });

  it("of Qwen slide from max_window_layers on once the switch is on", () => {
    const on = { ...known("Qwen2.5-0.5B-Instruct"), use_sliding_window: true };
    expect(parseConfig(on).layerKinds.map(({ window }) => window)).toEqual(
      Array.from({ length: 24 }, (_, layer) => (layer < 21 ? undefined : 32768)),
    );
    expect(distinctWindows(parseConfig({ ...on, max_window_layers: 0 }))).toEqual([32768]);
  });

  it("of Gemma 3 turn slowly where they see everything, fast where they slide", () => {
    const { layerKinds, ropes } = parseConfig(known("gemma-3-270m-it"));
    expect(ropes.map(({ theta }) => theta)).toEqual([1e6, 1e4]);
    expect(layerKinds.every(({ window, rope }) => rope === (window === undefined ? 0 : 1))).toBe(true);
  });

  it("of SmolLM3 know no positions every fourth time, with or without the list", () => {
    const config = known("SmolLM3-3B");
    const { layerKinds } = parseConfig(config);
    expect(layerKinds.slice(2, 5).map(({ rope }) => rope)).toEqual([0, undefined, 0]);
    expect(parseConfig({ ...config, no_rope_layers: undefined })).toEqual(parseConfig(config));
    const sliding = parseConfig({ ...config, layer_types: undefined, use_sliding_window: true, sliding_window: 100 });
    expect(sliding.layerKinds.slice(2, 5).map(({ window }) => window)).toEqual([undefined, 100, undefined]);
  });
});

describe("families' facts", () => {
  it("Gemma: scaled embeddings, 1 + w, norms after the blocks, its own score factor and caps", () => {
    const gemma2 = parseConfig(known("gemma-2-9b-it"));
    expect(gemma2).toMatchObject({
      normAddsOne: true,
      sandwichNorms: true,
      qkNorm: false,
      activation: "gelu_pytorch_tanh",
      attentionSoftcap: 50,
      logitSoftcap: 30,
      attentionScale: 1 / 16,
      tiedEmbeddings: true,
    });
    expect(gemma2.embeddingScale).toBeCloseTo(Math.sqrt(3584), 12);
    expect(parseConfig({ ...known("gemma-2-9b-it"), query_pre_attn_scalar: 144 }).attentionScale).toBeCloseTo(
      1 / 12,
      15,
    );
    expect(parseConfig(known("gemma-3-1b-it"))).toMatchObject({
      qkNorm: true,
      attentionSoftcap: undefined,
      logitSoftcap: undefined,
      sandwichNorms: true,
    });
    expect(parseConfig({ ...known("gemma-3-1b-it"), final_logit_softcapping: 30 }).logitSoftcap).toBe(30);
  });

  it("an absent field means the family's default, null means none", () => {
    const { attn_logit_softcapping, final_logit_softcapping, sliding_window, head_dim, ...bare } =
      known("gemma-2-2b-it");
    expect([attn_logit_softcapping, final_logit_softcapping, sliding_window, head_dim]).toEqual([50, 30, 4096, 256]);
    expect(parseConfig(bare)).toEqual(parseConfig(known("gemma-2-2b-it")));
    expect(parseConfig({ ...bare, attn_logit_softcapping: null, final_logit_softcapping: null })).toMatchObject({
      attentionSoftcap: undefined,
      logitSoftcap: undefined,
    });
    const { sliding_window: none, ...mistral } = known("Mistral-7B-Instruct-v0.3");
    expect(none).toBeNull();
    expect(distinctWindows(parseConfig(mistral))).toEqual([4096]);
    expect(parseConfig({ ...known("Qwen3-0.6B"), head_dim: undefined }).headDim).toBe(128);
    expect(
      parseConfig({ ...known("SmolLM3-3B"), rope_theta: undefined, tie_word_embeddings: undefined }),
    ).toMatchObject({ ropes: [{ theta: 2e6 }], tiedEmbeddings: true });
  });

  it("Phi-3's modules are the fused ones, in PyTorch's order", () => {
    const modules = linearModules(parseConfig(known("Phi-3-mini-4k-instruct"))).slice(0, 4);
    expect(
      modules.map(({ path, inFeatures, outFeatures }) => [
        path.replace("model.layers.0.", ""),
        inFeatures,
        outFeatures,
      ]),
    ).toEqual([
      ["self_attn.o_proj", 3072, 3072],
      ["self_attn.qkv_proj", 3072, 9216],
      ["mlp.gate_up_proj", 3072, 16384],
      ["mlp.down_proj", 8192, 3072],
    ]);
  });
});
