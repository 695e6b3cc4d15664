/**
 * @file The tokens with which a chat template ends the assistant's turns, found by rendering a conversation of marks:
 *
 *     <|user|>\n U <|end|>\n<|assistant|>\n A <|end|>\n<|user|>\n U <|end|>\n<|assistant|>\n A <|end|>\n<|endoftext|>
 *                                             └ between turns                                └ after the last
 *
 * A model that was trained on such conversations ends its answers with them, whatever its configuration declares.
 */
import type { ChatFormat } from "./chatTemplate.ts";
import type { ChatMessage } from "./example.ts";

export interface TurnEnds {
  /** Texts of the added tokens that end a turn. */
  readonly tokens: readonly string[];
  /** Whether anything stands behind the last answer. Where nothing does, a single turn teaches the model no stop. */
  readonly afterLast: boolean;
}

const MARKS = ["\ue000", "\ue001", "\ue002", "\ue003"] as const;

/**
 * @param added matches the texts of added tokens, anywhere
 * @param declared whether a token's text is that of a declared end of generation
 * @returns null where the template refuses such a conversation, or drops a part of it
 */
export function findTurnEnds(
  format: ChatFormat,
  added: RegExp | null,
  declared: (token: string) => boolean,
): TurnEnds | null {
  const parts = renderMarks(format);
  if (parts === null) return null;
  const [opening = "", , between = "", tail = ""] = parts;
  const last = leadingToken(tail, added);
  const middle = leadingToken(between, added);
  // Where turns have no end, the next one's beginning stands there: it is in front of the first turn, too.
  const ends = middle !== null && (middle === last || declared(middle) || !opening.includes(middle));
  const tokens = [...(last === null ? [] : [last]), ...(ends ? [middle] : [])];
  return { tokens: [...new Set(tokens)], afterLast: tail.trim() !== "" };
}

/** What stands before, between and behind the marks; four parts. */
function renderMarks(format: ChatFormat): readonly string[] | null {
  const messages = MARKS.map((content, i): ChatMessage => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
  let text: string;
  try {
    text = format.render(messages);
  } catch {
    return null;
  }
  const [question, answer, second, final] = MARKS.map((mark) => text.indexOf(mark));
  if (question === undefined || answer === undefined || second === undefined || final === undefined) return null;
  if (question < 0 || answer < question || second < answer || final < second) return null;
  return [
    text.slice(0, question),
    text.slice(question + 1, answer),
    text.slice(answer + 1, second),
    text.slice(final + 1),
  ];
}

/** The added token that a part begins with, white space aside. */
function leadingToken(part: string, added: RegExp | null): string | null {
  if (added === null) return null;
  const text = part.trimStart();
  const found = [...text.matchAll(added)][0];
  return found?.index === 0 ? found[0] : null;
}
