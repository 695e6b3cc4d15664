/**
 * @file Dataset files: JSON Lines or one JSON array, in three formats. Every error names the file and the line.
 *
 *     tokens        {"input_ids": [1, 5, 9], "labels": [-100, 5, 9]}
 *     instruction   {"instruction": "…", "input": "…", "output": "…"}            (input optional)
 *     chat          {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
 */
import { BasinError } from "../engine/error.ts";
import type { ChatMessage, DataRow } from "./example.ts";

export type DatasetFormat = "tokens" | "instruction" | "chat";

export interface ParseOptions {
  /** The file's name in errors. */
  readonly name?: string;
  /** Ids from this up are an error (format "tokens"). */
  readonly vocab_size?: number;
  /**
   * For instruction rows with a number `label` in place of `output` (classification test sets): the text of each
   * label. AsFT's SST-2 files have ["negative", "positive"], its AG News files ["World", "Sports", "Business", "Sci/Tech"].
   */
  readonly label_names?: readonly string[];
}

export interface Dataset {
  readonly name: string;
  readonly rows: readonly DataRow[];
  /** Where a row stands, for errors and reports: "file.jsonl line 12", or "file.json row 12" in an array. */
  where(row: number): string;
}

/**
 * Parses a dataset file. Blank lines are skipped; fields that the format does not use are ignored.
 * @throws BasinError naming file and line: malformed JSON, a missing or mistyped field, an id outside the vocabulary,
 *   labels of another length, an unknown role, an empty dataset
 */
export function parseDataset(text: string, format: DatasetFormat, options: ParseOptions = {}): Dataset {
  const { name = "dataset" } = options;
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  const values = /^\s*\[/.test(body) ? parseArray(body, name) : parseLines(body, name);
  if (values.length === 0) throw new BasinError({ what: "The dataset is empty", where: name, fix: "Give at least one row." });
  const rows = values.map(({ value, where }) => toRow(value, format, where, options));
  return { name, rows, where: (row) => values[row]?.where ?? `${name} row ${row + 1}` };
}

/** The format that a file's first row has, or null when it is none of the three. */
export function guessFormat(text: string): DatasetFormat | null {
  let first: unknown;
  try {
    const body = text.startsWith("\ufeff") ? text.slice(1) : text;
    if (/^\s*\[/.test(body)) {
      const parsed: unknown = JSON.parse(body);
      first = Array.isArray(parsed) ? parsed[0] : null;
    } else {
      first = JSON.parse(body.split("\n").find((line) => line.trim() !== "") ?? "null");
    }
  } catch {
    return null;
  }
  if (!isRecord(first)) return null;
  if ("input_ids" in first) return "tokens";
  if ("messages" in first) return "chat";
  return "instruction" in first ? "instruction" : null;
}

interface Located {
  readonly value: unknown;
  readonly where: string;
}

function parseLines(text: string, name: string): Located[] {
  const out: Located[] = [];
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    const where = `${name} line ${i + 1}`;
    try {
      const value: unknown = JSON.parse(line);
      out.push({ value, where });
    } catch (cause) {
      throw bad(where, `The line is not valid JSON: ${messageOf(cause)}`, "Each line must hold one JSON object; an array of objects must begin with [.", cause);
    }
  });
  return out;
}

function parseArray(text: string, name: string): Located[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message = messageOf(cause);
    // Engines word it differently: "at position 12", "at line 3 column 5".
    const position = /position (\d+)/.exec(message)?.[1];
    const line = position === undefined ? /line (\d+)/.exec(message)?.[1] : String(text.slice(0, Number(position)).split("\n").length);
    throw bad(line === undefined ? name : `${name} line ${line}`, `The file is not valid JSON: ${message}`, "Mend the file, or write one JSON object per line without brackets around them.", cause);
  }
  return Array.isArray(value) ? value.map((item: unknown, i) => ({ value: item, where: `${name} row ${i + 1}` })) : [];
}

function toRow(value: unknown, format: DatasetFormat, where: string, options: ParseOptions): DataRow {
  if (!isRecord(value)) throw bad(where, `The row is ${kindOf(value)}, not an object`, `A row of format "${format}" is an object ${SHAPES[format]}.`);
  switch (format) {
    case "tokens":
      return toTokens(value, where, options.vocab_size ?? Infinity);
    case "instruction":
      return toInstruction(value, where, options.label_names);
    case "chat":
      return { kind: "chat", messages: toMessages(value, where) };
  }
}

const SHAPES: Readonly<Record<DatasetFormat, string>> = {
  tokens: '{"input_ids": […], "labels": […]}',
  instruction: '{"instruction": "…", "input": "…", "output": "…"}',
  chat: '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
};

