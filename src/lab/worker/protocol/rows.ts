/** @file The training rows as the data area shows them. */
import type { ColumnAccount } from "../../../experiment/data/runData.ts";

/** Which rows a page is taken from. */
export type RowFilter = "all" | "harmful" | "safety";

/** One row of the training data, as the model will see it. */
export interface RowPreview {
  readonly index: number;
  /** Where the row stands: "rows.csv line 12". */
  readonly where: string;
  /** Text of each token; joined they are the row's text. */
  readonly pieces: readonly string[];
  readonly ids: readonly number[];
  /** Whether each token carries loss. */
  readonly hasLoss: readonly boolean[];
  /** What each token's loss counts for; null: all alike. */
  readonly weights: readonly number[] | null;
  /** How safe a guard holds the response up to each token, from 0 to 1 (NaN outside); null: nothing asks for it. */
  readonly scores: readonly number[] | null;
  readonly harmful: boolean;
  /** The method's, not the user's. */
  readonly safety: boolean;
  readonly truncated: boolean;
}

/** Counts over all rows. */
export interface DataSummary {
  readonly rows: number;
  readonly harmfulRows: number;
  /** Of the method, among `rows`. */
  readonly safetyRows: number;
  readonly tokens: number;
  readonly labelledTokens: number;
  readonly longest: number;
  /** What was cut, left out or held out, in sentences; empty when every row is trained on whole. */
  readonly notes: readonly string[];
  /** Rows held out for evaluation. */
  readonly heldOut: number;
  /** The columns that there are and what they were taken for; null for rows without columns. */
  readonly columns: ColumnAccount | null;
  /** Tokens of each row before any was cut or left out for its length. */
  readonly fullLengths: Int32Array;
  /** Tokens of each row. */
  readonly lengths: Int32Array;
  /** Tokens with loss of each row. */
  readonly labelled: Int32Array;
  /** 1 where the row is marked harmful. */
  readonly harmful: Uint8Array;
}

export interface RowsPage {
  readonly summary: DataSummary;
  readonly page: readonly RowPreview[];
}
