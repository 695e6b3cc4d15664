/** @file What rows bring beside role and content is used where the chat template takes it, and reported where not. */
import { describe, expect, it } from "vitest";
import { ignoredFields } from "../../src/experiment/data/ignoredFields.ts";
import { chooseColumns, completeMapping } from "../../src/text/data/mapping.ts";
import { parseTable } from "../../src/text/data/readTable.ts";
import { mapRows } from "../../src/text/data/rows.ts";
import type { DataRow } from "../../src/text/example.ts";
import { tokenizeRow } from "../../src/text/tokenize.ts";
import type { TextTokenizer } from "../../src/text/tokenizer.ts";
import { load } from "./support.ts";

async function rowsOf(...values: readonly unknown[]): Promise<readonly DataRow[]> {
  const table = await parseTable(values.map((value) => JSON.stringify(value)).join("\n"), "f.jsonl");
  return mapRows(table, completeMapping(chooseColumns(table.columns, {}, "f.jsonl"), table, {})).rows;
}

/** The text of the tokens with loss. */
function learnt(row: DataRow | undefined, tokenizer: TextTokenizer): string {
  if (row === undefined) throw new Error("there is no row");
  const { labels } = tokenizeRow(row, tokenizer);
  return tokenizer.decode(
    labels.filter((label) => label !== -100),
    { skipSpecialTokens: false },
  );
}

/** As Qwen's: reasoning and calls are written, tools come first, a tool's answer is a user's turn. */
const TAKES_ALL =
  "{% if tools %}{{ '<|im_start|>system\n' + tools | tojson + '<|im_end|>\n' }}{% endif %}" +
  "{% for m in messages %}{{ '<|im_start|>' + ('user' if m.role == 'tool' else m.role) + '\n' }}" +
  "{% if m.reasoning_content %}{{ '<think>' + m.reasoning_content + '</think>' }}{% endif %}" +
  "{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ '\n' + c | tojson }}{% endfor %}" +
  "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const conversation = {
  tools: [{ name: "sum" }],
  messages: [
    { role: "user", content: "two" },
    { role: "assistant", content: null, tool_calls: [{ name: "sum" }] },
    { role: "tool", content: "four", name: "sum" },
    { role: "assistant", content: "four", reasoning_content: "a tonic" },
  ],
};

describe("fields of messages", () => {
  it("that the template writes are rendered, and what the assistant says in them is learnt", async () => {
    const tokenizer = await load("chatml", { "chat_template.jinja": TAKES_ALL });
    const rows = await rowsOf(conversation);
    expect(learnt(rows[0], tokenizer)).toBe('\n{"name": "sum"}<|im_end|><think>a tonic</think>four<|im_end|>');
    expect(ignoredFields(rows, tokenizer)).toEqual([
      { rows: 1, reason: "name: the chat template writes nothing of it" },
    ]);
  });

  it("that it does not write are counted", async () => {
    const tokenizer = await load("chatml");
    const plain = { messages: conversation.messages.filter(({ content }) => content !== null) };
    const rows = await rowsOf({ ...plain, tools: conversation.tools }, plain);
    expect(ignoredFields(rows, tokenizer)).toEqual([
      { rows: 2, reason: "name: the chat template writes nothing of it" },
      { rows: 2, reason: "reasoning_content: the chat template writes nothing of it" },
      { rows: 1, reason: "tools: the chat template writes nothing of it" },
    ]);
  });

  it("a message without a role is named by what it has", async () => {
    await expect(rowsOf({ messages: [{ content: "x", speaker: "y" }] })).rejects.toThrow(
      "messages[0] has no role (it has content, speaker)",
    );
  });
});

describe("the history of an instruction row", () => {
  it("comes before its question, and its answers are learnt", async () => {
    const tokenizer = await load("chatml");
    const [row] = await rowsOf({ instruction: "and?", output: "seven", history: [["one", "two"]] });
    expect(row).toMatchObject({
      kind: "chat",
      messages: [{ content: "one" }, { content: "two" }, { content: "and?" }, {}],
    });
    expect(learnt(row, tokenizer)).toBe("two<|im_end|>seven<|im_end|>");
    await expect(rowsOf({ instruction: "a", output: "b", history: "x" })).rejects.toThrow("The field history");
  });
});
