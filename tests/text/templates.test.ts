/**
 * @file The chat templates of real families: the tokens with loss are those that transformers' own assistant mask marks
 * (python/make_template_fixture.py), also where the answer stands in the question, a turn is rewritten once another
 * follows, or a token spans the boundary.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeTurnEnds } from "../../src/experiment/data/turnEndNotes.ts";
import type { ChatMessage } from "../../src/text/example.ts";
import { tokenizeRow } from "../../src/text/tokenize.ts";
import { TextTokenizer } from "../../src/text/tokenizer.ts";

interface Family {
  readonly name: string;
  readonly tokenizer: string;
  readonly bos_token: string | null;
  readonly eos_token: string;
  readonly eos_token_id: readonly number[];
  readonly template: string;
  readonly chats: readonly {
    readonly name: string;
    readonly messages: ChatMessage[];
    readonly ids: number[];
    readonly assistant: number[];
  }[];
}

const folder = new URL("../fixtures/tokenizers/templates/", import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
const families = read("golden.json") as Family[];

function tokenizerOf({ name, tokenizer, bos_token, eos_token, eos_token_id, template }: Family): TextTokenizer {
  const settings = { ...(bos_token === null ? {} : { bos_token }), eos_token };
  return new TextTokenizer({
    tokenizer: read(`${tokenizer}.json`) as Record<string, unknown>,
    settings,
    template,
    generation: eos_token_id.length === 0 ? null : { eos_token_id },
    model: null,
    where: name,
  });
}

describe("the tokens that end turns", () => {
  const family = (name: string, changes: Partial<Family> = {}): TextTokenizer => {
    const found = families.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return tokenizerOf({ ...found, ...changes });
  };
  const text = (tokenizer: TextTokenizer, ids: readonly number[]): string[] =>
    ids.map((id) => tokenizer.decode([id], { skipSpecialTokens: false }));

  it.each(families)("of $name are stop tokens already, or become some", (one) => {
    const tokenizer = tokenizerOf(one);
    expect(tokenizer.addedStops).toEqual([]);
    expect(tokenizer.turnEnds?.tokens.length ?? 0).toBe(1);
    expect(tokenizer.turnEnds?.afterLast).toBe(true);
  });

  it("are taken from the template where the model's files do not name them", () => {
    const phi = family("phi3", { eos_token_id: [] });
    expect(text(phi, phi.eosIds)).toEqual(["<|endoftext|>", "<|end|>"]);
    expect(text(phi, phi.addedStops)).toEqual(["<|end|>"]);
    const gemma = family("gemma", { eos_token_id: [4] });
    expect(text(gemma, gemma.addedStops)).toEqual(["<end_of_turn>"]);
    const [note] = describeTurnEnds(phi, [], false);
    expect(note).toMatch(/^Generation also stops at <\|end\|> \(\d+\): .* name only <\|endoftext\|> \(\d+\)\.$/);
  });

  // As Qwen1.5's: the end of a turn is written only where another follows.
  const endless =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content }}" +
    "{% if not loop.last or add_generation_prompt %}{{ '<|im_end|>\n' }}{% endif %}{% endfor %}" +
    "{% if add_generation_prompt and messages[-1].role != 'assistant' %}{{ '<|im_start|>assistant\n' }}{% endif %}";
  const row = { kind: "instruction", instruction: "How?", output: "So." } as const;

  it("that a template leaves out behind the last answer are reported, and appended on request", () => {
    const tokenizer = family("qwen2.5", { template: endless });
    expect(tokenizer.turnEnds).toEqual({ tokens: ["<|im_end|>"], afterLast: false });
    const bare = tokenizeRow(row, tokenizer);
    const whole = tokenizeRow(row, tokenizer, { append_eos: true });
    const [end] = tokenizer.encode("<|im_end|>");
    expect(tokenizer.pieces(bare.input_ids).at(-1)).toBe(".");
    expect(whole).toEqual({ input_ids: [...bare.input_ids, end], labels: [...bare.labels, end] });
    expect(describeTurnEnds(tokenizer, [bare], false)).toEqual([
      "The chat template writes no end after the last answer: 1 of 1 rows do not teach the model to stop there. " +
        "Set data.append_eos to add the token that ends a turn.",
    ]);
    expect(describeTurnEnds(tokenizer, [whole], true)).toEqual([]);
    expect(describeTurnEnds(family("qwen2.5"), [tokenizeRow(row, family("qwen2.5"))], false)).toEqual([]);
  });

  it("are not the beginnings of turns, where a template has no ends", () => {
    const template = "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}";
    expect(family("zephyr", { template }).turnEnds).toEqual({ tokens: [], afterLast: false });
  });
});

describe.each(families)("$name", (family) => {
  const tokenizer = tokenizerOf(family);
  it.each(family.chats)("$name", ({ messages, ids, assistant }) => {
    const { input_ids, labels } = tokenizeRow({ kind: "chat", messages }, tokenizer);
    expect(input_ids).toEqual(ids);
    const learnt = (mask: readonly number[]): string[] => {
      const pieces = tokenizer.pieces(ids);
      return mask.flatMap((one, t) => (one === 1 ? [`${t} ${pieces[t]}`] : []));
    };
    expect(learnt(labels.map((label) => (label === -100 ? 0 : 1)))).toEqual(learnt(assistant));
  });
});
