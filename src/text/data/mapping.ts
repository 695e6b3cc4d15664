/**
 * @file Which column of a table plays which part: guessed from the columns' names, overridden by what a spec says.
 *
 *     columns + request --chooseColumns--> format and columns          (enough to read only those from a Parquet file)
 *     + the rows read --completeMapping--> Mapping                  (class names, the user's turn)
 *
 * A guess is never silent: `recognised` says what the file was taken for, and a guess that fails says which columns
 * there are.
 */
import { BasinError } from "../../base/error.ts";
import type { Table } from "./table.ts";

/** What a row is. text: all of it is learnt; the others learn only the answer (or what `labels` says). */
export type RowFormat = "tokens" | "instruction" | "chat" | "text";

export const COLUMN_ROLES = [
  "instruction",
  "input",
  "output",
  "system",
  "messages",
  "text",
  "input_ids",
  "labels",
  "harmful",
  "weight",
  "safety_scores",
] as const;
export type ColumnRole = (typeof COLUMN_ROLES)[number];

/** What a spec says about columns; everything may be left to the guess. */
export interface MappingRequest {
  readonly format?: RowFormat | "auto" | undefined;
  /** null: this part is played by no column, whatever the guess says. */
  readonly columns?: Readonly<Partial<Record<ColumnRole, string | null | undefined>>> | undefined;
  /**
   * The user's turn, `{column}` standing for the row's value. Without any, the row's input (else its instruction)
   * follows.
   */
  readonly prompt?: string | undefined;
  /** Texts of the class numbers in the output column, from 0. */
  readonly label_names?: readonly string[] | undefined;
}

export type Columns = Readonly<Partial<Record<ColumnRole, string>>>;

export interface ColumnChoice {
  readonly format: RowFormat;
  readonly columns: Columns;
  /** "Alpaca", "ShareGPT", …: what the columns were taken for; "as given" where nothing was guessed. */
  readonly recognised: string;
}

export interface Mapping extends ColumnChoice {
  readonly prompt: string | null;
  readonly labelNames: readonly string[] | null;
}

interface Pattern {
  readonly title: string;
  readonly format: RowFormat;
  /** Each part must be found under one of these names (compared without case). */
  readonly needs: Readonly<Partial<Record<ColumnRole, readonly string[]>>>;
  readonly takes?: Readonly<Partial<Record<ColumnRole, readonly string[]>>>;
}

const SYSTEM = ["system", "system_prompt"];
/** What any format takes. */
const EXTRAS: Pattern["takes"] = { weight: ["weight", "weights"], safety_scores: ["safety_scores"] };

/** In order of preference: what says more about a row comes first. */
const PATTERNS: readonly Pattern[] = [
  { title: "tokens", format: "tokens", needs: { input_ids: ["input_ids"], labels: ["labels"] } },
  { title: "chat messages", format: "chat", needs: { messages: ["messages"] }, takes: { system: SYSTEM } },
  {
    title: "ShareGPT",
    format: "chat",
    needs: { messages: ["conversations", "conversation"] },
    takes: { system: SYSTEM },
  },
  {
    title: "Alpaca",
    format: "instruction",
    needs: { instruction: ["instruction"], output: ["output", "response", "completion", "answer"] },
    takes: { input: ["input", "context"], system: SYSTEM, harmful: ["harmful"] },
  },
  {
    title: "instruction with classes",
    format: "instruction",
    needs: { instruction: ["instruction"], output: ["label_text", "label"] },
    takes: { input: ["input", "context"], system: SYSTEM, harmful: ["harmful"] },
  },
  {
    title: "prompt and completion",
    format: "instruction",
    needs: { instruction: ["prompt"], output: ["completion", "response", "answer", "output"] },
    takes: { system: SYSTEM, harmful: ["harmful"] },
  },
  {
    title: "question and answer",
    format: "instruction",
    needs: { instruction: ["question", "query", "problem"], output: ["answer", "response", "solution", "output"] },
    takes: { input: ["context"], system: SYSTEM },
  },
  {
    title: "user and assistant",
    format: "instruction",
    needs: { instruction: ["user", "human"], output: ["assistant", "gpt"] },
    takes: { system: SYSTEM },
  },
  {
    title: "texts with classes",
    format: "instruction",
    needs: { input: ["sentence", "text", "review", "content"], output: ["label_text", "label", "class", "category"] },
  },
  { title: "plain text", format: "text", needs: { text: ["text", "content"] } },
];

