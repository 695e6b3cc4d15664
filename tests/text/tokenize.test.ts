/**
 * @file Labels only where the assistant speaks; rows that are too long are cut, dropped or refused, and always
 * reported.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ChatMessage, DataRow, TokenizedExample } from "../../src/text/example.ts";
import { countLabels, tokenizeRow, tokenizeRows } from "../../src/text/tokenize.ts";
import { describeReport } from "../../src/text/tokenizeReport.ts";
import type { TextTokenizer } from "../../src/text/tokenizer.ts";
import { failure, golden, load } from "./support.ts";

const chatml = await load("chatml");
const metaspace = await load("metaspace");

/** The labelled stretches as text. */
function labelled({ input_ids, labels }: TokenizedExample, tokenizer: TextTokenizer): string[] {
  const out: string[] = [];
  let run: number[] = [];
  labels.forEach((label, t) => {
    if (label !== -100) {
      expect(label).toBe(input_ids[t]);
      run.push(label);
    }
    if (run.length > 0 && (label === -100 || t === labels.length - 1)) {
      out.push(tokenizer.decode(run, { skipSpecialTokens: false }));
      run = [];
    }
  });
  return out;
}

const chat = (...turns: [ChatMessage["role"], string][]): DataRow => ({
  kind: "chat",
  messages: turns.map(([role, content]) => ({ role, content })),
});

