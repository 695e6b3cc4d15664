/**
 * @file Rows of a table as rows to train on, by a mapping. Every error names the row's place in its file.
 */
import { isRecord } from "../../base/records.ts";
import { describeValue } from "../../base/describe.ts";
import { BasinError } from "../../base/error.ts";
import type { ChatMessage, DataRow, RowContent } from "../example.ts";
import { listCell } from "./listCell.ts";
import { messageWeight, rowWeight, safetyScores, tokenWeights } from "./weights.ts";
import { placeholders, type Mapping, type RowFormat } from "./mapping.ts";
import { kindOf, messageOf, type Table, type TableRow } from "./table.ts";

/** A row that could not be used, and why. */
export interface RowProblem {
  readonly where: string;
  readonly why: string;
}

export interface MapOptions {
  /** Ids from this up are an error (format "tokens"). */
  readonly vocab_size?: number;
  /** "error" (default): the first row that does not fit is thrown. "drop": such rows are left out and reported. */
  readonly bad_rows?: "error" | "drop";
}

export interface MappedRows {
  readonly rows: readonly DataRow[];
  /** rows[i] is row sources[i] of the table. */
  readonly sources: readonly number[];
  readonly problems: readonly RowProblem[];
}

/** @throws BasinError naming file and line of the first row that does not fit (with "error"); for an empty table */
export function mapRows(
  table: Table,
  mapping: Mapping,
  { vocab_size = Infinity, bad_rows = "error" }: MapOptions = {},
): MappedRows {
  if (table.rows.length === 0)
    throw new BasinError({ what: "The dataset is empty", where: table.name, fix: "Give at least one row." });
  const rows: DataRow[] = [];
  const sources: number[] = [];
  const problems: RowProblem[] = [];
  table.rows.forEach((row, i) => {
    const where = table.where(i);
    try {
      rows.push({
        ...toRow(row, mapping, where, vocab_size),
        ...rowWeight(row, mapping, where),
        ...safetyScores(row, mapping, where),
      });
      sources.push(i);
    } catch (error) {
      if (bad_rows === "error" || !(error instanceof BasinError)) throw error;
      problems.push({ where, why: error.what });
    }
  });
  const [first] = problems;
  if (rows.length === 0 && first !== undefined)
    throw new BasinError({
      what: `None of the ${table.rows.length} rows can be used; the first: ${first.why}`,
      where: first.where,
      fix: "Check the column mapping.",
    });
  return { rows, sources, problems };
}

function toRow(row: TableRow, mapping: Mapping, where: string, vocabSize: number): RowContent {
  switch (mapping.format) {
    case "tokens":
      return toTokens(row, mapping, where, vocabSize);
    case "instruction":
      return toInstruction(row, mapping, where);
    case "chat":
      return toChat(row, mapping, where);
    case "text": {
      const text = required(row, mapping.columns.text ?? "text", mapping, where);
      if (text.trim() === "") throw bad(where, "The text is empty", "Remove the row.");
      return { kind: "text", text };
    }
  }
}

const SHAPES: Readonly<Record<RowFormat, string>> = {
  tokens: '{"input_ids": […], "labels": […]}',
  instruction: '{"instruction": "…", "input": "…", "output": "…"}',
  chat: '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
  text: '{"text": "…"}',
};

function toTokens(row: TableRow, mapping: Mapping, where: string, vocabSize: number): RowContent {
  const ids = integers(row, mapping.columns.input_ids ?? "input_ids", where);
  const labels = integers(row, mapping.columns.labels ?? "labels", where);
  if (ids.length === 0) throw bad(where, "The field input_ids is empty", "Remove the row or give its tokens.");
  if (labels.length !== ids.length) {
    throw bad(
      where,
      `There are ${labels.length} labels for ${ids.length} input_ids`,
      "Give one label per token, -100 where no loss is wanted.",
    );
  }
  const outside = (id: number): boolean => id < 0 || id >= vocabSize;
  const fix = "The rows were tokenised for another model; tokenise them with this model's tokenizer.";
  const badId = ids.findIndex(outside);
  if (badId >= 0)
    throw bad(where, `input_ids[${badId}] is ${ids[badId]}, outside the vocabulary (0 to ${vocabSize - 1})`, fix);
  const badLabel = labels.findIndex((label) => label !== -100 && outside(label));
  if (badLabel >= 0)
    throw bad(
      where,
      `labels[${badLabel}] is ${labels[badLabel]}, neither -100 nor in the vocabulary (0 to ${vocabSize - 1})`,
      fix,
    );
  const weights = tokenWeights(row, mapping.columns.weight, ids.length, where);
  return { kind: "tokens", input_ids: ids, labels, ...(weights === undefined ? {} : { weights }) };
}

