/** @file What is to be said of how a chat template ends the assistant's turns. */
import type { TokenizedExample } from "../../text/example.ts";
import { NO_LABEL } from "../../text/lossTerms.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";

/** Sentences for a log; none where the configuration's stop tokens are the template's and every answer ends. */
export function describeTurnEnds(
  tokenizer: TextTokenizer,
  examples: readonly TokenizedExample[],
  appendEos: boolean,
): string[] {
  const out: string[] = [];
  const named = (id: number): string => `${tokenizer.decode([id], { skipSpecialTokens: false })} (${id})`;
  const { addedStops, eosIds } = tokenizer;
  if (addedStops.length > 0) {
    const stated = eosIds.filter((id) => !addedStops.includes(id)).map(named);
    out.push(
      `Generation also stops at ${addedStops.map(named).join(" and ")}: the chat template ends turns with it, ` +
        `the model's files name ${stated.length === 0 ? "no stop token" : `only ${stated.join(", ")}`}.`,
    );
  }
  if (tokenizer.turnEnds === null || tokenizer.turnEnds.afterLast || appendEos) return out;
  const endless = examples.filter(({ labels }) => {
    const last = labels.at(-1);
    return last !== undefined && last !== NO_LABEL && !eosIds.includes(last);
  }).length;
  if (endless > 0)
    out.push(
      `The chat template writes no end after the last answer: ${endless} of ${examples.length} rows do not teach the ` +
        "model to stop there. Set data.append_eos to add the token that ends a turn.",
    );
  return out;
}
