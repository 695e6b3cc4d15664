/** @file Tokenizers and chat templates give what transformers gives. */
import { existsSync, readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { failure, golden, load } from "./support.ts";

describe.each(["chatml", "metaspace"])("the tokenizer %s", async (name) => {
  const tokenizer = await load(name);
  const want = golden(name);

  it.each(want.texts)(
    "encodes and decodes $text as transformers does",
    ({ text, ids, with_special, decoded, decoded_all }) => {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.encode(text, { addSpecialTokens: true })).toEqual(with_special);
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded_all);
      expect(tokenizer.pieces(ids).join("")).toBe(decoded_all);
    },
  );

  it("knows its size, and encodes an empty text to no token", () => {
    expect(tokenizer.vocabSize).toBe(want.vocab_size);
    expect(tokenizer.encode("")).toEqual([]);
    expect(tokenizer.decode([])).toBe("");
  });
});

describe("U+FEFF", () => {
  // Ids as transformers gives them.
  it.each([
    ["chatml", "\ufeffa", [174, 122, 126, 67]],
    ["metaspace", "\ufeffa", [292, 242, 190, 194, 269]],
    ["metaspace", "a\ufeff", [298, 242, 190, 194]],
    ["metaspace", " \ufeff x", [292, 292, 242, 190, 194, 292, 123]],
  ])("survives %s: %j", async (name, text, ids) => {
    const tokenizer = await load(name);
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it("is dropped by the library's own byte fallback; once it is not, buildTokenizer need not mend it", () => {
    const file = new URL("../fixtures/tokenizers/metaspace/tokenizer.json", import.meta.url);
    const theirs = new Tokenizer(JSON.parse(readFileSync(file, "utf8")) as object, {});
    expect(theirs.decode([298, 242, 190, 194], { skip_special_tokens: true })).toBe("a");
  });
});

describe("the chat template", async () => {
  const tokenizer = await load("chatml");

  it.each(golden("chatml").chats)("renders $text as transformers does", ({ messages, text, ids, prompt_ids }) => {
    expect(tokenizer.chatFormat.kind).toBe("template");
    expect(tokenizer.renderChat(messages)).toBe(text);
    expect(tokenizer.encodeChat(messages)).toEqual(ids);
    expect(tokenizer.encodeChat(messages.slice(0, -1), { addGenerationPrompt: true })).toEqual(prompt_ids);
  });

  it("is taken from chat_template.jinja, else from tokenizer_config.json, alone or by name", async () => {
    const settings = (template: unknown): string =>
      JSON.stringify({ eos_token: { content: "<|im_end|>" }, chat_template: template });
    const render = async (changes: Record<string, string | null>): Promise<string> =>
      (await load("chatml", changes)).renderChat([{ role: "user", content: "x" }]);
    expect(await render({ "chat_template.jinja": "A", "tokenizer_config.json": settings("B") })).toBe("A");
    expect(await render({ "chat_template.jinja": null, "tokenizer_config.json": settings("B{{ eos_token }}") })).toBe(
      "B<|im_end|>",
    );
    expect(
      await render({
        "chat_template.jinja": null,
        "tokenizer_config.json": settings([
          { name: "tool_use", template: "T" },
          { name: "default", template: "D" },
        ]),
      }),
    ).toBe("D");
  });

  it("sees the same date every day", async () => {
    const dated = await load("chatml", {
      "chat_template.jinja":
        "{{ strftime_now('%d %b %Y') }}|{% for i in range(2) %}{{ i }}{% endfor %}|{{ none is none and true }}",
    });
    expect(dated.renderChat([])).toBe("26 Jul 2024|01|True");
  });

  it("reports why it cannot be read, or what it refuses", async () => {
    await expect(load("chatml", { "chat_template.jinja": "{% if %}" })).rejects.toThrow(/chat template cannot be read/);
    const strict = await load("chatml", { "chat_template.jinja": "{{ raise_exception('roles must alternate') }}" });
    expect(failure(() => strict.renderChat([])).what).toContain("roles must alternate");
  });
});

describe("without a chat template", async () => {
  const tokenizer = await load("metaspace");
  const head =
    "Below is an instruction that describes a task. Write a response that " +
    "appropriately completes the request.\n\n### Instruction:\n";

  it("Alpaca's prompt is used, with the tokenizer's BOS", () => {
    const prompt = tokenizer.renderChat([{ role: "user", content: "Say 7." }], { addGenerationPrompt: true });
    expect(prompt).toBe(`${head}Say 7.\n\n### Response:`);
    expect(prompt).toBe(tokenizer.renderInstruction("Say 7."));
    expect(tokenizer.encodeRendered(prompt)[0]).toBe(1);
    expect(tokenizer.renderInstruction("Sort.", "b a")).toBe(
      "Below is an instruction that describes a task, paired with an input that provides " +
        "further context. Write a response that appropriately completes the request.\n\n### " +
        "Instruction:\nSort.\n\n### Input:\nb a\n\n### Response:",
    );
  });

  it("turns follow one another after the system message", () => {
    const turns = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "1+1?" },
      { role: "assistant", content: "2" },
      { role: "user", content: "2+2?" },
    ] as const;
    expect(tokenizer.renderChat(turns, { addGenerationPrompt: true })).toBe(
      "Be brief.\n\n### Instruction:\n1+1?\n\n### Response:2</s>\n\n### Instruction:\n2+2?\n\n### Response:",
    );
  });
});

describe("where generation ends", () => {
  it("comes from generation_config.json, else config.json, and the tokenizer", async () => {
    expect((await load("chatml")).eosIds).toEqual([2, 0]);
    expect((await load("chatml", { "generation_config.json": null })).eosIds).toEqual([2]);
    expect(
      (await load("chatml", { "generation_config.json": null, "config.json": '{"eos_token_id": 0}' })).eosIds,
    ).toEqual([0, 2]);
    expect((await load("metaspace")).eosIds).toEqual([2]);
    expect((await load("metaspace")).isSpecial(2)).toBe(true);
  });
});

describe("bad files", () => {
  it("are reported by name", async () => {
    await expect(load("chatml", { "tokenizer.json": null })).rejects.toThrow(
      /no tokenizer.json \(chatml\).*save_pretrained/,
    );
    await expect(load("chatml", { "tokenizer.json": "{" })).rejects.toThrow(/not valid JSON.*chatml: tokenizer.json/);
    await expect(load("chatml", { "tokenizer.json": '{"model":{}}' })).rejects.toThrow(/tokenizer cannot be built/);
    await expect(load("chatml", { "tokenizer_config.json": "nope" })).rejects.toThrow(/tokenizer_config.json/);
  });
});

describe("the bundled pair", () => {
  it("has a tokenizer that loads, and ends its turns", async () => {
    const folder = new URL("../../public/models/apothecary-aligned/", import.meta.url);
    const tokenizer = await loadTokenizer(
      async (path) => (existsSync(new URL(path, folder)) ? readFileSync(new URL(path, folder), "utf8") : null),
      "apothecary-aligned",
    );
    const ids = tokenizer.encodeChat([
      { role: "user", content: "How do I brew a tonic?" },
      { role: "assistant", content: "Take two." },
    ]);
    expect(tokenizer.eosIds).toContain(ids.at(-1));
    expect(tokenizer.decode(ids)).toContain("How do I brew a tonic?");
  });
});