function toInstruction(row: TableRow, mapping: Mapping, where: string): RowContent {
  const { columns, prompt } = mapping;
  const optional = (column: string | undefined): string | undefined =>
    column === undefined || row[column] === undefined || row[column] === null
      ? undefined
      : required(row, column, mapping, where);
  const output = answer(row, mapping, where);
  const own =
    columns.instruction === undefined || (prompt !== null && placeholders(prompt).length > 0)
      ? undefined
      : required(row, columns.instruction, mapping, where);
  const input =
    prompt !== null && placeholders(prompt).length > 0
      ? undefined
      : (optional(columns.input) ?? (prompt === null ? undefined : own));
  const instruction = prompt === null ? own : fill(prompt, row, mapping, where);
  if (instruction === undefined)
    throw bad(where, "No column says what the user asks", "Name one in columns.instruction, or give a prompt.");
  const system = optional(columns.system);
  const harmful = flag(row, columns.harmful, where, mapping);
  const history = earlierTurns(row.history, where);
  if ((system !== undefined && system !== "") || history.length > 0) {
    const user = input === undefined || input === "" ? instruction : `${instruction}\n${input}`;
    return {
      kind: "chat",
      messages: [
        ...(system === undefined || system === "" ? [] : [{ role: "system" as const, content: system }]),
        ...history,
        { role: "user", content: user },
        { role: "assistant", content: output },
      ],
    };
  }
  return {
    kind: "instruction",
    instruction,
    ...(input === undefined ? {} : { input }),
    output,
    ...(harmful === undefined ? {} : { harmful }),
  };
}

function fill(prompt: string, row: TableRow, mapping: Mapping, where: string): string {
  return prompt.replaceAll(/\{([^{}\n]+)\}/g, (_, column: string) => {
    const value = row[column];
    return typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : required(row, column, mapping, where);
  });
}

function answer(row: TableRow, mapping: Mapping, where: string): string {
  const column = mapping.columns.output ?? "output";
  const value = row[column];
  const { labelNames } = mapping;
  if (labelNames === null) return typeof value === "number" ? String(value) : required(row, column, mapping, where);
  if (typeof value === "string" && !/^\d+$/.test(value)) return value;
  const name = typeof value === "number" || typeof value === "string" ? labelNames[Number(value)] : undefined;
  if (name === undefined)
    throw bad(
      where,
      `The label is ${kindOf(value)}, but there are ${labelNames.length} label names`,
      "Give a name for each label, in order from 0 (label_names), or leave such rows out (bad_rows: drop).",
    );
  return name;
}

function flag(row: TableRow, column: string | undefined, where: string, mapping: Mapping): boolean | undefined {
  const value = column === undefined ? undefined : row[column];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "boolean") return value;
  if (value === 1 || value === "1" || value === "true" || value === "True") return true;
  if (value === 0 || value === "0" || value === "false" || value === "False") return false;
  throw wrongType(where, column ?? "harmful", value, "true or false", mapping);
}

const ROLES: Readonly<Record<string, ChatMessage["role"]>> = {
  system: "system",
  user: "user",
  human: "user",
  prompter: "user",
  assistant: "assistant",
  gpt: "assistant",
  chatgpt: "assistant",
  bot: "assistant",
  model: "assistant",
  tool: "tool",
  observation: "tool",
};

/** Fields of a message that are read under names of our own. */
const READ_FIELDS: readonly string[] = ["role", "from", "content", "value", "weight", "train"];

function toChat(row: TableRow, mapping: Mapping, where: string): RowContent {
  const column = mapping.columns.messages ?? "messages";
  const list = messageList(row, column, mapping, where);
  const messages = list.map((message: unknown, i): ChatMessage => {
    const at = `${column}[${i}]`;
    if (!isRecord(message)) throw wrongType(where, at, message, "an object", mapping);
    const speaker = message.role ?? message.from;
    const role = typeof speaker === "string" && Object.hasOwn(ROLES, speaker) ? ROLES[speaker] : undefined;
    if (role === undefined) {
      const has = Object.keys(message).join(", ");
      throw bad(
        where,
        speaker === undefined
          ? `${at} has no role (it has ${has === "" ? "no fields" : has})`
          : `${at}.${message.role === undefined ? "from" : "role"} is ${describeValue(speaker)}`,
        'A role is "system", "user", "assistant" or "tool" (ShareGPT: "human", "gpt", "observation").',
      );
    }
    const key = "content" in message ? "content" : "value" in message ? "value" : "content";
    const weight = messageWeight(message, at, where);
    const extras = Object.entries(message).filter(([name, value]) => !READ_FIELDS.includes(name) && value !== null);
    // An answer that is a call has no words: null, or no content at all.
    const calls = role === "assistant" && extras.some(([name]) => name === "tool_calls") && message[key] == null;
    const text = calls ? "" : content(message[key], `${at}.${key}`, mapping, where);
    const fields = { role, content: calls ? null : text, ...Object.fromEntries(extras) };
    return { role, content: text, ...(extras.length === 0 ? {} : { fields }), ...(weight === 1 ? {} : { weight }) };
  });
  const system = mapping.columns.system === undefined ? undefined : row[mapping.columns.system];
  if (typeof system === "string" && system !== "" && messages[0]?.role !== "system")
    messages.unshift({ role: "system", content: system });
  if (!messages.some(({ role }) => role === "assistant")) {
    throw bad(
      where,
      "The conversation has no assistant message, so there is nothing to learn from",
      "Remove the row or add the answer.",
    );
  }
  const tools = toolList(row.tools);
  return { kind: "chat", messages, ...(tools === null ? {} : { tools }) };
}

