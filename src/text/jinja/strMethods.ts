/**
 * @file The methods of Python's `str`.
 */
import { TemplateError } from "./errors.ts";
import { bind, noArguments, type Bound } from "./signature.ts";
import { formatBraces } from "./strFormat.ts";
import { listOf, textOf, Tuple, typeName, type Arguments, type Value } from "./values.ts";
import { codePoints, isSpace, lengthOf, SPACE, strip, stripEnd, stripStart, words } from "./whitespace.ts";

export type StrMethod = (text: string, args: Arguments) => Value;

/** A method whose parameters are given by name. */
function method(name: string, parameters: readonly string[], body: (text: string, args: Bound) => Value): StrMethod {
  return (text, args) => body(text, bind(args, parameters, name));
}

function simple(name: string, body: (text: string) => Value): StrMethod {
  return (text, args) => {
    noArguments(args, name);
    return body(text);
  };
}

export const strMethods: ReadonlyMap<string, StrMethod> = new Map<string, StrMethod>([
  ["upper", simple("upper", (text) => text.toUpperCase())],
  ["lower", simple("lower", (text) => text.toLowerCase())],
  ["casefold", simple("casefold", (text) => text.toLowerCase().replaceAll("ß", "ss"))],
  ["capitalize", simple("capitalize", capitalize)],
  ["title", simple("title", title)],
  ["swapcase", simple("swapcase", swapCase)],
  ["strip", method("strip", ["chars"], (text, args) => strip(text, args.textOrNone("chars")))],
  ["lstrip", method("lstrip", ["chars"], (text, args) => stripStart(text, args.textOrNone("chars")))],
  ["rstrip", method("rstrip", ["chars"], (text, args) => stripEnd(text, args.textOrNone("chars")))],
  ["split", method("split", ["sep", "maxsplit"], split)],
  ["rsplit", method("rsplit", ["sep", "maxsplit"], rsplit)],
  ["splitlines", method("splitlines", ["keepends"], (text, args) => splitLines(text, args.flag("keepends")))],
  ["partition", method("partition", ["sep"], (text, args) => partition(text, text.indexOf(args.text("sep")), args))],
  ["rpartition", method("rpartition", ["sep"], rpartition)],
  ["replace", method("replace", ["old", "new", "count"], replaceMethod)],
  ["join", method("join", ["iterable"], join)],
  ["startswith", method("startswith", ["prefix", "start", "end"], (text, args) => affix(text, args, "prefix"))],
  ["endswith", method("endswith", ["suffix", "start", "end"], (text, args) => affix(text, args, "suffix"))],
  ["removeprefix", method("removeprefix", ["prefix"], removePrefix)],
  ["removesuffix", method("removesuffix", ["suffix"], removeSuffix)],
  ["find", method("find", ["sub", "start", "end"], (text, args) => find(text, args, false))],
  ["rfind", method("rfind", ["sub", "start", "end"], (text, args) => find(text, args, true))],
  ["index", method("index", ["sub", "start", "end"], (text, args) => found(find(text, args, false)))],
  ["rindex", method("rindex", ["sub", "start", "end"], (text, args) => found(find(text, args, true)))],
  ["count", method("count", ["sub", "start", "end"], count)],
  ["isdigit", simple("isdigit", (text) => /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u.test(text))],
  ["isdecimal", simple("isdecimal", (text) => /^\p{Nd}+$/u.test(text))],
  ["isnumeric", simple("isnumeric", (text) => /^\p{N}+$/u.test(text))],
  ["isalpha", simple("isalpha", (text) => /^\p{L}+$/u.test(text))],
  ["isalnum", simple("isalnum", (text) => /^[\p{L}\p{N}]+$/u.test(text))],
  ["isspace", simple("isspace", isSpace)],
  ["isupper", simple("isupper", isUpper)],
  ["islower", simple("islower", isLower)],
  ["istitle", simple("istitle", (text) => /\p{L}/u.test(text) && title(text) === text)],
  // eslint-disable-next-line no-control-regex
  ["isascii", simple("isascii", (text) => /^[\x00-\x7f]*$/.test(text))],
  ["isidentifier", simple("isidentifier", (text) => /^[\p{L}_][\p{L}\p{N}\p{M}\p{Pc}_]*$/u.test(text))],
  ["zfill", method("zfill", ["width"], zfill)],
  ["center", method("center", ["width", "fillchar"], (text, args) => center(text, args.integer("width"), fill(args)))],
  ["ljust", method("ljust", ["width", "fillchar"], (text, args) => text + fill(args).repeat(missing(text, args)))],
  ["rjust", method("rjust", ["width", "fillchar"], (text, args) => fill(args).repeat(missing(text, args)) + text)],
  ["expandtabs", method("expandtabs", ["tabsize"], expandTabs)],
  ["format", formatBraces],
]);

export function capitalize(text: string): string {
  const [first = "", ...rest] = codePoints(text);
  return first.toUpperCase() + rest.join("").toLowerCase();
}

function title(text: string): string {
  return text.replaceAll(/\p{L}+/gu, capitalize);
}

function swapCase(text: string): string {
  return codePoints(text)
    .map((char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase()))
    .join("");
}

export function isUpper(text: string): boolean {
  return text !== text.toLowerCase() && !/\p{Ll}/u.test(text);
}

export function isLower(text: string): boolean {
  return text !== text.toUpperCase() && !/[\p{Lu}\p{Lt}]/u.test(text);
}

