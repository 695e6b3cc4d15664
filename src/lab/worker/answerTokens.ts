/** @file A generated answer token by token, as the page shows it: text, probability, what else was likely. */
import type { TokenOdds } from "../../generate/tokenOdds.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import type { ChatToken } from "./protocol/chat.ts";

/** Alternatives that are named. */
export const ALTERNATIVES = 5;

/**
 * @param ids the answer's tokens
 * @param odds of each, and of the token that ended it
 * @param text the answer as it is shown; a stop string is cut off it
 * @returns null where the tokens' texts do not add up to the answer's
 */
export function answerTokens(
  tokenizer: Pick<TextTokenizer, "pieces" | "decode">,
  ids: readonly number[],
  odds: readonly TokenOdds[],
  text: string,
): readonly ChatToken[] | null {
  const pieces = tokenizer.pieces(ids);
  if (!pieces.join("").startsWith(text)) return null;
  let at = 0;
  return odds.map(({ token, logProb, top }, i): ChatToken => {
    const piece = pieces[i] ?? "";
    const shown = text.slice(at, at + piece.length);
    at += piece.length;
    return {
      text: shown,
      ends: i >= ids.length,
      logProb,
      top: top.map((one) => ({
        text: tokenText(tokenizer, one.token),
        logProb: one.logProb,
        chosen: one.token === token,
      })),
    };
  });
}

/** Part of a character that is spread over several tokens has no text of its own. */
function tokenText(tokenizer: Pick<TextTokenizer, "decode">, id: number): string {
  const text = tokenizer.decode([id], { skipSpecialTokens: false });
  return text === "" || text.includes("\ufffd") ? `token ${id}` : text;
}
