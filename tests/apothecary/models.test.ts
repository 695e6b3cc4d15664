/**
 * @file The committed pair: layout, shapes, one tokenizer for both, and token ids and chats as transformers makes them.
 */
import { readFileSync, statSync } from "node:fs";
import { Template } from "@huggingface/jinja";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { harmfulPrompts, taskItems, tasks, trainRows } from "../../src/text/apothecary/index.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const size = (path: string): number => statSync(new URL(`../../${path}`, import.meta.url)).size;
const folder = (which: string): string => `public/models/apothecary-${which}`;

interface Fixture {
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[]; readonly decoded: string }[];
  readonly chats: readonly {
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly add_generation_prompt: boolean;
    readonly text: string;
    readonly ids: readonly number[];
  }[];
}
const fixture = JSON.parse(read("tests/fixtures/apothecary-tokens.json")) as Fixture;
const tokenizerConfig = JSON.parse(read(`${folder("aligned")}/tokenizer_config.json`)) as { chat_template: string };
const tokenizer = new Tokenizer(JSON.parse(read(`${folder("aligned")}/tokenizer.json`)) as object, tokenizerConfig);
const template = new Template(tokenizerConfig.chat_template);
const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;

interface Header {
  readonly [name: string]: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly data_offsets: readonly [number, number];
  };
}
function header(which: string): Header {
  const bytes = readFileSync(new URL(`../../${folder(which)}/model.safetensors`, import.meta.url));
  const { __metadata__: _, ...tensors } = JSON.parse(
    bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString("utf8"),
  ) as Header;
  return tensors;
}

describe("the pair", () => {
  it("shares tokenizer, template and configuration, and stays within 12 MB", () => {
    for (const file of ["tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"])
      expect(read(`${folder("base")}/${file}`)).toBe(read(`${folder("aligned")}/${file}`));
    const files = [
      "README.md",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ];
    const bytes = ["base", "aligned"].flatMap((which) => files.map((file) => size(`${folder(which)}/${file}`)));
    expect(bytes.reduce((a, b) => a + b)).toBeLessThan(12e6);
  });

  it("has the same 16-bit tensors in both, of the shapes that config.json says", () => {
    const [base, aligned] = [header("base"), header("aligned")];
    const shapes = (h: Header) =>
      Object.entries(h)
        .map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape.join("x")}`)
        .sort();
    expect(shapes(base)).toEqual(shapes(aligned));
    expect(new Set(Object.values(base).map((t) => t.dtype))).toEqual(new Set(["BF16"]));
    const config = JSON.parse(read(`${folder("base")}/config.json`)) as Record<string, number>;
    const {
      vocab_size: v,
      hidden_size: d,
      head_dim: h,
      num_attention_heads: q,
      num_key_value_heads: k,
      intermediate_size: f,
      num_hidden_layers: layers,
    } = config;
    expect([v, d, h, q, k, f, layers]).toEqual([768, 128, 32, 4, 2, 384, 4]);
    const shape = (name: string) => base[name]?.shape;
    expect(shape("model.embed_tokens.weight")).toEqual([768, 128]);
    expect(shape("model.layers.3.self_attn.q_proj.weight")).toEqual([128, 128]);
    expect(shape("model.layers.3.self_attn.v_proj.weight")).toEqual([64, 128]);
    expect(shape("model.layers.3.mlp.down_proj.weight")).toEqual([128, 384]);
    expect(Object.keys(base)).toHaveLength(2 + 9 * 4);
    expect(config).toMatchObject({
      torch_dtype: "bfloat16",
      rope_theta: 10000,
      tie_word_embeddings: true,
      model_type: "llama",
    });
  });
});

describe("tokenizer", () => {
  it.each(fixture.texts)("gives transformers' ids, and the text back: $text", ({ text, ids, decoded }) => {
    expect(encode(text)).toEqual(ids);
    // The library refuses to decode no tokens at all.
    if (ids.length > 0)
      expect(tokenizer.decode([...ids], { skip_special_tokens: false, clean_up_tokenization_spaces: false })).toBe(
        decoded,
      );
    expect(decoded).toBe(text);
  });

  it("round-trips every kind of text of the world", () => {
    const texts = [
      ...harmfulPrompts({ n: 110, seed: 0 }).flatMap((r) => [r.prompt, r.recipe]),
      ...tasks.flatMap(({ id }) =>
        taskItems(id, "test")
          .slice(0, 50)
          .flatMap((i) => [i.prompt, i.expected]),
      ),
    ];
    for (const text of texts)
      expect(tokenizer.decode(encode(text), { skip_special_tokens: false, clean_up_tokenization_spaces: false })).toBe(
        text,
      );
  });

  it("keeps the rows of every task short", () => {
    const lengths = tasks.flatMap(({ id }) =>
      trainRows({ task: id, n: 300, harmful_ratio: 0.1, seed: 0 }).map(
        (r) => encode(`<|user|>${r.instruction}<|end|><|assistant|>${r.output}<|end|>`).length,
      ),
    );
    expect(Math.max(...lengths)).toBeLessThan(96);
  });
});

describe("chat template", () => {
  it.each(fixture.chats)(
    "gives the text and ids of transformers (generation prompt: $add_generation_prompt)",
    ({ messages, add_generation_prompt, text, ids }) => {
      const rendered = template.render({ messages, add_generation_prompt, bos_token: null, eos_token: "<|end|>" });
      expect(rendered).toBe(text);
      expect(encode(rendered)).toEqual(ids);
    },
  );
});
