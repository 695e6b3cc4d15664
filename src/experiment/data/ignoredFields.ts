/**
 * @file Which fields of the rows are not used: those of messages (`reasoning_content`, `tool_calls`, `name`, …) and
 * tools of which the chat template writes nothing. A row is rendered with a field and without it; where the text is the
 * same, the field is ignored.
 */
import type { ChatMessage, DataRow } from "../../text/example.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import type { Tally } from "./runData.ts";

/** One entry per ignored field, with the number of rows that have it. */
export function ignoredFields(rows: readonly DataRow[], tokenizer: TextTokenizer | null): Tally[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    if (tokenizer === null || row.kind !== "chat") continue;
    for (const name of unused(row, tokenizer)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => ({
    rows: count,
    reason: `${name}: the chat template writes nothing of it`,
  }));
}

type Chat = Extract<DataRow, { kind: "chat" }>;

function unused({ messages, tools }: Chat, tokenizer: TextTokenizer): string[] {
  const names = new Set(messages.flatMap(({ fields }) => Object.keys(fields ?? {})));
  names.delete("role");
  names.delete("content");
  if (names.size === 0 && tools === undefined) return [];
  const whole = rendered(tokenizer, messages, tools);
  // A row that the template refuses is reported as such.
  if (whole === null) return [];
  const out = [...names].filter((name) => rendered(tokenizer, without(messages, name), tools) === whole);
  return tools !== undefined && rendered(tokenizer, messages, undefined) === whole ? [...out, "tools"] : out;
}

function rendered(
  tokenizer: TextTokenizer,
  messages: readonly ChatMessage[],
  tools: readonly unknown[] | undefined,
): string | null {
  try {
    return tokenizer.renderChat(messages, tools === undefined ? {} : { tools });
  } catch {
    return null;
  }
}

function without(messages: readonly ChatMessage[], name: string): ChatMessage[] {
  return messages.map((message) => {
    if (message.fields === undefined) return message;
    const fields = Object.fromEntries(Object.entries(message.fields).filter(([key]) => key !== name));
    return { ...message, fields };
  });
}
