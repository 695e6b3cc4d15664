/** @file How safe a row's response is up to each of its tokens, as the row itself says. */
import { BasinError } from "../base/error.ts";
import type { DataRow, TokenizedExample } from "./example.ts";
import { NO_LABEL } from "./lossTerms.ts";

/**
 * By position; NaN where there is no response. A row marked harmful or harmless without scores of its own is so from
 * its first chunk on.
 * @param words of a chunk
 * @returns undefined where the row says nothing
 * @throws BasinError for another number of scores than tokens or chunks
 */
export function scoresOf(
  row: DataRow,
  { labels, chunks = [] }: Pick<TokenizedExample, "labels" | "chunks">,
  words: number,
  where: string,
): readonly number[] | undefined {
  const { safety_scores: scores } = row;
  if (scores === undefined) {
    if (row.kind !== "instruction" || row.harmful === undefined) return undefined;
    const score = row.harmful ? 0 : 1;
    return chunks.map((chunk) => (chunk < 0 ? Number.NaN : score));
  }
  if (row.kind === "tokens") {
    if (scores.length !== labels.length)
      throw wrongNumber(scores.length, `${labels.length} input_ids`, "Give one score per token.", where);
    return scores.map((score, t) => (labels[t] === NO_LABEL ? Number.NaN : score));
  }
  const count = chunks.reduce((most, chunk) => Math.max(most, chunk), -1) + 1;
  if (scores.length !== count)
    throw wrongNumber(
      scores.length,
      `${count} chunks of ${words} words`,
      "Give one score per chunk of each response, in order: a response of 12 words has three chunks of 5.",
      where,
    );
  return chunks.map((chunk) => (chunk < 0 ? Number.NaN : (scores[chunk] ?? Number.NaN)));
}

function wrongNumber(scores: number, wanted: string, fix: string, where: string): BasinError {
  return new BasinError({ what: `There are ${scores} safety_scores for ${wanted}`, where, fix });
}