describe("a conversation", () => {
  it.each(golden("chatml").chats)(
    "is labelled where transformers' own assistant mask says: $text",
    ({ messages, ids, assistant }) => {
      const { input_ids, labels } = tokenizeRow({ kind: "chat", messages }, chatml);
      expect(input_ids).toEqual(ids);
      expect(labels.map((label) => (label === -100 ? 0 : 1))).toEqual(assistant);
    },
  );

  it("trains every assistant turn with its end token, not the line break behind it", () => {
    const row = chat(["user", "a"], ["assistant", "first\n"], ["user", "first"], ["assistant", "second"]);
    expect(labelled(tokenizeRow(row, chatml), chatml)).toEqual(["first\n<|im_end|>", "second<|im_end|>"]);
  });

  it("may end with the user's turn and begin with the assistant's", () => {
    expect(labelled(tokenizeRow(chat(["user", "a"], ["assistant", "b"], ["user", "c"]), chatml), chatml)).toEqual([
      "b<|im_end|>",
    ]);
    expect(
      labelled(tokenizeRow(chat(["assistant", "hello"], ["user", "c"], ["assistant", "d"]), chatml), chatml),
    ).toEqual(["hello<|im_end|>", "d<|im_end|>"]);
  });

  it("may contain an empty answer: its end token is trained", () => {
    expect(labelled(tokenizeRow(chat(["user", "a"], ["assistant", ""]), chatml), chatml)).toEqual(["<|im_end|>"]);
  });

  it("is found by content where the template rewrites earlier turns, as Qwen3's does", async () => {
    const rewriting = await load("chatml", {
      "chat_template.jinja":
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last " +
        "%}<think>\n\n</think>\n\n{% endif %}{{ m.content.split('</think>')[-1].strip() }}<|im_end|>\n{% " +
        "endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    });
    const row = chat(
      ["user", "first"],
      ["assistant", "<think>hm</think>first"],
      ["user", "b"],
      ["assistant", "second"],
    );
    // The first turn loses its reasoning once another follows; the last keeps the block that the template puts there.
    expect(labelled(tokenizeRow(row, rewriting), rewriting)).toEqual([
      "first<|im_end|>",
      "<think>\n\n</think>\n\nsecond<|im_end|>",
    ]);
  });

  it("trains a turn's end where no token marks it, and nothing that the template puts between turns", async () => {
    const written = await load("chatml", {
      "chat_template.jinja":
        "{% for m in messages %}{% if m.role == 'user' %}Q: {{ m.content }}\nA:{% " +
        "else %} {{ m.content }} (end)\n\n{% endif %}{% endfor %}",
    });
    expect(
      labelled(
        tokenizeRow(chat(["user", "a"], ["assistant", "first a"], ["user", "first"], ["assistant", "second"]), written),
        written,
      ),
    ).toEqual([" first a (end)", " second (end)"]);
  });

  it("gets no second end token when the answer has its own", () => {
    expect(labelled(tokenizeRow(chat(["user", "a"], ["assistant", "b<|im_end|>"]), chatml), chatml)).toEqual([
      "b<|im_end|>",
    ]);
  });

  it("is refused, with its row, when the template drops a turn", async () => {
    const dropping = await load("chatml", {
      "chat_template.jinja":
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% elif loop.last " +
        "and loop.length > 2 %}{{ m.content }}{% endif %}{% endfor %}",
    });
    const error = failure(() =>
      tokenizeRows([chat(["user", "a"], ["assistant", "lost words"], ["user", "b"], ["assistant", "c"])], dropping),
    );
    expect(error.where).toContain("row 1");
    expect(error.what).toContain("message 2");
  });

  it("is refused, with its row, when the template refuses it", async () => {
    const strict = await load("chatml", {
      "chat_template.jinja":
        "{% for m in messages %}{% if m.role == 'system' %}{{ " +
        "raise_exception('no system messages') }}{% endif %}{% endfor %}",
    });
    const error = failure(() =>
      tokenizeRows([chat(["system", "s"], ["user", "a"], ["assistant", "b"])], strict, {
        where: (i) => `chat.jsonl line ${i + 7}`,
      }),
    );
    expect(error.what).toContain("no system messages");
    expect(error.where).toContain("chat.jsonl line 7");
  });
});

describe("the boundary in tokens", () => {
  /** A template without any mark between prompt and answer, so that tokens can span the boundary. */
  const seamless =
    "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}<|im_end|>{% endif %}{% endfor %}";

  it("assigns a token that spans it to the answer", async () => {
    const tokenizer = await load("chatml", { "chat_template.jinja": seamless });
    const text = "How do I brew a gentle tonic?";
    const all = tokenizer.encode(text);
    for (let cut = 1; cut < text.length; cut += 1) {
      const example = tokenizeRow(chat(["user", text.slice(0, cut)], ["assistant", text.slice(cut)]), tokenizer);
      expect(example.input_ids).toEqual([...all, 2]);
      const start = example.labels.findIndex((label) => label !== -100);
      // Characters before the first trained token: as many whole tokens as fit before the cut.
      const before = tokenizer.decode(all.slice(0, start));
      expect(text.slice(0, cut).startsWith(before)).toBe(true);
      expect(tokenizer.decode(all.slice(0, start + 1)).length).toBeGreaterThan(cut);
      expect(example.labels.slice(start).every((label) => label !== -100)).toBe(true);
    }
  });

  it("may lie inside a character of several tokens", async () => {
    const tokenizer = await load("chatml", { "chat_template.jinja": seamless });
    const example = tokenizeRow(chat(["user", "a 京"], ["assistant", "東 🙂"]), tokenizer);
    expect(labelled(example, tokenizer)).toEqual(["東 🙂<|im_end|>"]);
  });
});

describe("an instruction", () => {
  const row: DataRow = {
    kind: "instruction",
    instruction: "Judge the input.",
    input: "a charming journey",
    output: "positive",
  };

  it("is a chat of one turn where the model has a template, with the input on its own line", () => {
    const example = tokenizeRow(row, chatml);
    expect(chatml.decode(example.input_ids, { skipSpecialTokens: false })).toContain(
      "<|im_start|>user\nJudge the input.\na charming journey<|im_end|>",
    );
    expect(labelled(example, chatml)).toEqual(["positive<|im_end|>"]);
  });

  it("is Alpaca's prompt where the model has none: BOS in front, EOS trained", () => {
    const example = tokenizeRow(row, metaspace);
    expect(example.input_ids[0]).toBe(1);
    expect(example.input_ids.at(-1)).toBe(2);
    expect(labelled(example, metaspace)).toEqual(["positive</s>"]);
    expect(
      labelled(
        tokenizeRow(
          chat(["user", "Judge."], ["assistant", "negative"], ["user", "Again."], ["assistant", "7"]),
          metaspace,
        ),
        metaspace,
      ),
    ).toEqual(["negative</s>", "7</s>"]);
  });
});

describe("rows", () => {
  const tokens = (n: number, from: number): DataRow => ({
    kind: "tokens",
    input_ids: Array.from({ length: n }, (_, i) => i),
    labels: Array.from({ length: n }, (_, i) => (i < from ? -100 : i)),
  });

  it("are cut and reported when too long, and skipped when no label remains", () => {
    const { examples, sources, report } = tokenizeRows(
      [tokens(4, 2), tokens(10, 3), tokens(12, 8), tokens(3, 3), tokens(2, 0)],
      null,
      { max_length: 5 },
    );
    expect(sources).toEqual([0, 1, 4]);
    expect(examples[1]).toEqual({ input_ids: [0, 1, 2, 3, 4], labels: [-100, -100, -100, 3, 4] });
    expect(report).toMatchObject({ rows: 5, kept: 3, tokens: 11, labelledTokens: 2 + 2 + 1, longest: 5, tooLong: [] });
    expect(report.truncated).toEqual([{ row: 1, where: "row 2", tokens: 10 }]);
    expect(report.noLabels.map(({ row }) => row)).toEqual([2, 3]);
    expect(describeReport(report, 5)).toEqual([
      "1 of 5 rows cut to 5 tokens: row 2 with 10 tokens.",
      "2 of 5 rows left out, no response token within 5 tokens: row 3 with 12 tokens, row 4 with 3 tokens.",
    ]);
  });

  it("may be dropped or refused instead of cut", () => {
    const dropped = tokenizeRows([tokens(4, 2), tokens(10, 3)], null, { max_length: 5, too_long: "drop" });
    expect(dropped.report).toMatchObject({ kept: 1, truncated: [], tooLong: [{ row: 1, where: "row 2", tokens: 10 }] });
    const error = failure(() =>
      tokenizeRows([tokens(4, 2), tokens(10, 3)], null, {
        max_length: 5,
        too_long: "error",
        where: (row) => `rows.jsonl line ${row + 1}`,
      }),
    );
    expect([error.what, error.where]).toEqual(["The row has 10 tokens, more than max_length 5", "rows.jsonl line 2"]);
    expect(failure(() => tokenizeRow(tokens(10, 3), null, { max_length: 5, too_long: "error" })).what).toContain(
      "10 tokens",
    );
    expect(tokenizeRow(tokens(10, 3), null, { max_length: 5 }).labels).toHaveLength(5);
  });

  it("are an error when none is given or none remains", () => {
    expect(failure(() => tokenizeRows([], null)).what).toBe("The dataset is empty");
    expect(failure(() => tokenizeRows([tokens(10, 8)], null, { max_length: 5 })).what).toContain("None of the 1 rows");
  });

  it("are refused by name with ids outside the vocabulary, or text without a tokenizer", () => {
    const error = failure(() => tokenizeRows([tokens(4, 2), tokens(40, 2)], null, { vocab_size: 20 }));
    expect([error.what, error.where]).toEqual([
      "The token id 20 at position 20 is outside the vocabulary of 20",
      "row 2",
    ]);
    expect(failure(() => tokenizeRows([chat(["user", "a"], ["assistant", "b"])], null)).what).toContain("no tokenizer");
  });

  it("do not count a label at position 0, which no token predicts", () => {
    expect(countLabels({ input_ids: [5, 6], labels: [5, 6] })).toBe(1);
    expect(failure(() => tokenizeRows([{ kind: "tokens", input_ids: [5], labels: [5] }], null)).what).toContain(
      "have no label left",
    );
  });
});

describe("the bundled pair's prompts", () => {
  it("carry labels from the answer on", async () => {
    const folder = new URL("../../public/models/apothecary-aligned/", import.meta.url);
    const { loadTokenizer } = await import("../../src/text/tokenizer.ts");
    const tokenizer = await loadTokenizer(
      async (path) => (existsSync(new URL(path, folder)) ? readFileSync(new URL(path, folder), "utf8") : null),
      "apothecary",
    );
    const example = tokenizeRow(
      { kind: "instruction", instruction: "How do I brew a calming balm?", output: "Take two roots." },
      tokenizer,
    );
    const [text] = labelled(example, tokenizer);
    expect(text).toBe(`Take two roots.${tokenizer.eosToken}`);
  });
});
