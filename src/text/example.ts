/**
 * @file The two shapes a training example takes: as text (a row) and as tokens.
 */

import type { LossTerms } from "./lossTerms.ts";

/**
 * One example as the model sees it. `labels[t]` is the token expected at position t, or -100 where no loss is taken (as
 * in transformers).
 */
export interface TokenizedExample {
  readonly input_ids: readonly number[];
  readonly labels: readonly number[];
  /** What the loss of each position is made of; the cross-entropy of each label unless given. */
  readonly terms?: LossTerms;
  /** Which chunk of the response each position is in, from 0; -1 outside. Only where chunks are asked for. */
  readonly chunks?: readonly number[];
  /** How safe the response is up to each position, from 0 to 1; NaN outside. Only where it is known. */
  readonly scores?: readonly number[];
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  /**
   * All fields of the message as the template sees them, role and content among them (`tool_calls`,
   * `reasoning_content`, `name`, …). Role and content alone unless given.
   */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Of its loss, where the assistant speaks; 0 leaves it untrained. 1 unless given. */
  readonly weight?: number;
}

/** What a row may say beside what it is. */
export interface RowExtras {
  /** Of its loss; 1 unless given. */
  readonly weight?: number;
  /** How safe the response is up to each chunk's end, or each token's for rows of tokens: from 0 to 1. */
  readonly safety_scores?: readonly number[];
}

/** One row of a dataset before tokenisation. */
export type DataRow = RowContent & RowExtras;

export type RowContent =
  | {
      readonly kind: "tokens";
      readonly input_ids: readonly number[];
      readonly labels: readonly number[];
      /** One a token, instead of one for the row. */
      readonly weights?: readonly number[];
    }
  | {
      readonly kind: "instruction";
      readonly instruction: string;
      readonly input?: string;
      readonly output: string;
      /** Known to be harmful (synthetic worlds only); for display, and as a score for methods that weigh by safety. */
      readonly harmful?: boolean;
    }
  | {
      readonly kind: "chat";
      readonly messages: readonly ChatMessage[];
      /** What the model may call, as JSON schemas; the template writes them. */
      readonly tools?: readonly unknown[];
    }
  /** Free text: every token is learnt. */
  | { readonly kind: "text"; readonly text: string };
