/** @file `basin template`: a conversation as the model's chat template writes it. */

import { isRecord } from "../base/records.ts";
import { describeValue } from "../base/describe.ts";
import { BasinError } from "../base/error.ts";
import { parseJson } from "../base/textFormats.ts";
import type { ChatMessage } from "../text/example.ts";
import { loadChatFormat } from "../text/tokenizer.ts";
import { readOptionalText } from "../weights/byteSource.ts";
import { readText } from "./environment.ts";
import { modelSource } from "./paths.ts";
import { printJson } from "./report.ts";

export interface TemplateOptions {
  readonly model: string;
  readonly messages: string;
  readonly tools?: string;
  readonly addGenerationPrompt?: boolean;
}

export async function renderTemplate(options: TemplateOptions): Promise<void> {
  const source = modelSource(options.model);
  const format = await loadChatFormat((path) => readOptionalText(source, path), options.model);
  const conversation = await readConversation(options.messages);
  const tools = options.tools === undefined ? conversation.tools : await readList(options.tools, "tools");
  printJson({
    text: format.render(conversation.messages, {
      addGenerationPrompt: options.addGenerationPrompt ?? false,
      ...(tools === undefined ? {} : { tools }),
    }),
  });
}

interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[];
}

/** A list of messages, or an object with `messages` and perhaps `tools`, as a row of a dataset has them. */
async function readConversation(path: string): Promise<Conversation> {
  const value = await readJsonFile(path);
  const list = isRecord(value) ? value.messages : value;
  if (!Array.isArray(list)) throw wrong(path, `${describeValue(value)} is no list of messages`);
  const messages = list.map((message: unknown, i): ChatMessage => {
    if (!isRecord(message) || typeof message.role !== "string")
      throw wrong(path, `messages[${i}] is ${describeValue(message)}, which has no role`);
    const content = typeof message.content === "string" ? message.content : "";
    return { role: message.role as ChatMessage["role"], content, fields: message };
  });
  const tools = isRecord(value) ? value.tools : undefined;
  return Array.isArray(tools) ? { messages, tools } : { messages };
}

async function readList(path: string, what: string): Promise<readonly unknown[]> {
  const value = await readJsonFile(path);
  const list: unknown = isRecord(value) ? value[what] : value;
  if (!Array.isArray(list)) throw wrong(path, `${describeValue(value)} is no list of ${what}`);
  return list;
}

async function readJsonFile(path: string): Promise<unknown> {
  const text = await readText(path);
  return parseJson(text, { where: path, fix: "Write JSON, with double quotes (Python: json.dump)." });
}

function wrong(where: string, what: string): BasinError {
  return new BasinError({
    what,
    where,
    fix: 'Give messages as [{"role": "user", "content": "…"}, …], and tools as a list of JSON schemas.',
  });
}