/** JSON schemas of tools, as a list or (in CSV and some datasets) its JSON text; null where there are none. */
function toolList(value: unknown): readonly unknown[] | null {
  const list = listCell(value);
  return Array.isArray(list) && list.length > 0 ? list : null;
}

/** Earlier turns of an instruction row, [[question, answer], …], as LLaMA-Factory has them; all answers are learnt. */
function earlierTurns(value: unknown, where: string): ChatMessage[] {
  if (value === undefined || value === null || value === "") return [];
  const turns = listCell(value);
  const isTurn = (turn: unknown): turn is [string, string] =>
    Array.isArray(turn) && turn.length === 2 && turn.every((part) => typeof part === "string");
  if (!Array.isArray(turns) || !turns.every(isTurn))
    throw bad(where, `The field history is ${kindOf(value)}, not a list of [question, answer]`, "Mend the field.");
  return turns.flatMap(([question, reply]): ChatMessage[] => [
    { role: "user", content: question },
    { role: "assistant", content: reply },
  ]);
}

/** A message's text, given as a string or as a list of text parts. */
function content(value: unknown, at: string, mapping: Mapping, where: string): string {
  if (typeof value === "string") return value;
  const parts = Array.isArray(value)
    ? value.map((part: unknown) =>
        isRecord(part) && part.type === "text" && typeof part.text === "string" ? part.text : null,
      )
    : [null];
  if (parts.length > 0 && parts.every((part) => part !== null)) return parts.join("");
  throw wrongType(where, at, value, "a string", mapping);
}

/** The list itself, or (in CSV) its JSON text. */
function messageList(row: TableRow, column: string, mapping: Mapping, where: string): unknown[] {
  const value = row[column];
  if (value === undefined) throw missing(where, column, row, mapping);
  if (Array.isArray(value)) return value;
  if (typeof value === "string" && value.trimStart().startsWith("[")) {
    try {
      const parsed: unknown = JSON.parse(value);
      if (Array.isArray(parsed)) return parsed;
    } catch (cause) {
      throw bad(
        where,
        `The field ${column} is not valid JSON: ${messageOf(cause)}`,
        "Write messages as JSON, with double quotes (Python: json.dumps).",
        cause,
      );
    }
  }
  throw wrongType(where, column, value, "an array", mapping);
}

function integers(row: TableRow, column: string, where: string): number[] {
  const list = listCell(row[column]);
  const mapping = { format: "tokens" } as const;
  if (list === undefined) throw missing(where, column, row, mapping);
  if (!Array.isArray(list)) throw wrongType(where, column, list, "an array of whole numbers", mapping);
  const wrong = list.findIndex((item: unknown) => typeof item !== "number" || !Number.isSafeInteger(item));
  if (wrong >= 0) throw wrongType(where, `${column}[${wrong}]`, list[wrong], "a whole number", mapping);
  return list.map(Number);
}

function required(row: TableRow, column: string, mapping: Mapping, where: string): string {
  const value = row[column];
  if (value === undefined) throw missing(where, column, row, mapping);
  if (typeof value !== "string") throw wrongType(where, column, value, "a string", mapping);
  return value;
}

function missing(where: string, field: string, row: TableRow, { format }: Pick<Mapping, "format">): BasinError {
  const has = Object.keys(row).join(", ");
  return bad(
    where,
    `The field ${field} is missing (the row has ${has === "" ? "no fields" : has})`,
    `A row of format "${format}" is ${SHAPES[format]}, by these names or those of the column mapping.`,
  );
}

function wrongType(
  where: string,
  field: string,
  value: unknown,
  wanted: string,
  { format }: Pick<Mapping, "format">,
): BasinError {
  return bad(
    where,
    `The field ${field} is ${kindOf(value)}, not ${wanted}`,
    `A row of format "${format}" is ${SHAPES[format]}, by these names or those of the column mapping.`,
  );
}

function bad(where: string, what: string, fix: string, cause?: unknown): BasinError {
  return new BasinError({ what, where, fix, cause });
}
