/**
 * @file From messages to the text that a model reads: the model's own Jinja chat template, or, where it has none, the
 * Alpaca prompt.
 *
 * Templates may ask for today's date (Llama 3.1 and later, SmolLM3). A run must give the same tokens tomorrow, so they
 * are given a fixed one: 26 July 2024, which Llama's own template uses where no clock is at hand.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { BasinError } from "../base/error.ts";
import type { ChatMessage } from "./example.ts";

export interface RenderOptions {
  /** Ends the text where the assistant begins to speak. */
  readonly addGenerationPrompt?: boolean;
}

/** Renders a conversation as text. */
export interface ChatFormat {
  /** Which of the two this is; shown in the lab. */
  readonly kind: "template" | "alpaca";
  render(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

/**
 * The model's Jinja template, rendered as transformers' `apply_chat_template` does (trim_blocks, lstrip_blocks).
 * @param variables what the template may use besides the messages: bos_token, eos_token, …
 * @throws BasinError when the template cannot be parsed
 */
export function jinjaFormat(template: string, variables: Readonly<Record<string, string>>, where: string): ChatFormat {
  const program = attempt(
    () => parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true })),
    "The chat template cannot be read",
    where,
    "Use the template of the model's own repository, or remove it: the Alpaca prompt is then used.",
  );
  return {
    kind: "template",
    render: (messages, { addGenerationPrompt = false } = {}) =>
      attempt(
        () => {
          const environment = new Environment();
          const values: Record<string, unknown> = {
            ...GLOBALS,
            ...variables,
            messages: messages.map(({ role, content }) => ({ role, content })),
            add_generation_prompt: addGenerationPrompt,
          };
          for (const [name, value] of Object.entries(values)) environment.set(name, value);
          const result: unknown = new Interpreter(environment).run(program).value;
          if (typeof result !== "string") throw new TypeError("the template does not give a text");
          return result;
        },
        "The chat template refuses these messages",
        where,
        "Most templates want an optional system message, then user and assistant in turn, user first.",
      ),
  };
}

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY = { year: 2024, month: 7, day: 26 };

/** Python's strftime, of the fixed date at midnight. */
function strftime(format: string): string {
  const month = MONTHS[DAY.month - 1] ?? "";
  const two = (n: number): string => String(n).padStart(2, "0");
  const parts: Record<string, string> = {
    "%Y": String(DAY.year),
    "%m": two(DAY.month),
    "%d": two(DAY.day),
    "%B": month,
    "%b": month.slice(0, 3),
    "%H": "00",
    "%M": "00",
    "%S": "00",
    "%A": "Friday",
    "%a": "Fri",
    "%%": "%",
  };
  return format.replaceAll(/%[A-Za-z%]/g, (token) => parts[token] ?? token);
}

/** What Jinja and transformers offer every template. */
const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  strftime_now: strftime,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  range: (...args: number[]) => {
    const [start, stop, step] =
      args.length === 1
        ? [0, args[0] ?? 0, 1]
        : [args[0] ?? 0, args[1] ?? 0, typeof args[2] === "number" ? args[2] : 1];
    const out: number[] = [];
    for (let i = start; step > 0 ? i < stop : step < 0 && i > stop; i += step) out.push(i);
    return out;
  },
};

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

/**
 * An instruction row's prompt as the user's turn of a chat: the input follows the instruction on a new line, as in
 * LLaMA-Factory.
 */
export function userTurn(instruction: string, input: string | undefined): string {
  return input === undefined || input === "" ? instruction : `${instruction}\n${input}`;
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
