/**
 * @file A row of text as tokens with labels: which tokens the model is to learn.
 *
 *     text    <|user|> How do I brew a balm? <|end|> <|assistant|> Take two roots. <|end|>
 *     labels  -100 ............................................... trained ................
 *
 * Where the response stands in the text is found in responses.ts. In tokens:
 *
 * - A token that spans the boundary belongs to the response: tokens that lie wholly in the prompt are not trained.
 * - A turn is trained up to and including its end token; a line break that a template puts after it is not, since
 *   generation has stopped by then.
 */
import { BasinError } from "../base/error.ts";
import { boundaries } from "./boundaries.ts";
import { userTurn } from "./userTurn.ts";
import { chunkEnds } from "./chunks.ts";
import type { ChatMessage, DataRow } from "./example.ts";
import type { LabelledText } from "./labelWeights.ts";
import { NO_LABEL } from "./lossTerms.ts";
import { findResponses, type Response } from "./responses.ts";
import type { TextTokenizer } from "./tokenizer.ts";

export interface LabelOptions {
  /** Words of a chunk; undefined: no chunks are wanted. */
  readonly chunkWords?: number | undefined;
  /** Whether an answer at the end of the text, behind which the template writes nothing, gets an end. */
  readonly appendEos?: boolean;
}

/** @throws BasinError without a tokenizer, and for a conversation that the template refuses or rewrites */
export function labelText(
  row: Exclude<DataRow, { kind: "tokens" }>,
  tokenizer: TextTokenizer | null,
  where: string,
  { chunkWords, appendEos = false }: LabelOptions,
): LabelledText {
  if (tokenizer === null) {
    throw new BasinError({
      what: "The row is text, but the model has no tokenizer",
      where,
      fix: "Give pre-tokenised rows (input_ids, labels), or a model with tokenizer.json.",
    });
  }
  try {
    if (row.kind === "chat") return ended(labelChat(row, tokenizer, where, chunkWords), tokenizer, appendEos);
    if (row.kind === "text") return labelAll(row.text, tokenizer);
    if (tokenizer.chatFormat.kind === "alpaca") {
      const prompt = tokenizer.renderInstruction(row.instruction, row.input);
      const text = prompt + row.output + tokenizer.eosToken;
      return labelResponses(
        text,
        [{ start: prompt.length, contentEnd: prompt.length + row.output.length, turnEnd: text.length }],
        tokenizer,
        { chunkWords },
      );
    }
    const messages: readonly ChatMessage[] = [
      { role: "user", content: userTurn(row.instruction, row.input) },
      { role: "assistant", content: row.output },
    ];
    return ended(labelChat({ messages }, tokenizer, where, chunkWords), tokenizer, appendEos);
  } catch (error) {
    if (error instanceof BasinError && !error.where.includes(where))
      throw new BasinError({ what: error.what, where: `${where}; ${error.where}`, fix: error.fix, cause: error });
    throw error;
  }
}

/** Free text as language modelling has it: BOS where the tokenizer puts one, the text, its end; all of it learnt. */
function labelAll(text: string, tokenizer: TextTokenizer): LabelledText {
  const end = tokenizer.encode(tokenizer.eosToken);
  const ids = [...tokenizer.encode(text, { addSpecialTokens: true }), ...(end.length === 1 ? end : [])];
  return { input_ids: ids, labels: [...ids] };
}

interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[];
}

function labelChat(
  { messages, tools }: Conversation,
  tokenizer: TextTokenizer,
  where: string,
  chunkWords: number | undefined,
): LabelledText {
  const given = tools === undefined ? {} : { tools };
  const text = tokenizer.renderChat(messages, given);
  const found = findResponses(messages, text, (some, options) => tokenizer.renderChat(some, { ...options, ...given }));
  if ("lost" in found) {
    throw new BasinError({
      what:
        `The answer in message ${found.lost + 1} cannot be found ` +
        "in what the chat template makes of the conversation",
      where,
      fix:
        "The template drops or rewrites that turn. Train on the conversation's last answer only, or use another " +
        "template.",
    });
  }
  const weights = messages.flatMap(({ role, weight = 1 }) => (role === "assistant" ? [weight] : []));
  return labelResponses(text, found, tokenizer, { weights, chunkWords });
}

