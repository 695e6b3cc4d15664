/**
 * @file A template's text as tokens, by the rules of Jinja2's lexer with `trim_blocks` and `lstrip_blocks`, as
 * transformers sets it up.
 *
 *     "Hi {{- name }}\n"   ->  data "Hi"   variable_begin   name "name"   variable_end
 *
 * White space: a minus at a tag strips all white space on that side; a plus keeps it; else a block or comment that
 * stands first in its line loses the blanks before it, and the line break right behind it. Line breaks are "\n"
 * whatever the file has, and the last one of the file is dropped.
 */
import { TemplateSyntaxError } from "./errors.ts";
import { isSpace, SPACE, stripEnd } from "./whitespace.ts";

export type TokenKind =
  | "data"
  | "variable_begin"
  | "variable_end"
  | "block_begin"
  | "block_end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "eof";

export interface Token {
  readonly kind: TokenKind;
  /** The text of the token; of a string, what it stands for. */
  readonly text: string;
  readonly line: number;
}

const s = SPACE;
const OPEN = new RegExp(
  `\\{%(?<raw>[-+]?)${s}*raw${s}*(?:-%\\}${s}*|%\\})|\\{%(?<block>[-+]?)` +
    "|\\{\\{(?<variable>[-+]?)|\\{#(?<comment>[-+]?)",
  "g",
);
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${s}*|#\\}\\n?`, "g");
const RAW_END = new RegExp(`\\{%([-+]?)${s}*endraw${s}*(?:\\+%\\}|-%\\}${s}*|%\\}\\n?)`, "g");
const BLOCK_END = new RegExp(`(?:\\+%\\}|-%\\}${s}*|%\\}\\n?)`, "y");
const VARIABLE_END = new RegExp(`(?:-\\}\\}${s}*|\\}\\})`, "y");

const WHITESPACE = new RegExp(`${s}+`, "y");
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{L}\p{N}\p{M}\p{Pc}_]+/uy;
const STRING = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const OPERATOR = /\*\*|\/\/|==|!=|<=|>=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

export function tokenize(template: string): readonly Token[] {
  return new Lexer(template.replaceAll(/\r\n?/g, "\n").replace(/\n$/, "")).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #counted = 0;
  /** Whether what was read last ended with a line break (or nothing was read yet). */
  #lineStarts = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): readonly Token[] {
    while (this.#at < this.#source.length) {
      OPEN.lastIndex = this.#at;
      const open = OPEN.exec(this.#source);
      if (open === null) {
        this.#push("data", this.#source.slice(this.#at));
        break;
      }
      this.#open(open);
    }
    this.#at = this.#source.length;
    this.#push("eof", "");
    return this.#tokens;
  }

  #open(open: RegExpExecArray): void {
    const { raw, block, variable, comment } = open.groups ?? {};
    const sign = raw ?? block ?? variable ?? comment ?? "";
    const text = this.#trimmed(this.#source.slice(this.#at, open.index), sign, variable === undefined);
    if (text !== "") this.#push("data", text);
    this.#moveTo(open.index + open[0].length);
    if (raw !== undefined) this.#raw();
    else if (comment !== undefined) this.#comment();
    else if (block !== undefined) this.#code("block", BLOCK_END);
    else this.#code("variable", VARIABLE_END);
  }

  /** @param strippable lstrip_blocks concerns everything but variables */
  #trimmed(text: string, sign: string, strippable: boolean): string {
    if (sign === "-") return stripEnd(text);
    if (sign === "+" || !strippable) return text;
    const line = text.lastIndexOf("\n") + 1;
    return (line > 0 || this.#lineStarts) && isSpace(text.slice(line)) ? text.slice(0, line) : text;
  }

  #raw(): void {
    RAW_END.lastIndex = this.#at;
    const end = RAW_END.exec(this.#source);
    if (end === null) throw new TemplateSyntaxError("Missing end of raw directive", this.#lineAt(this.#at));
    const text = this.#trimmed(this.#source.slice(this.#at, end.index), end[1] ?? "", true);
    if (text !== "") this.#push("data", text);
    this.#moveTo(end.index + end[0].length);
  }

  #comment(): void {
    COMMENT_END.lastIndex = this.#at;
    const end = COMMENT_END.exec(this.#source);
    if (end === null) throw new TemplateSyntaxError("Missing end of comment tag", this.#lineAt(this.#at));
    this.#moveTo(end.index + end[0].length);
  }

  #code(kind: "block" | "variable", end: RegExp): void {
    this.#push(`${kind}_begin`, "");
    const closing: string[] = [];
    for (;;) {
      const closed = closing.length === 0 ? this.#match(end) : null;
      if (closed !== null) {
        this.#push(`${kind}_end`, "");
        this.#moveTo(this.#at + closed.length);
        return;
      }
      this.#expression(closing);
    }
  }

  /** One token of an expression. @param closing the brackets that are open, innermost last */
  #expression(closing: string[]): void {
    const blank = this.#match(WHITESPACE);
    if (blank !== null) {
      this.#moveTo(this.#at + blank.length);
      return;
    }
    const line = this.#lineAt(this.#at);
    const found =
      this.#take("float", FLOAT) ??
      this.#take("integer", INTEGER) ??
      this.#take("name", NAME) ??
      this.#take("string", STRING) ??
      this.#take("operator", OPERATOR);
    if (found === null) {
      const char = this.#source[this.#at];
      throw new TemplateSyntaxError(char === undefined ? "a tag does not end" : `unexpected char '${char}'`, line);
    }
    const partner = CLOSING[found];
    if (partner !== undefined) closing.push(partner);
    else if (found === ")" || found === "]" || found === "}") {
      const expected = closing.pop();
      if (expected !== found) {
        const wanted = expected === undefined ? "" : `, expected '${expected}'`;
        throw new TemplateSyntaxError(`unexpected '${found}'${wanted}`, line);
      }
    }
  }

  /** The operator that was taken, "" for any other token; null where the rule does not apply. */
  #take(kind: TokenKind, rule: RegExp): string | null {
    const text = this.#match(rule);
    if (text === null) return null;
    this.#push(kind, kind === "string" ? unescape(text.slice(1, -1), this.#lineAt(this.#at)) : text);
    this.#moveTo(this.#at + text.length);
    return kind === "operator" ? text : "";
  }

  #match(rule: RegExp): string | null {
    rule.lastIndex = this.#at;
    return rule.exec(this.#source)?.[0] ?? null;
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, line: this.#lineAt(this.#at) });
  }

  #moveTo(end: number): void {
    this.#lineStarts = this.#source[end - 1] === "\n";
    this.#at = end;
  }

  #lineAt(at: number): number {
    for (; this.#counted < at; this.#counted += 1) if (this.#source[this.#counted] === "\n") this.#line += 1;
    return this.#line;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{1,3}|[\s\S])/g;

/** Python's escapes; one that Python does not know stands for itself, with its backslash. */
function unescape(text: string, line: number): string {
  return text.replaceAll(ESCAPE, (whole) => {
    const kind = whole[1] ?? "";
    const known = ESCAPES[kind];
    if (known !== undefined && whole.length === 2) return known;
    if (whole.length > 2 || /[0-7]/.test(kind)) {
      const code = /[0-7]/.test(kind) ? parseInt(whole.slice(1), 8) : parseInt(whole.slice(2), 16);
      if (code <= 0x10ffff) return String.fromCodePoint(code);
    }
    if ("xuUN".includes(kind)) throw new TemplateSyntaxError(`the escape ${whole} cannot be decoded`, line);
    return whole;
  });
}
