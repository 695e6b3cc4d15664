/**
 * @file A place in a text as a place among its tokens. The tokenizer gives no offsets, so the place is found by what it
 * makes of a part of the text:
 *
 *     text   <|user|> What is 7? <|end|> <|assistant|>\n 7 <|end|>
 *                                                     ^ ^
 *     1. Before an added token (an answer's end): that token's place among the added ones of the ids.
 *     2. Else what stands between the last added token and the place ("\n") is encoded alone: its ids must be those
 *        that follow that token.
 *
 * Where they are not (a token spans the place), the whole text up to it is encoded and, if that differs too, decoded.
 */
import type { TextTokenizer } from "./tokenizer.ts";

/**
 * How many leading tokens lie wholly in text[0, offset), and how many touch it; equal unless a token spans the offset.
 */
export interface TokensWithin {
  readonly whole: number;
  readonly touching: number;
}

/** The function that tells it, for one text with its ids. */
export function boundaries(
  text: string,
  ids: readonly number[],
  tokenizer: TextTokenizer,
): (offset: number) => TokensWithin {
  const added = tokenizer.addedTokens(text, ids);
  return (offset) => {
    if (offset >= text.length) return { whole: ids.length, touching: ids.length };
    const next = added?.find(({ start }) => start === offset);
    if (next !== undefined) return { whole: next.token, touching: next.token };
    const last = added?.findLast(({ end }) => end <= offset);
    const exact = last === undefined ? null : fromAdded(text.slice(last.end, offset), last.token + 1, ids, tokenizer);
    return exact === null ? fromStart(text, offset, ids, tokenizer) : { whole: exact, touching: exact };
  };
}

/** Tokens up to the end of `part`, which begins at token `from`; null when it does not end with a token. */
function fromAdded(part: string, from: number, ids: readonly number[], tokenizer: TextTokenizer): number | null {
  const own = tokenizer.encode(part);
  return own.every((id, i) => ids[from + i] === id) ? from + own.length : null;
}

function fromStart(text: string, offset: number, ids: readonly number[], tokenizer: TextTokenizer): TokensWithin {
  const prefix = text.slice(0, offset);
  const prefixIds = tokenizer.encodeRendered(prefix);
  let common = 0;
  while (common < prefixIds.length && prefixIds[common] === ids[common]) common += 1;
  if (common === prefixIds.length) return { whole: common, touching: common };
  const decode = (count: number): string => tokenizer.decode(ids.slice(0, count), { skipSpecialTokens: false });
  // A tokenizer that changes the text (case, spaces) cannot be measured by decoding: the first differing token decides.
  // The leading BOS of the Alpaca prompt is in the tokens, not in the text.
  const bos = decode(ids.length).endsWith(text) ? decode(ids.length).length - text.length : null;
  if (bos === null) return { whole: common, touching: common + 1 };
  let whole = common;
  // Decoded lengths grow with the count, but half a character decodes to a replacement sign: look a few tokens ahead.
  for (let count = common + 1; count <= Math.min(ids.length, whole + 8); count += 1) {
    const decoded = decode(count).slice(bos);
    if (prefix.startsWith(decoded)) whole = count;
    if (decoded.length > offset + 8) break;
  }
  return { whole, touching: decode(whole).length - bos === offset ? whole : whole + 1 };
}
