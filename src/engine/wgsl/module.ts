/**
 * @file One WGSL file as the linker sees it: its declarations, what each of them refers to, its imports and directives.
 *
 *     import package::common::grid::{Invocation, flatIndex};     names of shaders/common/grid.wgsl
 *     import host::Params;                                       what TypeScript declares for the file (link.ts)
 *     @if(PAIRS) alias Lane = vec2f;                             there where the condition PAIRS is true
 *     @else alias Lane = vec4f;
 *     const HEAD_DIM: u32 = 64u;                                 a default that a variant may override by name
 *
 * The syntax is a subset of WESL (https://wesl-lang.dev), so that editors with WESL support understand the files:
 * conditions are `NAME` or `!NAME` and stand on whole declarations; paths begin with `package` or `host` and stand in
 * imports only.
 */

/** A range of characters. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Condition {
  readonly name: string;
  /** The value of `name` for which the declaration is there. */
  readonly when: boolean;
}

export interface Import {
  /** `common/grid`, or `host`. */
  readonly module: string;
  readonly name: string;
}

/** What stands between the attributes and the name of a `const`, and its value. */
export interface Initialiser extends Span {
  readonly type: string | undefined;
}

/** A declaration, an import or a directive at the top level of a file. */
export interface Item {
  readonly kind: "import" | "directive" | "assertion" | "const" | "other";
  /** "" for what declares no name. */
  readonly name: string;
  readonly condition: Condition | undefined;
  /** The whole, with the comment lines right above it. */
  readonly span: Span;
  /** `@if(…)` or `@else`, which the linked text is without. */
  readonly conditionSpan: Span | undefined;
  /** Identifiers in it that may name something at the top level, those of local variables among them. */
  readonly references: ReadonlySet<string>;
  /** Parameters, fields and local variables. */
  readonly locals: ReadonlySet<string>;
  readonly imports: readonly Import[];
  /** Of a `const`. */
  readonly initialiser: Initialiser | undefined;
}

export interface Module {
  /** Under shaders/, without extension. */
  readonly path: string;
  readonly text: string;
  readonly items: readonly Item[];
}

interface Token extends Span {
  readonly text: string;
  readonly word: boolean;
}

const COMMENT = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;
const NUMBER = String.raw`0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?[iufh]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?`;
const TOKEN = new RegExp(String.raw`(?<skipped>${COMMENT}|${NUMBER})|(?<word>[A-Za-z_]\w*)|::|[^\s\w]`, "g");

function tokens(text: string): Token[] {
  return [...text.matchAll(TOKEN)].flatMap(({ 0: all, index, groups }) => {
    if (groups?.["skipped"] !== undefined) return [];
    return [{ text: all, word: groups?.["word"] !== undefined, start: index, end: index + all.length }];
  });
}

/** @throws Error, naming the file, on what the linker does not understand. */
export function parseModule(path: string, text: string): Module {
  return { path, text, items: new Parser(path, text).items() };
}

const DIRECTIVES = ["enable", "requires", "diagnostic"];
const DECLARATIONS = ["const", "override", "alias", "var", "fn", "struct"];
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

