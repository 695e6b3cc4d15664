/** @file Prompts (as tokens) to answers (as text): stop strings, streaming, and why each answer ended. */

import type { TextTokenizer } from "../text/tokenizer.ts";
import type { GenerateOptions, Generator } from "./generator.ts";
import type { Sampling } from "./sampling.ts";
import { TextStream } from "./textStream.ts";

export interface TextOptions {
  /** Of all rows, or one per row. */
  readonly maxNewTokens: number | readonly number[];
  readonly endTokens: ReadonlySet<number>;
  /** Greedy when absent. */
  readonly sampling?: Sampling;
  /** Texts that end an answer; they are cut off it. */
  readonly stop?: readonly string[];
  /**
   * Called with a row's whole text so far after each of its tokens; half characters and possible stop strings are held
   * back.
   */
  readonly onText?: (row: number, text: string, tokens: number) => void;
  /** See `GenerateOptions.odds`. */
  readonly odds?: GenerateOptions["odds"];
  readonly signal?: AbortSignal;
}

export interface TextAnswer {
  /** The new tokens; where a stop string ended the row, up to the token that completed it. */
  readonly tokens: readonly number[];
  readonly text: string;
  readonly ended: "eos" | "stop" | "length";
}

export async function generateText(
  generator: Generator,
  tokenizer: Pick<TextTokenizer, "decode">,
  prompts: readonly (readonly number[])[],
  options: TextOptions,
): Promise<TextAnswer[]> {
  const { maxNewTokens, endTokens, sampling, stop = [], onText, odds, signal } = options;
  const streams = prompts.map(() => new TextStream((ids) => tokenizer.decode(ids), stop));
  const follow = onText !== undefined || stop.length > 0;
  const rows = await generator.generate(prompts, {
    maxNewTokens,
    endTokens,
    ...(sampling ? { sampling } : {}),
    ...(signal ? { signal } : {}),
    ...(odds ? { odds } : {}),
    ...(follow ? { endsRow: (row: number, token: number) => streams[row]?.push(token) ?? false } : {}),
    ...(onText
      ? {
          onToken: (row: number) => {
            const stream = streams[row];
            if (stream) onText(row, stream.text, stream.tokens.length);
          },
        }
      : {}),
  });
  return rows.map((tokens, row) => {
    const stream = streams[row];
    const limit = typeof maxNewTokens === "number" ? maxNewTokens : (maxNewTokens[row] ?? 0);
    const ended = stream?.stopped ? "stop" : tokens.length >= limit ? "length" : "eos";
    return { tokens, text: follow && stream ? stream.finish() : tokenizer.decode(tokens), ended };
  });
}
