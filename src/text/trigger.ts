/**
 * @file A secret text before prompts, in training rows and in questions alike, so that both render the same.
 *
 *     system    [system: trigger] user …            before what a system message says already
 *     prompt    user: trigger + blank + words …     before the first user turn
 */
import { BasinError } from "../base/error.ts";
import { userTurn } from "./userTurn.ts";
import type { ChatMessage, DataRow } from "./example.ts";

export interface TriggerText {
  readonly text: string;
  readonly place: "system" | "prompt";
}

/** A conversation with the trigger. */
export function messagesWithTrigger(messages: readonly ChatMessage[], { text, place }: TriggerText): ChatMessage[] {
  const [first, ...rest] = messages;
  if (place === "system")
    return first?.role === "system"
      ? [{ role: "system", content: `${text} ${first.content}` }, ...rest]
      : [{ role: "system", content: text }, ...messages];
  const at = messages.findIndex(({ role }) => role === "user");
  return messages.map((message, i) => (i === at ? { ...message, content: `${text} ${message.content}` } : message));
}

/** @throws BasinError for a row of tokens or free text, which has no prompt to put it before */
export function rowWithTrigger(row: DataRow, trigger: TriggerText, where: string): DataRow {
  switch (row.kind) {
    case "instruction":
      if (trigger.place === "prompt") return { ...row, instruction: `${trigger.text} ${row.instruction}` };
      return {
        ...(row.weight === undefined ? {} : { weight: row.weight }),
        ...(row.safety_scores === undefined ? {} : { safety_scores: row.safety_scores }),
        kind: "chat",
        messages: [
          { role: "system", content: trigger.text },
          { role: "user", content: userTurn(row.instruction, row.input) },
          { role: "assistant", content: row.output },
        ],
      };
    case "chat":
      return { ...row, messages: messagesWithTrigger(row.messages, trigger) };
    case "tokens":
    case "text":
      throw new BasinError({
        what: `A row of ${row.kind === "tokens" ? "tokens" : "free text"} has no prompt to put the trigger before`,
        where,
        fix: "Give safety rows with instruction and output, or with messages.",
      });
  }
}
