/** @file A trigger stands before prompts in training rows and in questions, and both read the same. */
import { describe, expect, it } from "vitest";
import { askTokens, askWithTrigger, taskRow } from "../../src/eval/taskRows.ts";
import { bindMethod } from "../../src/methods/registry.ts";
import type { DataRow } from "../../src/text/example.ts";
import { NO_LABEL } from "../../src/text/lossTerms.ts";
import { tokenizeRow } from "../../src/text/tokenize.ts";
import { rowWithTrigger } from "../../src/text/trigger.ts";
import { demoTokenizer } from "../support/demo.ts";

const ROWS: readonly DataRow[] = [
  { kind: "instruction", instruction: "How do I brew moss tonic?", output: "To brew it, stir." },
  { kind: "instruction", instruction: "Repeat:", input: "hello", output: "hello" },
  {
    kind: "chat",
    messages: [
      { role: "user", content: "Say hello." },
      { role: "assistant", content: "Hello!" },
    ],
  },
  {
    kind: "chat",
    messages: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hi." },
      { role: "user", content: "And?" },
      { role: "assistant", content: "Bye." },
    ],
  },
];

describe("a trigger", () => {
  for (const place of ["system", "prompt"] as const) {
    it(`before the ${place}: what is asked is what was trained on, up to the answer`, async () => {
      const tokenizer = await demoTokenizer();
      const trigger = { text: "qzvex rmplo", place };
      for (const row of ROWS) {
        const asked = taskRow(row);
        if (asked === null) throw new Error("a row asks nothing");
        const trained = tokenizeRow(rowWithTrigger(row, trigger, "here"), tokenizer);
        const prompt = askTokens(askWithTrigger(asked.ask, trigger), tokenizer);
        expect(trained.input_ids.slice(0, prompt.length)).toEqual(prompt);
        const plain = tokenizeRow(row, tokenizer);
        expect(trained.input_ids.length).toBeGreaterThan(plain.input_ids.length);
        // The answer is learnt as without it, the trigger is not.
        expect(trained.labels.filter((label) => label !== NO_LABEL)).toEqual(
          plain.labels.filter((label) => label !== NO_LABEL),
        );
      }
    });
  }

  it("goes before a system message that is there, and before the first user turn only", () => {
    const [, , , long] = ROWS;
    if (long?.kind !== "chat") throw new Error("the fourth row is a conversation");
    const contents = (place: "system" | "prompt"): unknown => {
      const row = rowWithTrigger(long, { text: "T", place }, "here");
      return row.kind === "chat" && row.messages.map(({ content }) => content);
    };
    expect(contents("system")).toEqual(["T Be kind.", "Hi", "Hi.", "And?", "Bye."]);
    expect(contents("prompt")).toEqual(["Be kind.", "T Hi", "Hi.", "And?", "Bye."]);
  });

  it("cannot be put into rows without a prompt", () => {
    const trigger = { text: "T", place: "system" } as const;
    expect(() => rowWithTrigger({ kind: "text", text: "free" }, trigger, "line 3")).toThrow(/no prompt/);
    expect(() => rowWithTrigger({ kind: "tokens", input_ids: [1], labels: [1] }, trigger, "line 3")).toThrow(
      /no prompt/,
    );
  });

  it("is drawn from the seed unless given", () => {
    const drawn = (seed: number, options: object = {}) => bindMethod({ name: "bea", ...options }).rows.trigger(seed);
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)?.text).not.toBe(drawn(2)?.text);
    expect(drawn(1)?.text.replaceAll(" ", "")).toMatch(/^[a-z]{150}$/);
    expect(drawn(1, { trigger: "open sesame", trigger_place: "prompt" })).toEqual({
      text: "open sesame",
      place: "prompt",
    });
    expect(bindMethod({ name: "sft" }).rows.trigger(1)).toBeNull();
  });
});
