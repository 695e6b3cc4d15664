/**
 * @file Where the assistant speaks in what a chat template makes of a conversation.
 *
 *     text      <bos><user> What is 7? <end> <assistant> 7 <end> …
 *     answer                                             [)          the content, as the template put it
 *     response                                          [      )     from where generation begins to the turn's end
 *
 * 1. The answer. The conversation is rendered a second time with each answer between two marks. What stands between the
 *    marks is then matched with the text, where the template may have trimmed it. Searching for the answer's words
 *    would find them in the question; comparing renderings of ever longer conversations fails where a template rewrites
 *    earlier turns (Qwen3 drops past reasoning, Mistral moves the system message into the last question).
 * 2. Where it begins. The conversation up to the turn, rendered with the generation prompt, ends where the model takes
 *    over. What follows is the response, also a space or an empty reasoning block that the template writes.
 * 3. Where it ends is a matter of tokens: see `tokenize.ts`.
 */
import type { ChatMessage } from "./example.ts";
import type { RenderOptions } from "./chatTemplate.ts";

/** Characters of the rendered text. */
export interface Response {
  /** Where generation begins. */
  readonly start: number;
  /** Where the answer's own words end; the token that ends the turn comes behind. */
  readonly contentEnd: number;
  /** Where the turn ends when the conversation is rendered up to it; null where that is no part of the whole. */
  readonly turnEnd: number | null;
}

type Render = (messages: readonly ChatMessage[], options?: RenderOptions) => string;

/**
 * One response per assistant message, in order; or the index of a message whose answer is not in the text.
 * @param text the whole conversation, rendered
 */
export function findResponses(
  messages: readonly ChatMessage[],
  text: string,
  render: Render,
): readonly Response[] | { readonly lost: number } {
  const answers = messages.flatMap(({ role }, i) => (role === "assistant" ? [i] : []));
  const places = findAnswers(messages, text, render);
  const out: Response[] = [];
  let cursor = 0;
  for (const [nth, i] of answers.entries()) {
    // Calls stand beside an answer's words: both are the response.
    const place = messages[i]?.fields?.tool_calls === undefined ? (places?.[nth] ?? null) : null;
    const response = locate(messages, i, text, render, place);
    if (response === null || response.start < cursor) return { lost: i };
    out.push(response);
    cursor = response.contentEnd;
  }
  return out;
}

interface Place {
  readonly start: number;
  readonly end: number;
}

function locate(
  messages: readonly ChatMessage[],
  i: number,
  text: string,
  render: Render,
  answer: Place | null,
): Response | null {
  const prefix = (count: number, addGenerationPrompt: boolean): string | null => {
    try {
      return render(messages.slice(0, count), { addGenerationPrompt });
    } catch {
      return null; // some templates refuse conversations that the whole is not: no message, or system alone
    }
  };
  const before = prefix(i, true);
  const through = i + 1 === messages.length ? text : prefix(i + 1, false);
  const isPrefix = before !== null && text.startsWith(before);
  const turnEnd = through !== null && text.startsWith(through) ? through.length : null;
  if (answer === null) {
    // A template that changes answers in its own way: the renderings before and after must then tell.
    if (!isPrefix || turnEnd === null || turnEnd < before.length) return null;
    const { content = "", fields } = messages[i] ?? {};
    if (turnEnd === before.length && (content.trim() !== "" || fields?.tool_calls !== undefined)) return null;
    const contentEnd = before.length + text.slice(before.length, turnEnd).trimEnd().length;
    return { start: before.length, contentEnd, turnEnd };
  }
  const start = isPrefix && before.length <= answer.start ? before.length : takeOver(text, answer.start, before);
  return { start, contentEnd: answer.end, turnEnd: turnEnd !== null && turnEnd >= answer.end ? turnEnd : null };
}

/**
 * Where generation begins when the prompt is not a prefix of the text: in the white space before the answer, at the
 * place that looks most like the prompt's end.
 */
function takeOver(text: string, answer: number, before: string | null): number {
  let best = { at: answer, alike: 0 };
  for (let at = answer; before !== null; at -= 1) {
    let alike = 0;
    while (alike < before.length && alike < at && text[at - 1 - alike] === before[before.length - 1 - alike])
      alike += 1;
    if (alike > best.alike) best = { at, alike };
    if (at === 0 || text[at - 1]?.trim() !== "") break;
  }
  return best.at;
}

/** The answers' places, or null when the template drops one or changes it in another way than by trimming. */
function findAnswers(messages: readonly ChatMessage[], text: string, render: Render): readonly Place[] | null {
  const marks = freeMarks(messages);
  if (marks === null) return null;
  const [open, close] = marks;
  let marked: string;
  try {
    marked = render(
      messages.map((message) =>
        message.role === "assistant" ? withContent(message, withMarks(message.content, open, close)) : message,
      ),
    );
  } catch {
    return null;
  }
  const parts = marked.split(open).flatMap((part, i) => (i === 0 ? [part] : part.split(close)));
  const count = messages.filter(({ role }) => role === "assistant").length;
  return parts.length === 2 * count + 1 ? match(text, parts) : null;
}

function withContent(message: ChatMessage, content: string): ChatMessage {
  const { fields } = message;
  return { ...message, content, ...(fields === undefined ? {} : { fields: { ...fields, content } }) };
}

/** Reasoning stays outside the marks: templates look for it at the content's beginning, and drop it whole. */
function withMarks(content: string, open: string, close: string): string {
  const head = /^[\s\S]*<\/think>\s*/.exec(content)?.[0] ?? "";
  return `${head}${open}${content.slice(head.length)}${close}`;
}

/** Two characters of the private use area that the conversation does not have. */
function freeMarks(messages: readonly ChatMessage[]): readonly [string, string] | null {
  for (let code = 0xe000; code < 0xe100; code += 2) {
    const marks = [String.fromCharCode(code), String.fromCharCode(code + 1)] as const;
    if (!messages.some(({ content }) => marks.some((mark) => content.includes(mark)))) return marks;
  }
  return null;
}

/** Fits [text, answer, text, answer, …, text] to the whole, where each answer may have been trimmed. */
function match(text: string, parts: readonly string[]): readonly Place[] | null {
  const fit = (part: number, at: number): readonly Place[] | null => {
    const [literal = "", answer] = parts.slice(part, part + 2);
    if (!text.startsWith(literal, at)) return null;
    const start = at + literal.length;
    if (answer === undefined) return start === text.length ? [] : null;
    for (const form of trimmings(answer)) {
      if (!text.startsWith(form, start)) continue;
      const rest = fit(part + 2, start + form.length);
      if (rest !== null) return [{ start, end: start + form.length }, ...rest];
    }
    return null;
  };
  return fit(0, 0);
}

/** What templates make of an answer: nothing, strip(), lstrip(), rstrip(), the same for line breaks only. */
function trimmings(answer: string): ReadonlySet<string> {
  const newlines = answer.replace(/^\n+/, "");
  return new Set([
    answer,
    answer.trim(),
    answer.trimStart(),
    answer.trimEnd(),
    newlines,
    newlines.replace(/\n+$/, ""),
    answer.replace(/\n+$/, ""),
  ]);
}