function toTokens(value: Record<string, unknown>, where: string, vocabSize: number): DataRow {
  const ids = integers(value, "input_ids", where);
  const labels = integers(value, "labels", where);
  if (ids.length === 0) throw bad(where, "The field input_ids is empty", "Remove the row or give its tokens.");
  if (labels.length !== ids.length) {
    throw bad(where, `There are ${labels.length} labels for ${ids.length} input_ids`, "Give one label per token, -100 where no loss is wanted.");
  }
  const outside = (id: number): boolean => id < 0 || id >= vocabSize;
  const fix = "The rows were tokenised for another model; tokenise them with this model's tokenizer.";
  const badId = ids.findIndex(outside);
  if (badId >= 0) throw bad(where, `input_ids[${badId}] is ${ids[badId]}, outside the vocabulary (0 to ${vocabSize - 1})`, fix);
  const badLabel = labels.findIndex((label) => label !== -100 && outside(label));
  if (badLabel >= 0) throw bad(where, `labels[${badLabel}] is ${labels[badLabel]}, neither -100 nor in the vocabulary (0 to ${vocabSize - 1})`, fix);
  return { kind: "tokens", input_ids: ids, labels };
}

function toInstruction(value: Record<string, unknown>, where: string, labelNames: readonly string[] | undefined): DataRow {
  const instruction = text(value, "instruction", "instruction", where);
  const input = value.input === undefined || value.input === null ? undefined : text(value, "input", "instruction", where);
  const harmful = value.harmful;
  if (harmful !== undefined && typeof harmful !== "boolean") throw wrongType(where, "harmful", harmful, "true or false", "instruction");
  return {
    kind: "instruction",
    instruction,
    ...(input === undefined ? {} : { input }),
    output: value.output === undefined && value.label !== undefined ? labelText(value.label, where, labelNames) : text(value, "output", "instruction", where),
    ...(harmful === undefined ? {} : { harmful }),
  };
}

function labelText(label: unknown, where: string, names: readonly string[] | undefined): string {
  if (typeof label === "string") return label;
  if (names === undefined) {
    throw bad(where, `The row has a label (${JSON.stringify(label)}) but no output`, "Train on a file with the field output; to read a test file, give the text of each label (label_names).");
  }
  const name = typeof label === "number" ? names[label] : undefined;
  if (name === undefined) throw bad(where, `The label is ${JSON.stringify(label)}, but there are ${names.length} label names`, "Give a name for each label, in order from 0.");
  return name;
}

function toMessages(value: Record<string, unknown>, where: string): ChatMessage[] {
  const { messages } = value;
  if (messages === undefined) throw missing(where, "messages", value, "chat");
  if (!Array.isArray(messages)) throw wrongType(where, "messages", messages, "an array", "chat");
  const out = messages.map((message: unknown, i): ChatMessage => {
    const at = `messages[${i}]`;
    if (!isRecord(message)) throw wrongType(where, at, message, "an object", "chat");
    const { role, content } = message;
    if (role !== "system" && role !== "user" && role !== "assistant") {
      throw bad(where, `${at}.role is ${JSON.stringify(role)}`, 'A role is "system", "user" or "assistant"; tool calls are not supported.');
    }
    if (typeof content !== "string") throw wrongType(where, `${at}.content`, content, "a string", "chat");
    return { role, content };
  });
  if (!out.some(({ role }) => role === "assistant")) {
    throw bad(where, "The conversation has no assistant message, so there is nothing to learn from", "Remove the row or add the answer.");
  }
  return out;
}

function integers(value: Record<string, unknown>, field: string, where: string): number[] {
  const list = value[field];
  if (list === undefined) throw missing(where, field, value, "tokens");
  if (!Array.isArray(list)) throw wrongType(where, field, list, "an array of whole numbers", "tokens");
  const wrong = list.findIndex((item: unknown) => typeof item !== "number" || !Number.isSafeInteger(item));
  if (wrong >= 0) throw wrongType(where, `${field}[${wrong}]`, list[wrong], "a whole number", "tokens");
  return list.map(Number);
}

function text(value: Record<string, unknown>, field: string, format: DatasetFormat, where: string): string {
  const content = value[field];
  if (content === undefined) throw missing(where, field, value, format);
  if (typeof content !== "string") throw wrongType(where, field, content, "a string", format);
  return content;
}

function missing(where: string, field: string, value: Record<string, unknown>, format: DatasetFormat): BasinError {
  const has = Object.keys(value).join(", ");
  return bad(where, `The field ${field} is missing (the row has ${has === "" ? "no fields" : has})`, `A row of format "${format}" is ${SHAPES[format]}.`);
}

function wrongType(where: string, field: string, value: unknown, wanted: string, format: DatasetFormat): BasinError {
  return bad(where, `The field ${field} is ${kindOf(value)}, not ${wanted}`, `A row of format "${format}" is ${SHAPES[format]}.`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function bad(where: string, what: string, fix: string, cause?: unknown): BasinError {
  return new BasinError({ what, where, fix, cause });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