class Parser {
  readonly #path: string;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
    this.#tokens = tokens(text);
  }

  items(): Item[] {
    const items: Item[] = [];
    while (this.#at < this.#tokens.length) items.push(this.#item(items.at(-1)));
    return items;
  }

  #item(previous: Item | undefined): Item {
    const begin = this.#at;
    const start = this.#commentedFrom(this.#peek().start, previous?.span.end ?? 0);
    const { condition, conditionSpan } = this.#attributes(previous);
    const attributes = this.#at - begin;
    const keyword = this.#peek();
    const end = this.#skipItem(keyword.text === "fn" || keyword.text === "struct");
    const all = this.#tokens.slice(begin, this.#at);
    const body = all.slice(attributes);
    const common = {
      condition,
      conditionSpan,
      span: { start, end },
      imports: [],
      initialiser: undefined,
      ...namesIn(all, body),
    };
    if (keyword.text === "import") return { ...common, kind: "import", name: "", imports: this.#imports(body) };
    this.#checkBody(body);
    if (DIRECTIVES.includes(keyword.text)) return { ...common, kind: "directive", name: "" };
    if (keyword.text === "const_assert") return { ...common, kind: "assertion", name: "" };
    if (!DECLARATIONS.includes(keyword.text)) this.#fail(keyword, `a declaration cannot begin with "${keyword.text}"`);
    const name = this.#declaredName(body);
    if (keyword.text !== "const") return { ...common, kind: "other", name };
    return { ...common, kind: "const", name, initialiser: this.#initialiser(body) };
  }

  /** Attributes before a declaration; `@else` is the opposite of the `@if` of the declaration before. */
  #attributes(previous: Item | undefined): Pick<Item, "condition" | "conditionSpan"> {
    let found: Pick<Item, "condition" | "conditionSpan"> = { condition: undefined, conditionSpan: undefined };
    while (this.#peek().text === "@") {
      const at = this.#next();
      const name = this.#next();
      const inside = this.#peek().text === "(" ? this.#parenthesised() : [];
      if (name.text !== "if" && name.text !== "else") continue;
      if (found.condition) this.#fail(at, "a declaration has one condition");
      const condition = name.text === "if" ? this.#condition(at, inside) : otherwise(previous?.condition);
      if (!condition) this.#fail(at, "@else follows a declaration with @if");
      const { end } = this.#tokens[this.#at - 1] ?? at;
      found = { condition, conditionSpan: { start: at.start, end } };
    }
    return found;
  }

  #condition(at: Token, inside: readonly Token[]): Condition {
    const [first, second] = inside;
    if (inside.length === 1 && first?.word) return { name: first.text, when: true };
    if (inside.length === 2 && first?.text === "!" && second?.word) return { name: second.text, when: false };
    return this.#fail(at, "a condition is @if(NAME), @if(!NAME) or @else");
  }

  /** The tokens between parentheses, which are skipped. */
  #parenthesised(): readonly Token[] {
    const begin = this.#at + 1;
    this.#skipBracket();
    return this.#tokens.slice(begin, this.#at - 1);
  }

  /**
   * Skips up to the semicolon, or for what has a body up to its closing brace.
   * @returns where it ends, with the comment behind it on its line
   */
  #skipItem(braced: boolean): number {
    for (;;) {
      const token = this.#peek();
      if (token.text in CLOSING) {
        this.#skipBracket();
        if (!braced || token.text !== "{") continue;
        if (this.#tokens[this.#at]?.text === ";") this.#at += 1;
        break;
      }
      this.#at += 1;
      if (token.text === ";") break;
    }
    const end = this.#tokens[this.#at - 1]?.end ?? this.#text.length;
    return end + (/^[ \t]*\/\/[^\n]*/.exec(this.#text.slice(end))?.[0].length ?? 0);
  }

  #skipBracket(): void {
    const open: Token[] = [];
    do {
      const token = this.#next();
      if (token.text in CLOSING) open.push(token);
      else if (Object.values(CLOSING).includes(token.text) && CLOSING[open.pop()?.text ?? ""] !== token.text)
        this.#fail(token, `"${token.text}" closes nothing`);
    } while (open.length > 0);
  }

  /** `import package::a::b::c;` or `import package::a::b::{c, d};` */
  #imports(body: readonly Token[]): Import[] {
    const path: string[] = [];
    let at = 1;
    for (; body[at]?.word && body[at + 1]?.text === "::"; at += 2) path.push(body[at]?.text ?? "");
    const listed = body[at]?.text === "{";
    const names = body.slice(listed ? at + 1 : at, listed ? -2 : -1).filter(({ text }) => text !== ",");
    const root = path.shift();
    const known = (root === "package" && path.length > 0) || (root === "host" && path.length === 0);
    if (!known || names.length === 0 || !names.every(({ word, text }) => word && text !== "as"))
      this.#fail(body[0], "an import is package::folder::file::{name, …} or host::{name, …}");
    return names.map(({ text: name }) => ({ module: path.length > 0 ? path.join("/") : "host", name }));
  }

  #checkBody(body: readonly Token[]): void {
    body.forEach((token, index) => {
      if (token.text === "::") this.#fail(token, "a path stands in an import only");
      if (token.text === "@" && ["if", "elif", "else"].includes(body[index + 1]?.text ?? ""))
        this.#fail(token, "a condition stands on a whole declaration only");
    });
  }

  #declaredName(body: readonly Token[]): string {
    // `var<storage, read> x`: the name follows the angle brackets.
    const close = body[1]?.text === "<" ? body.findIndex(({ text }) => text === ">") : 0;
    const name = body[close + 1];
    if (!name?.word) this.#fail(body[0], "a declaration without a name");
    return name.text;
  }

  #initialiser(body: readonly Token[]): Initialiser {
    const equals = body.findIndex(({ text }) => text === "=");
    const type = body[2]?.text === ":" && equals === 4 ? body[3]?.text : undefined;
    const from = body[equals];
    const to = body.at(-1);
    if (!from || !to) return this.#fail(body[0], "a constant without a value");
    return { type, start: from.end, end: to.start };
  }

  /** Where the comment lines begin that stand right above `start`. */
  #commentedFrom(start: number, after: number): number {
    const before = this.#text.slice(after, start);
    const lines = before.split("\n");
    let kept = before.length - (lines.pop() ?? "").length;
    while (/^\s*\/\//.test(lines.at(-1) ?? "")) kept -= (lines.pop() ?? "").length + 1;
    return after + Math.max(0, kept);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? this.#fail(undefined, "the file ends in the middle of a declaration");
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #fail(token: Token | undefined, what: string): never {
    const line = this.#text.slice(0, token?.start ?? this.#text.length).split("\n").length;
    throw new Error(`shaders/${this.#path}.wgsl:${line}: ${what}`);
  }
}

function otherwise(condition: Condition | undefined): Condition | undefined {
  return condition && { name: condition.name, when: !condition.when };
}

/** The names that a declaration refers to, and those that it declares inside. */
function namesIn(item: readonly Token[], body: readonly Token[]): Pick<Item, "references" | "locals"> {
  const references = new Set<string>();
  const locals = new Set<string>();
  const parameters = new Set<string>();
  const endOfHead = body[0]?.text === "fn" ? item.findIndex(({ text }) => text === "{") : -1;
  item.forEach(({ text, word }, index) => {
    const before = item[index - 1]?.text ?? "";
    // A member is none, and neither is an attribute.
    if (!word || before === "." || before === "@") return;
    if (["let", "var", "const"].includes(before)) locals.add(text);
    else if (item[index + 1]?.text === ":" && before !== "case") (index < endOfHead ? parameters : locals).add(text);
    else references.add(text);
  });
  // A parameter hides what has its name at the top level.
  for (const name of parameters) references.delete(name);
  return { references, locals: new Set([...locals, ...parameters]) };
}
