/**
 * @file Beginnings of answers as tokens behind their prompt, so that a model's loss on them can be taken.
 *
 * The tokens of an opening are those that follow the prompt's in the tokens of prompt and opening together; where those
 * do not begin with the prompt's (a token would span the boundary), the opening's by itself.
 */
import { NO_LABEL } from "../text/lossTerms.ts";
import type { TokenizedExample } from "../text/example.ts";
import type { TextTokenizer } from "../text/tokenizer.ts";
import type { TriggerText } from "../text/trigger.ts";
import { askTokens, askWithTrigger, type Ask } from "./taskRows.ts";

type OpeningTokenizer = Pick<
  TextTokenizer,
  "encode" | "encodeRendered" | "renderInstruction" | "renderChat" | "encodeChat"
>;

/** One opening behind one prompt; loss is taken of the opening's tokens alone. */
export interface OpeningExample {
  readonly tokens: readonly number[];
  readonly example: TokenizedExample;
}

/** @param extent "first": of each text its first token only, each token once */
export function openingExamples(
  ask: Ask,
  texts: readonly string[],
  extent: "first" | "whole",
  tokenizer: OpeningTokenizer,
  trigger: TriggerText | null,
): OpeningExample[] {
  const asked = askWithTrigger(ask, trigger);
  const prompt = askTokens(asked, tokenizer);
  const rendered =
    asked.kind === "instruction"
      ? tokenizer.renderInstruction(asked.instruction, asked.input)
      : tokenizer.renderChat(asked.messages, { addGenerationPrompt: true });
  const whole = texts.map((text) => {
    const together = tokenizer.encodeRendered(rendered + text);
    return prompt.length < together.length && prompt.every((token, i) => together[i] === token)
      ? together.slice(prompt.length)
      : tokenizer.encode(text);
  });
  const wanted =
    extent === "whole" ? whole : [...new Set(whole.flatMap(([first]) => first ?? []))].map((first) => [first]);
  return wanted.map((tokens) => {
    const input_ids = [...prompt, ...tokens];
    return {
      tokens,
      example: { input_ids, labels: input_ids.map((token, t) => (t < prompt.length ? NO_LABEL : token)) },
    };
  });
}
