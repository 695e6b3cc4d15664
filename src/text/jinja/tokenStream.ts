/**
 * @file The parser's view of a template's tokens: one token is current, and the next can be looked at.
 */
import { TemplateSyntaxError } from "./errors.ts";
import type { Token, TokenKind } from "./lexer.ts";

const END: Token = { kind: "eof", text: "", line: 0 };

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Names that the template reads, as they are met; see `usesWithin`. */
  readonly #names: string[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  get following(): Token {
    return this.#tokens[this.#at + 1] ?? END;
  }

  next(): Token {
    const token = this.current;
    this.#at += 1;
    return token;
  }

  /** Whether the current token is of that kind and, if given, has that text. */
  is(kind: TokenKind, text?: string): boolean {
    return this.current.kind === kind && (text === undefined || this.current.text === text);
  }

  isOperator(...texts: readonly string[]): boolean {
    return this.current.kind === "operator" && texts.includes(this.current.text);
  }

  isName(...texts: readonly string[]): boolean {
    return this.current.kind === "name" && texts.includes(this.current.text);
  }

  skipIf(kind: TokenKind, text: string): boolean {
    const found = this.is(kind, text);
    if (found) this.#at += 1;
    return found;
  }

  expect(kind: TokenKind, text?: string): Token {
    if (!this.is(kind, text)) this.fail(`expected token '${text ?? kind}', got '${describe(this.current)}'`);
    return this.next();
  }

  fail(what: string): never {
    throw new TemplateSyntaxError(what, this.current.line);
  }

  /** Notes that the template reads a name. */
  read(name: string): void {
    this.#names.push(name);
  }

  /** What `parse` returns, and the names that the template reads there. */
  usesWithin<T>(parse: () => T): readonly [T, ReadonlySet<string>] {
    const from = this.#names.length;
    const result = parse();
    return [result, new Set(this.#names.slice(from))];
  }
}

export function describe({ kind, text }: Token): string {
  if (kind === "eof") return "end of template";
  return text === "" ? kind.replace("_", " ") : text;
}