/** What a format cannot do without when nothing is recognised. */
const MINIMUM: Readonly<Record<RowFormat, readonly ColumnRole[]>> = {
  tokens: ["input_ids", "labels"],
  chat: ["messages"],
  instruction: ["output"],
  text: ["text"],
};

/**
 * The columns that are needed and what they are taken for.
 * @throws BasinError when a named column is not there, or nothing is recognised; it lists the columns that there are
 */
export function chooseColumns(columns: readonly string[], request: MappingRequest, name: string): ColumnChoice {
  const given = request.columns ?? {};
  for (const role of COLUMN_ROLES) {
    const column = given[role];
    if (typeof column === "string" && !columns.includes(column))
      throw noSuchColumn(`columns.${role} is ${JSON.stringify(column)}`, column, columns, name);
  }
  for (const column of placeholders(request.prompt)) {
    if (!columns.includes(column)) throw noSuchColumn(`The prompt names {${column}}`, column, columns, name);
  }
  const format =
    request.format === undefined || request.format === "auto" ? formatOf(given, request.prompt) : request.format;
  const find = (names: readonly string[]): string | undefined =>
    names.flatMap((wanted) => columns.filter((column) => column.toLowerCase() === wanted))[0];
  const resolve = (role: ColumnRole, names: readonly string[]): string | undefined =>
    given[role] === undefined ? find(names) : (given[role] ?? undefined);
  const named = COLUMN_ROLES.some((role) => typeof given[role] === "string");
  // A second time with a prompt: it says what the user asks, so that no column need do it.
  for (const { pattern, prompted } of [
    ...PATTERNS.map((pattern) => ({ pattern, prompted: false })),
    ...(request.prompt === undefined ? [] : PATTERNS.map((pattern) => ({ pattern, prompted: true }))),
  ]) {
    if (format !== null && pattern.format !== format) continue;
    const found: Partial<Record<ColumnRole, string>> = {};
    const complete = entries(pattern.needs).every(([role, names]) => {
      const column = resolve(role, names);
      if (column !== undefined) found[role] = column;
      return column !== undefined || (prompted && (role === "instruction" || role === "input"));
    });
    if (!complete) continue;
    const allGiven = entries(pattern.needs).every(([role]) => typeof given[role] === "string");
    for (const [role, names] of entries({ ...pattern.takes, ...EXTRAS })) {
      const column = resolve(role, names);
      if (column !== undefined) found[role] = column;
    }
    for (const role of COLUMN_ROLES) if (typeof given[role] === "string") found[role] = given[role];
    return { format: pattern.format, columns: found, recognised: prompted || allGiven ? "as given" : pattern.title };
  }
  if (format !== null && named && MINIMUM[format].every((role) => typeof given[role] === "string")) {
    const asGiven = Object.fromEntries(
      COLUMN_ROLES.flatMap((role) => (typeof given[role] === "string" ? [[role, given[role]]] : [])),
    );
    if (format !== "instruction" || request.prompt !== undefined || "instruction" in asGiven || "input" in asGiven)
      return { format, columns: asGiven, recognised: "as given" };
  }
  throw nothingRecognised(columns, format, name);
}

/** The columns that must be read for a choice. */
export function neededColumns({ columns }: ColumnChoice, prompt: string | undefined): string[] {
  return [...new Set([...Object.values(columns), ...placeholders(prompt)])];
}

/** Names in braces: "Premise: {premise}" -> ["premise"]. */
export function placeholders(prompt: string | undefined | null): string[] {
  return [...(prompt ?? "").matchAll(/\{([^{}\n]+)\}/g)].map(([, name]) => name ?? "");
}

/**
 * The mapping with the texts of class numbers, and with a user's turn where no column has one.
 * @throws BasinError when the output column holds class numbers that nothing names
 */
export function completeMapping(choice: ColumnChoice, table: Table, request: MappingRequest): Mapping {
  if (choice.format !== "instruction") return { ...choice, prompt: null, labelNames: null };
  const labelNames = request.label_names ?? classNames(choice, table);
  const { instruction, input } = choice.columns;
  const prompt =
    request.prompt ??
    (instruction === undefined && input !== undefined ? classPrompt(labelNames, choice, table) : null);
  return { ...choice, prompt, labelNames };
}