function split(text: string, args: Bound): Value {
  const separator = args.textOrNone("sep");
  const most = args.integer("maxsplit", -1);
  if (separator === null) {
    if (most < 0) return words(text);
    const out: string[] = [];
    let rest = stripStart(text);
    while (rest !== "" && out.length < most) {
      const at = rest.search(new RegExp(SPACE));
      out.push(at < 0 ? rest : rest.slice(0, at));
      rest = at < 0 ? "" : stripStart(rest.slice(at));
    }
    return rest === "" ? out : [...out, rest];
  }
  const parts = text.split(nonEmpty(separator));
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function rsplit(text: string, args: Bound): Value {
  const separator = args.textOrNone("sep");
  const most = args.integer("maxsplit", -1);
  if (separator === null) {
    if (most < 0) return words(text);
    const out: string[] = [];
    let rest = stripEnd(text);
    while (rest !== "" && out.length < most) {
      const word = words(rest).at(-1) ?? rest;
      out.unshift(word);
      rest = stripEnd(rest.slice(0, rest.length - word.length));
    }
    return rest === "" ? out : [rest, ...out];
  }
  const parts = text.split(nonEmpty(separator));
  if (most < 0 || parts.length <= most + 1) return parts;
  const cut = parts.length - most;
  return [parts.slice(0, cut).join(separator), ...parts.slice(cut)];
}

function nonEmpty(separator: string): string {
  if (separator === "") throw new TemplateError("empty separator");
  return separator;
}

export function splitLines(text: string, keepEnds = false): string[] {
  const breaks = "\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029";
  const lines = [...text.matchAll(new RegExp(`([^${breaks}]*)(\\r\\n|[${breaks}]|$)`, "g"))];
  return lines.filter(([whole]) => whole !== "").map(([whole, line = ""]) => (keepEnds ? whole : line));
}

function partition(text: string, at: number, args: Bound): Value {
  const separator = nonEmpty(args.text("sep"));
  if (at < 0) return new Tuple([text, "", ""]);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

function rpartition(text: string, args: Bound): Value {
  const at = text.lastIndexOf(args.text("sep"));
  return at < 0 ? new Tuple(["", "", text]) : partition(text, at, args);
}

function replaceMethod(text: string, args: Bound): Value {
  return replaceText(text, args.text("old"), args.text("new"), args.integer("count", -1));
}

/** @param most replacements; below zero: all */
export function replaceText(text: string, old: string, by: string, most: number): string {
  if (most < 0)
    return old === "" ? [by, ...codePoints(text).flatMap((char) => [char, by])].join("") : text.split(old).join(by);
  const parts = old === "" ? ["", ...codePoints(text), ""] : text.split(old);
  const at = Math.min(most, parts.length - 1);
  return [...parts.slice(0, at), parts.slice(at).join(old)].join(by);
}

function join(text: string, args: Bound): Value {
  return listOf(args.value("iterable"))
    .map((item, i) => {
      const part = textOf(item);
      if (part === null) throw new TemplateError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
      return part;
    })
    .join(text);
}

function affix(text: string, args: Bound, which: "prefix" | "suffix"): boolean {
  const given = args.value(which);
  const part = within(text, args);
  const forms = given instanceof Tuple ? given.items : [given];
  return forms.some((form) => {
    const affixed = textOf(form);
    if (affixed === null) {
      const name = which === "prefix" ? "startswith" : "endswith";
      throw new TemplateError(`${name} first arg must be str or a tuple of str, not ${typeName(form)}`);
    }
    return which === "prefix" ? part.startsWith(affixed) : part.endsWith(affixed);
  });
}

/** The part of the text that `start` and `end` delimit. */
function within(text: string, args: Bound): string {
  if (!args.has("start")) return text;
  return codePoints(text)
    .slice(args.integerOrNone("start") ?? 0, args.integerOrNone("end") ?? undefined)
    .join("");
}

function removePrefix(text: string, args: Bound): Value {
  const prefix = args.text("prefix");
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function removeSuffix(text: string, args: Bound): Value {
  const suffix = args.text("suffix");
  return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

function find(text: string, args: Bound, last: boolean): bigint {
  const part = within(text, args);
  const at = last ? part.lastIndexOf(args.text("sub")) : part.indexOf(args.text("sub"));
  if (at < 0) return -1n;
  const start = args.integerOrNone("start") ?? 0;
  const skipped = start < 0 ? Math.max(0, lengthOf(text) + start) : start;
  return BigInt(skipped + lengthOf(part.slice(0, at)));
}

function found(at: bigint): bigint {
  if (at < 0n) throw new TemplateError("substring not found");
  return at;
}

function count(text: string, args: Bound): Value {
  const sub = args.text("sub");
  const part = within(text, args);
  return BigInt(sub === "" ? lengthOf(part) + 1 : part.split(sub).length - 1);
}

function missing(text: string, args: Bound): number {
  return Math.max(0, args.integer("width") - lengthOf(text));
}

function fill(args: Bound): string {
  const char = args.text("fillchar", " ");
  if (lengthOf(char) !== 1) throw new TemplateError("The fill character must be exactly one character long");
  return char;
}

/** The odd blank goes to the left in an odd width, as in CPython. */
export function center(text: string, width: number, char = " "): string {
  const blanks = Math.max(0, width - lengthOf(text));
  const left = Math.floor(blanks / 2) + (blanks & width & 1);
  return char.repeat(left) + text + char.repeat(blanks - left);
}

function zfill(text: string, args: Bound): Value {
  const zeros = "0".repeat(missing(text, args));
  return /^[-+]/.test(text) ? text.slice(0, 1) + zeros + text.slice(1) : zeros + text;
}

function expandTabs(text: string, args: Bound): Value {
  const size = args.integer("tabsize", 8);
  let column = 0;
  return codePoints(text)
    .map((char) => {
      const width = char === "\t" ? (size > 0 ? size - (column % size) : 0) : 1;
      column = char === "\n" || char === "\r" ? 0 : column + width;
      return char === "\t" ? " ".repeat(width) : char;
    })
    .join("");
}