/** With the token that ends a turn, where the text ends with an answer that has none. */
function ended(text: LabelledText, tokenizer: TextTokenizer, appendEos: boolean): LabelledText {
  const { input_ids, labels, weights, chunks } = text;
  const last = labels.at(-1);
  const end = tokenizer.endOfTurn;
  if (!appendEos || end === null || last === undefined || last === NO_LABEL || tokenizer.eosIds.includes(last))
    return text;
  return {
    input_ids: [...input_ids, end],
    labels: [...labels, end],
    ...(weights === undefined ? {} : { weights: [...weights, weights.at(-1) ?? 1] }),
    ...(chunks === undefined ? {} : { chunks: [...chunks, chunks.at(-1) ?? -1] }),
  };
}

interface ResponseOptions {
  /** Of each response; 1 unless given. */
  readonly weights?: readonly number[];
  /** Words of a chunk; undefined: no chunks are wanted. */
  readonly chunkWords: number | undefined;
}

function labelResponses(
  text: string,
  responses: readonly Response[],
  tokenizer: TextTokenizer,
  { weights: ofResponses = [], chunkWords }: ResponseOptions,
): LabelledText {
  const ids = tokenizer.encodeRendered(text);
  const within = boundaries(text, ids, tokenizer);
  const labels = ids.map(() => NO_LABEL);
  const weights = ids.map(() => 0);
  const chunks = ids.map(() => -1);
  let chunk = 0;
  for (const [nth, { start: from, contentEnd, turnEnd }] of responses.entries()) {
    const start = within(from).whole;
    const contentTokens = within(contentEnd).touching;
    // Without a token that ends turns, what the template writes behind the answer does ("### End").
    const end =
      throughEndToken(ids, start, contentTokens, tokenizer) ??
      (turnEnd === null
        ? contentTokens
        : within(contentEnd + text.slice(contentEnd, turnEnd).trimEnd().length).touching);
    for (let t = start; t < end; t += 1) {
      labels[t] = ids[t] ?? NO_LABEL;
      weights[t] = ofResponses[nth] ?? 1;
    }
    if (chunkWords === undefined) continue;
    const ends = chunkEnds(text.slice(from, contentEnd), chunkWords).map((length) => within(from + length).whole);
    let t = start;
    ends.forEach((chunkEnd, i) => {
      for (const last = i + 1 === ends.length ? end : chunkEnd; t < last; t += 1) chunks[t] = chunk;
      chunk += 1;
    });
  }
  return {
    input_ids: ids,
    labels,
    ...(ofResponses.some((weight) => weight !== 1) ? { weights } : {}),
    ...(chunkWords === undefined ? {} : { chunks }),
  };
}

/**
 * The end of a turn in tokens, right behind the token that ends it: a special one next to the answer, or one that ends
 * generation behind white space. null where there is none.
 */
function throughEndToken(
  ids: readonly number[],
  start: number,
  contentTokens: number,
  tokenizer: TextTokenizer,
): number | null {
  const last = ids[contentTokens - 1];
  // An answer that brings its own end.
  if (contentTokens > start && last !== undefined && tokenizer.eosIds.includes(last)) return contentTokens;
  let next = contentTokens;
  const isSpace = (id: number): boolean => !tokenizer.isSpecial(id) && tokenizer.decode([id]).trim() === "";
  while (next < ids.length && isSpace(ids[next] ?? 0)) next += 1;
  const id = ids[next];
  return id !== undefined && tokenizer.isSpecial(id) && (next === contentTokens || tokenizer.eosIds.includes(id))
    ? next + 1
    : null;
}
