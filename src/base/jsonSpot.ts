/**
 * @file Where a text stops being JSON, and what stands there: line, column, the spot itself, and the mistake in words.
 * JSON.parse says it differently in every engine, or not at all.
 */
import { parse, type ParseError, printParseErrorCode } from "jsonc-parser";

export interface JsonSpot {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** What is wrong, in words. */
  readonly what: string;
  /** A piece of the line, with ⟨ and ⟩ around what is wrong. */
  readonly spot: string;
}

/** Characters that are shown on either side. */
const AROUND = 24;

/** The first mistake of a text that JSON.parse refuses; null where only JSON.parse knows. */
export function jsonSpot(text: string): JsonSpot | null {
  const mark = text.indexOf("\ufeff");
  const errors: ParseError[] = [];
  parse(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [first] = errors;
  if (first === undefined) return null;
  const isMark = mark >= 0 && mark <= first.offset;
  const at = isMark ? mark : first.offset;
  const length = isMark ? 1 : Math.max(1, first.length);
  const before = text.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  const wrong = text.slice(at, at + Math.min(length, AROUND)).replaceAll("\n", "↵");
  const after = (text.slice(at + wrong.length, at + wrong.length + AROUND).split("\n")[0] ?? "").replace(/\r$/, "");
  const head = text.slice(Math.max(start, at - AROUND), at);
  return {
    line: before.split("\n").length,
    column: at - start + 1,
    what: isMark ? MARK : mistake(first, text),
    spot: `${at - AROUND > start ? "…" : ""}${head}⟨${isMark ? "U+FEFF" : wrong}⟩${after}`,
  };
}

const MARK = "a byte order mark (U+FEFF) stands inside the text, as where files were joined";

function mistake({ error, offset, length }: ParseError, text: string): string {
  const wrong = text.slice(offset, offset + length);
  if (/^-?(NaN|Infinity|inf|nan)\b/.test(wrong)) return `${wrong} is no JSON; write null, or leave the field out`;
  if (/^(None|True|False)\b/.test(wrong)) return `${wrong} is Python's; JSON has null, true and false`;
  if (wrong.startsWith("'") || text[offset] === "'") return "a text stands in single quotes; JSON has double ones";
  const previous = text.slice(0, offset).trimEnd().at(-1);
  if ((wrong === "}" || wrong === "]" || text[offset] === "}" || text[offset] === "]") && previous === ",")
    return "a comma stands before the closing bracket";
  return REASONS[printParseErrorCode(error)] ?? "this is not expected here";
}

const REASONS: Readonly<Partial<Record<string, string>>> = {
  InvalidSymbol: "this is no JSON value",
  InvalidNumberFormat: "the number is not spelt as JSON has it",
  PropertyNameExpected: "the name of a field in double quotes is expected here",
  ValueExpected: "a value is expected here",
  ColonExpected: "a colon is expected here",
  CommaExpected: "a comma is expected here",
  CloseBraceExpected: "a closing brace is missing",
  CloseBracketExpected: "a closing bracket is missing",
  EndOfFileExpected: "the text goes on behind its end",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfString: "a text is not closed",
  UnexpectedEndOfNumber: "the number ends too early",
  InvalidUnicode: "the escape \\u needs four hexadecimal digits",
  InvalidEscapeCharacter: "JSON does not have this escape",
  InvalidCharacter: "a control character stands in a text; write it as an escape",
};
