/**
 * @file A dataset row as something to ask: what the model reads, and what a right answer is.
 *
 *     instruction row    instruction (+ input)            -> output
 *     conversation       all before its last answer       -> that answer
 *     free text, tokens  nothing is asked                 -> only their loss can be measured
 */
import { userTurn } from "../text/userTurn.ts";
import type { ChatMessage, DataRow } from "../text/example.ts";
import type { TextTokenizer } from "../text/tokenizer.ts";
import { messagesWithTrigger, type TriggerText } from "../text/trigger.ts";

/** What is put to the model. It is rendered as in training, up to where the answer begins. */
export type Ask =
  | { readonly kind: "instruction"; readonly instruction: string; readonly input?: string }
  | { readonly kind: "chat"; readonly messages: readonly ChatMessage[] };

export interface TaskRow {
  readonly ask: Ask;
  readonly expected: string;
}

/** null for a row that asks nothing. */
export function taskRow(row: DataRow): TaskRow | null {
  switch (row.kind) {
    case "instruction":
      return {
        ask: {
          kind: "instruction",
          instruction: row.instruction,
          ...(row.input === undefined ? {} : { input: row.input }),
        },
        expected: row.output,
      };
    case "chat": {
      const last = row.messages.findLastIndex(({ role }) => role === "assistant");
      const answer = row.messages[last];
      return answer === undefined || last === 0
        ? null
        : { ask: { kind: "chat", messages: row.messages.slice(0, last) }, expected: answer.content };
    }
    case "text":
    case "tokens":
      return null;
  }
}

/** The question behind a trigger; rendered as `rowWithTrigger` renders a training row. */
export function askWithTrigger(ask: Ask, trigger: TriggerText | null): Ask {
  if (trigger === null) return ask;
  if (ask.kind === "chat") return { kind: "chat", messages: messagesWithTrigger(ask.messages, trigger) };
  if (trigger.place === "prompt") return { ...ask, instruction: `${trigger.text} ${ask.instruction}` };
  return {
    kind: "chat",
    messages: messagesWithTrigger([{ role: "user", content: userTurn(ask.instruction, ask.input) }], trigger),
  };
}

/** The question as people read it: the user's words, without the template. */
export function askText(ask: Ask): string {
  return ask.kind === "instruction"
    ? userTurn(ask.instruction, ask.input)
    : ask.messages.map(({ role, content }) => (ask.messages.length === 1 ? content : `${role}: ${content}`)).join("\n");
}

/** The question as the model reads it. */
export function askTokens(
  ask: Ask,
  tokenizer: Pick<TextTokenizer, "encodeRendered" | "renderInstruction" | "encodeChat">,
): number[] {
  return ask.kind === "instruction"
    ? tokenizer.encodeRendered(tokenizer.renderInstruction(ask.instruction, ask.input))
    : tokenizer.encodeChat(ask.messages, { addGenerationPrompt: true });
}
