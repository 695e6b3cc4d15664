/** @file Texts of Data: the training rows, their tokens and columns. */
import type { ColumnRole, RowFormat } from "../../text/data/mapping.ts";
import type { RowFilter } from "../worker/protocol/rows.ts";

export const AREA = {
  title: "Training rows",
  invalidSettings: "The rows appear here once the settings are valid. Setup shows what is wrong.",
  loading: "Tokenising the rows …",
  failed: "The rows cannot be shown",
  retry: "Try again",
  page: (control: string): string => `${control} page`,
  range: (filter: RowFilter, first: string, last: string, all: string): string =>
    `${filter === "all" ? "rows" : `${filter} rows`} ${first}–${last} of ${all}`,
  ribbon: (harmful: number, rows: number): string => `Positions of the ${harmful} harmful rows among ${rows} rows`,
};

export const SUMMARY = {
  rows: "Rows",
  harmfulRows: "Harmful rows",
  safetyRows: "Safety rows",
  addedByMethod: "added by the method",
  heldOut: "Held out",
  heldOutUnit: "rows",
  tokens: "Tokens",
  tokensWithLoss: "Tokens with loss",
  longest: "Longest row",
  longestUnit: "tokens",
};

export const HISTOGRAM = {
  title: "Tokens per row",
  tooLong: (rows: string, limit: string): string => `${rows} longer than ${limit}`,
  label: (rows: string, longest: string, tooLong: number, limit: number): string =>
    `Tokens per row: ${rows} rows, up to ${longest} tokens, ${tooLong} longer than ${limit}`,
  bin: (from: number, to: number, rows: number): string => `${from} to ${to} tokens: ${rows} rows`,
  limit: (limit: string): string => `max_length ${limit}`,
};

export const TOKENS = {
  filter: "Rows to show",
  filters: { all: "All rows", harmful: "Harmful only", safety: "Safety rows only" } satisfies Record<RowFilter, string>,
  prompt: "prompt",
  promptMeaning: "no loss",
  answer: "answer",
  answerMeaning: "trained on (loss)",
  scoreMeaning: "how safe the response is up to there, from 0 (unsafe) to 1",
  showWhitespace: "Show spaces and line breaks",
  row: "Row",
  tokens: "Tokens",
  length: "Length",
  withLoss: "With loss",
  kind: "Kind",
  truncated: "truncated",
  lengthUnit: " tokens",
  withLossUnit: " with loss",
  token: (id: number | undefined, text: string, trained: boolean, weight: number): string =>
    `${id ?? ""}  ${JSON.stringify(text)}${trained ? "  with loss" : ""}${weight === 1 ? "" : `, weight ${weight}`}`,
};

export const COLUMNS = {
  label: "Columns",
  assign: "Assign the columns",
  detected: "Columns detected: ",
  chosen: "Columns as you set them: ",
  reset: "Detect again",
  close: "Close",
  change: "Change",
  format: "Row format",
  noColumn: "no column",
  classNames: "Class names, starting at 0",
  classNamesExample: "negative, positive",
  roles: {
    instruction: "Instruction",
    input: "Input",
    output: "Answer (trained on)",
    system: "System message",
    messages: "Messages",
    text: "Text (trained on)",
    input_ids: "Token IDs",
    labels: "Token labels",
    harmful: "Harmful flag",
    weight: "Loss weight",
    safety_scores: "Safety scores",
  } satisfies Record<ColumnRole, string>,
  formats: {
    instruction: "instruction and answer",
    chat: "conversation",
    text: "free text",
    tokens: "token IDs",
  } satisfies Record<RowFormat, string>,
};
