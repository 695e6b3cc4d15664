/** @file The tokens of an answer as they are pointed at: text that several tokens make together is one piece. Pure. */
import type { ChatToken } from "../worker/protocol/chat.ts";

export interface TokenGroup {
  /** What is shown; empty for the token that ended the answer. */
  readonly text: string;
  readonly tokens: readonly ChatToken[];
}

/** Every token belongs to one group; tokens without a text of their own go with the one that completes them. */
export function tokenGroups(tokens: readonly ChatToken[]): readonly TokenGroup[] {
  const groups: TokenGroup[] = [];
  let waiting: ChatToken[] = [];
  for (const token of tokens) {
    waiting.push(token);
    if (token.text === "" && !token.ends) continue;
    groups.push({ text: token.text, tokens: waiting });
    waiting = [];
  }
  // Behind a stop string, or cut in the middle of a character.
  const last = groups.at(-1);
  if (waiting.length > 0 && last !== undefined)
    groups[groups.length - 1] = { text: last.text, tokens: [...last.tokens, ...waiting] };
  return groups;
}

/** Probability of a group: that of its tokens together. */
export function groupProbability({ tokens }: TokenGroup): number {
  return Math.exp(tokens.reduce((sum, { logProb }) => sum + logProb, 0));
}

/** Band of a probability: 0 (at least 90 %) to 3 (below 10 %). */
export function surprise(probability: number): 0 | 1 | 2 | 3 {
  return probability >= 0.9 ? 0 : probability >= 0.5 ? 1 : probability >= 0.1 ? 2 : 3;
}

/** 0.93421 -> "93.4 %"; small ones keep a digit: "0.012 %". */
export function probabilityText(logProb: number): string {
  const share = 100 * Math.exp(logProb);
  if (share >= 99.95) return share >= 99.9999995 ? "100 %" : "> 99.9 %";
  if (share >= 1) return `${share.toFixed(1)} %`;
  return share < 1e-4 ? "< 0.0001 %" : `${Number(share.toPrecision(2))} %`;
}

/** A token's text made visible: spaces and line breaks have signs. */
export function visibleText(text: string): string {
  return text
    .replaceAll("\n", "⏎")
    .replaceAll("\t", "⇥")
    .replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
}
