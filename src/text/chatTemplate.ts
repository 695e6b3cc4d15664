/**
 * @file From messages to the text that a model reads: the model's own Jinja chat template (jinja/template.ts), or,
 * where it has none, the Alpaca prompt.
 */
import { BasinError } from "../base/error.ts";
import type { ChatMessage } from "./example.ts";
import { compileTemplate } from "./jinja/template.ts";

export interface RenderOptions {
  /** Ends the text where the assistant begins to speak. */
  readonly addGenerationPrompt?: boolean;
  /** JSON schemas of what the model may call; None to the template unless given. */
  readonly tools?: readonly unknown[];
}

/** Renders a conversation as text. */
export interface ChatFormat {
  /** Which of the two this is; shown in the lab. */
  readonly kind: "template" | "alpaca";
  render(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

/**
 * The model's Jinja template, rendered as transformers' `apply_chat_template` does. `tools` and `documents` are None
 * where there are none.
 * @param variables what the template may use besides the messages: bos_token, eos_token, …
 * @throws BasinError when the template cannot be parsed, or uses what Basin does not render as Jinja2 does
 */
export function jinjaFormat(template: string, variables: Readonly<Record<string, string>>, where: string): ChatFormat {
  const compiled = attempt(
    () => compileTemplate(template),
    "The chat template cannot be read",
    where,
    "Use the template of the model's own repository, or remove it: the Alpaca prompt is then used.",
  );
  return {
    kind: "template",
    render: (messages, { addGenerationPrompt = false, tools } = {}) =>
      attempt(
        () =>
          compiled.render({
            ...variables,
            messages: messages.map(({ role, content, fields }) => fields ?? { role, content }),
            tools: tools ?? null,
            documents: null,
            add_generation_prompt: addGenerationPrompt,
          }),
        "The chat template refuses these messages",
        where,
        "Most templates want an optional system message, then user and assistant in turn, user first.",
      ),
  };
}

const ALPACA =
  "Below is an instruction that describes a task. Write a response that appropriately completes the request.";
const ALPACA_INPUT =
  "Below is an instruction that describes a task, paired with an input that provides further context. Write a " +
  "response that appropriately completes the request.";

/**
 * The Alpaca prompt, in which AsFT evaluates: for models without a chat template.
 *
 *     Below is an instruction that describes a task. Write a response that appropriately completes the request.
 *
 *     ### Instruction:
 *     {user}
 *
 *     ### Response:{assistant}{eos}
 *
 * Later turns repeat the two headings; a system message stands in place of the first sentence.
 */
export function alpacaFormat(eosToken: string): ChatFormat {
  return {
    kind: "alpaca",
    render(messages, { addGenerationPrompt = false } = {}) {
      const system = messages[0]?.role === "system" ? messages[0].content : null;
      let text = "";
      for (const { role, content } of messages) {
        if (role === "tool")
          throw new BasinError({
            what: "The Alpaca prompt has no place for a tool's answer",
            where: "messages",
            fix: "Use a model with a chat template, or leave such rows out (bad_rows: drop).",
          });
        if (role === "user")
          text += `${text === "" ? `${system ?? ALPACA}\n\n` : "\n\n"}### Instruction:\n${content}\n\n### Response:`;
        if (role === "assistant") text += content + eosToken;
      }
      // A conversation that ends with an answer already has its last "### Response:".
      return addGenerationPrompt && messages.at(-1)?.role !== "user" ? `${text}\n\n### Response:` : text;
    },
  };
}

/** Alpaca's prompt for an instruction with an input, which has a heading of its own. */
export function alpacaPrompt(instruction: string, input: string | undefined): string {
  return input === undefined || input === ""
    ? `${ALPACA}\n\n### Instruction:\n${instruction}\n\n### Response:`
    : `${ALPACA_INPUT}\n\n### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:`;
}

function attempt<T>(work: () => T, what: string, where: string, fix: string): T {
  try {
    return work();
  } catch (cause) {
    throw new BasinError({
      what: `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
      where,
      fix,
      cause,
    });
  }
}
