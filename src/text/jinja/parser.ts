/**
 * @file A template as statements. Blocks that reach for other templates, or that no chat template has, are refused by
 * name.
 */
import type { Body, Expression, Signature, Statement, Target } from "./ast.ts";
import { NotRendered, TemplateSyntaxError } from "./errors.ts";
import { ExpressionParser, type NameCheck } from "./expressions.ts";
import { tokenize } from "./lexer.ts";
import { describe, TokenStream } from "./tokenStream.ts";

/** Blocks of Jinja2 that this engine does not have. */
const REFUSED = ["autoescape", "block", "extends", "from", "import", "include"];

export function parseTemplate(template: string, check: NameCheck): Body {
  const parser = new TemplateParser(new TokenStream(tokenize(template)), check);
  return parser.template();
}

class TemplateParser extends ExpressionParser {
  readonly #statements: Readonly<Record<string, () => Statement>> = {
    set: () => this.#set(),
    for: () => this.#for(),
    if: () => this.#if(),
    with: () => this.#with(),
    macro: () => this.#macro(),
    call: () => this.#call(),
    filter: () => this.#filterBlock(),
    print: () => this.#print(),
    generation: () => ({ type: "generation", body: this.#body(["endgeneration"]) }),
    break: () => ({ type: "break" }),
    continue: () => ({ type: "continue" }),
  };

  template(): Body {
    return this.#until([]);
  }

  /** Statements up to a block that begins with one of `ends`, which stays the current token. */
  #until(ends: readonly string[]): Body {
    const body: Statement[] = [];
    while (!this.stream.is("eof")) {
      if (this.stream.is("data")) body.push({ type: "text", text: this.stream.next().text });
      else if (this.stream.is("variable_begin")) {
        this.stream.next();
        body.push({ type: "output", values: [this.tuple()] });
        this.stream.expect("variable_end");
      } else {
        this.stream.expect("block_begin");
        if (this.stream.isName(...ends)) return body;
        body.push(this.#statement());
        this.stream.expect("block_end");
      }
    }
    if (ends.length > 0) this.stream.fail(`Unexpected end of template, looking for '${ends.join("' or '")}'`);
    return body;
  }

  #statement(): Statement {
    const { kind, text, line } = this.stream.current;
    if (kind !== "name") throw new TemplateSyntaxError("tag name expected", line);
    const parse = Object.hasOwn(this.#statements, text) ? this.#statements[text] : undefined;
    if (parse === undefined) {
      if (REFUSED.includes(text)) throw new NotRendered(`{% ${text} %}`);
      throw new TemplateSyntaxError(`Encountered unknown tag '${text}'`, line);
    }
    this.stream.next();
    return parse();
  }

  /** The rest of a block's tag, its body, and the name that ends it. */
  #body(ends: readonly string[]): Body {
    const body = this.#open(ends);
    this.stream.next();
    return body;
  }

  #open(ends: readonly string[]): Body {
    this.stream.skipIf("operator", ":");
    this.stream.expect("block_end");
    return this.#until(ends);
  }

  #set(): Statement {
    const target = this.#target({ namespaces: true });
    if (this.stream.skipIf("operator", "=")) return { type: "set", target, value: this.tuple() };
    const filters = this.filterChain();
    return { type: "setBlock", target, filters, body: this.#body(["endset"]) };
  }

  #for(): Statement {
    const target = this.#target({ end: "in" });
    this.stream.expect("name", "in");
    const iterable = this.tuple({ condition: false, ends: ["recursive"] });
    const test = this.stream.skipIf("name", "if") ? this.expression() : null;
    const recursive = this.stream.skipIf("name", "recursive");
    const body = this.#open(["endfor", "else"]);
    const otherwise = this.stream.next().text === "else" ? this.#body(["endfor"]) : [];
    return { type: "for", target, iterable, test, recursive, body, otherwise };
  }

  #if(): Statement {
    const branches: (readonly [Expression, Body])[] = [];
    for (;;) {
      const test = this.tuple({ condition: false });
      branches.push([test, this.#open(["elif", "else", "endif"])]);
      const { text } = this.stream.next();
      if (text === "elif") continue;
      return { type: "if", branches, otherwise: text === "else" ? this.#body(["endif"]) : [] };
    }
  }

  #with(): Statement {
    const values: (readonly [Target, Expression])[] = [];
    while (!this.stream.is("block_end")) {
      if (values.length > 0) this.stream.expect("operator", ",");
      const target = this.#target({});
      this.stream.expect("operator", "=");
      values.push([target, this.expression()]);
    }
    return { type: "with", values, body: this.#body(["endwith"]) };
  }

  #print(): Statement {
    const values: Expression[] = [];
    while (!this.stream.is("block_end")) {
      if (values.length > 0) this.stream.expect("operator", ",");
      values.push(this.expression());
    }
    return { type: "output", values };
  }

  #macro(): Statement {
    const name = this.stream.expect("name").text;
    const signature = this.#signature();
    const [body, uses] = this.stream.usesWithin(() => this.#body(["endmacro"]));
    return { type: "macro", name, signature, uses, body };
  }

  #call(): Statement {
    const signature = this.stream.isOperator("(") ? this.#signature() : { parameters: [], defaults: [] };
    const call = this.expression();
    if (call.type !== "call") this.stream.fail("expected call");
    const [body, uses] = this.stream.usesWithin(() => this.#body(["endcall"]));
    return { type: "callBlock", signature, uses, call, body };
  }

  #filterBlock(): Statement {
    const filters = this.filterChain(true);
    return { type: "filterBlock", filters, body: this.#body(["endfilter"]) };
  }

  #signature(): Signature {
    const parameters: string[] = [];
    const defaults: Expression[] = [];
    this.stream.expect("operator", "(");
    while (!this.stream.isOperator(")")) {
      if (parameters.length > 0) this.stream.expect("operator", ",");
      parameters.push(this.stream.expect("name").text);
      if (this.stream.skipIf("operator", "=")) defaults.push(this.expression());
      else if (defaults.length > 0) this.stream.fail("non-default argument follows default argument");
    }
    this.stream.expect("operator", ")");
    return { parameters, defaults };
  }

  #target({ namespaces = false, end = null }: { namespaces?: boolean; end?: string | null }): Target {
    const items: Target[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (end !== null && this.stream.isName(end)) break;
      if (this.stream.is("block_end") || this.stream.isOperator(")")) break;
      items.push(this.#assignable(namespaces));
      if (!this.stream.isOperator(",")) break;
      isTuple = true;
    }
    const [first] = items;
    if (first === undefined) this.stream.fail(`Expected an expression, got '${describe(this.stream.current)}'`);
    return isTuple ? { type: "tuple", items } : first;
  }

  #assignable(namespaces: boolean): Target {
    if (this.stream.skipIf("operator", "(")) {
      const inner = this.#target({ namespaces });
      this.stream.expect("operator", ")");
      return inner;
    }
    const { text, kind } = this.stream.current;
    if (kind !== "name" || ["true", "false", "none", "True", "False", "None"].includes(text))
      this.stream.fail(`can't assign to '${describe(this.stream.current)}'`);
    this.stream.next();
    if (!namespaces || !this.stream.skipIf("operator", ".")) return { type: "name", name: text };
    return { type: "namespace", name: text, attribute: this.stream.expect("name").text };
  }
}