function formatOf(given: NonNullable<MappingRequest["columns"]>, prompt: string | undefined): RowFormat | null {
  if (typeof given.messages === "string") return "chat";
  if (typeof given.input_ids === "string") return "tokens";
  if (typeof given.text === "string") return "text";
  return prompt !== undefined ||
    [given.instruction, given.input, given.output].some((column) => typeof column === "string")
    ? "instruction"
    : null;
}

/** Well-known sets of classes, recognised by the file's name or by an instruction that names every class. */
const KNOWN_CLASSES: readonly { readonly file: RegExp; readonly names: readonly string[] }[] = [
  { file: /sst[-_]?2/i, names: ["negative", "positive"] },
  { file: /ag[-_]?news/i, names: ["World", "Sports", "Business", "Sci/Tech"] },
];

const CLASS_COLUMN = /label|class|categor|target/i;

function classNames({ columns: { output = "", instruction } }: ColumnChoice, table: Table): readonly string[] | null {
  const declared = table.labelNames.get(output);
  if (declared !== undefined) return declared;
  const sample = table.rows.slice(0, 200).map((row) => row[output]);
  const isNumber = (value: unknown): boolean =>
    Number.isInteger(value) || (typeof value === "string" && /^\d+$/.test(value));
  if (!CLASS_COLUMN.test(output) || sample.length === 0 || !sample.every(isNumber)) return null;
  const instructionText = instruction === undefined ? "" : String(table.rows[0]?.[instruction]).toLowerCase();
  const most = Math.max(...sample.map(Number));
  const known = KNOWN_CLASSES.find(
    ({ file, names }) =>
      most < names.length &&
      (file.test(table.name) || names.every((name) => instructionText.includes(name.toLowerCase()))),
  );
  if (known !== undefined) return known.names;
  const seen = [...new Set(sample.map(Number))].sort((a, b) => a - b);
  throw new BasinError({
    what:
      `The column ${output} holds class numbers (${seen.slice(0, 8).join(", ")}${seen.length > 8 ? ", …" : ""}), ` +
      "and nothing says what they mean",
    where: table.name,
    fix: 'Give label_names, the text of each class from 0 on: ["negative", "positive"].',
  });
}

function classPrompt(
  labelNames: readonly string[] | null,
  { columns: { output = "" } }: ColumnChoice,
  table: Table,
): string {
  const seen = labelNames ?? [...new Set(table.rows.map((row) => String(row[output])))];
  return seen.length <= 50 ? `Classify the text. Answer with one of: ${seen.join(", ")}.` : "Classify the text.";
}

function noSuchColumn(what: string, wanted: string, columns: readonly string[], name: string): BasinError {
  const near =
    columns.find((column) => column.toLowerCase() === wanted.toLowerCase()) ??
    columns.find(
      (column) =>
        column.toLowerCase().includes(wanted.toLowerCase()) || wanted.toLowerCase().includes(column.toLowerCase()),
    );
  const nearest = near === undefined ? "" : `The nearest is ${JSON.stringify(near)}. `;
  return new BasinError({
    what: `${what}, but there is no such column`,
    where: name,
    fix: `${nearest}The columns are: ${columns.join(", ")}.`,
  });
}

function nothingRecognised(columns: readonly string[], format: RowFormat | null, name: string): BasinError {
  const problem =
    format === null ? "The columns are not recognised" : `No columns for the format "${format}" are recognised`;
  const present = columns.length === 0 ? "none" : columns.join(", ");
  return new BasinError({
    what: `${problem}; there ${columns.length === 1 ? "is" : "are"}: ${present}`,
    where: name,
    fix:
      'Map the columns, for example "columns": {"instruction": "question", "output": "answer"}; or write ' +
      'the user\'s turn with columns in braces, "prompt": "{title}: {body}", and name "columns": {"output": …}.',
  });
}

function entries(parts: Readonly<Partial<Record<ColumnRole, readonly string[]>>>): [ColumnRole, readonly string[]][] {
  return COLUMN_ROLES.flatMap((role): [ColumnRole, readonly string[]][] => {
    const names = parts[role];
    return names === undefined ? [] : [[role, names]];
  });
}
