/**
 * @file The two shapes a training example takes: as text (a row) and as tokens.
 */

/**
 * One example as the model sees it. `labels[t]` is the token expected at position t, or -100 where no loss is taken (as
 * in transformers).
 */
export interface TokenizedExample {
  readonly input_ids: readonly number[];
  readonly labels: readonly number[];
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** One row of a dataset before tokenisation. */
export type DataRow =
  | { readonly kind: "tokens"; readonly input_ids: readonly number[]; readonly labels: readonly number[] }
  | {
      readonly kind: "instruction";
      readonly instruction: string;
      readonly input?: string;
      readonly output: string;
      /** Known to be harmful (synthetic worlds only); used for display, never for training. */
      readonly harmful?: boolean;
    }
  | { readonly kind: "chat"; readonly messages: readonly ChatMessage[] }
  /** Free text: every token is learnt. */
  | { readonly kind: "text"; readonly text: string };
