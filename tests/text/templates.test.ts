/**
 * @file The chat templates of real families: the tokens with loss are those that transformers' own assistant mask marks
 * (python/make_template_fixture.py), also where the answer stands in the question, a turn is rewritten once another
 * follows, or a token spans the boundary.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
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
