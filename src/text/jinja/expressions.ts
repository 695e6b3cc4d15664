/**
 * @file Expressions of a template, with the precedence of Jinja2's parser, loosest first:
 *
 *     a if b else c    or    and    not    == != < <= > >= in, not in    + -    ~    * / // %    **    -a
 *     a.b  a[b]  a(b)    a | filter  a is test
 */
import type { BinaryOperator, BlockFilter, CallArguments, Comparison, Expression } from "./ast.ts";
import type { TokenStream } from "./tokenStream.ts";
import { describe } from "./tokenStream.ts";

export const NO_ARGUMENTS: CallArguments = { positional: [], named: [], star: null, doubleStar: null };
const COMPARISONS: readonly string[] = ["==", "!=", "<", "<=", ">", ">="] satisfies Comparison[];

/** Called with the name of each filter and test, to refuse unknown ones. */
export interface NameCheck {
  filter(name: string): void;
  test(name: string): void;
}

export class ExpressionParser {
  protected readonly stream: TokenStream;
  readonly #check: NameCheck;

  constructor(stream: TokenStream, check: NameCheck) {
    this.stream = stream;
    this.#check = check;
  }

  expression(): Expression {
    let result = this.#or();
    while (this.stream.skipIf("name", "if")) {
      const test = this.#or();
      const otherwise = this.stream.skipIf("name", "else") ? this.expression() : null;
      result = { type: "condition", test, then: result, otherwise };
    }
    return result;
  }

  /** One expression, or several with commas between as a tuple. `ends`: names that may follow a trailing comma. */
  tuple({ condition = true, parentheses = false, ends = [] as readonly string[] } = {}): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.stream.is("variable_end") || this.stream.is("block_end") || this.stream.isOperator(")")) break;
      if (this.stream.isName(...ends)) break;
      items.push(condition ? this.expression() : this.#or());
      if (!this.stream.isOperator(",")) break;
      isTuple = true;
    }
    const [first] = items;
    if (!isTuple && first !== undefined) return first;
    if (!isTuple && !parentheses) this.stream.fail(`Expected an expression, got '${describe(this.stream.current)}'`);
    return { type: "tuple", items };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.stream.skipIf("name", "or")) left = { type: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.stream.skipIf("name", "and")) left = { type: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.stream.skipIf("name", "not") ? { type: "not", of: this.#not() } : this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: [Comparison, Expression][] = [];
    for (;;) {
      const { kind, text } = this.stream.current;
      if (kind === "operator" && COMPARISONS.includes(text)) {
        this.stream.next();
        rest.push([text as Comparison, this.#sum()]);
      } else if (this.stream.skipIf("name", "in")) {
        rest.push(["in", this.#sum()]);
      } else if (this.stream.isName("not") && this.stream.following.text === "in") {
        this.stream.next();
        this.stream.next();
        rest.push(["not in", this.#sum()]);
      } else return rest.length === 0 ? first : { type: "compare", first, rest };
    }
  }

  #binary(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand();
    while (this.stream.isOperator(...operators)) {
      const operator = this.stream.next().text as BinaryOperator;
      left = { type: "binary", operator, left, right: operand() };
    }
    return left;
  }

  #sum(): Expression {
    return this.#binary(["+", "-"], () => this.#concat());
  }

  #concat(): Expression {
    const first = this.#product();
    const items = [first];
    while (this.stream.skipIf("operator", "~")) items.push(this.#product());
    return items.length === 1 ? first : { type: "concat", items };
  }

  #product(): Expression {
    return this.#binary(["*", "/", "//", "%"], () => this.#binary(["**"], () => this.#unary()));
  }

  #unary(filters = true): Expression {
    const sign = this.stream.isOperator("-", "+") ? (this.stream.next().text as "+" | "-") : null;
    const node = this.postfix(
      sign === null ? this.primary() : { type: "sign", operator: sign, of: this.#unary(false) },
    );
    return filters ? this.#filters(node) : node;
  }

  primary(): Expression {
    const token = this.stream.current;
    switch (token.kind) {
      case "name":
        this.stream.next();
        return this.#name(token.text);
      case "string": {
        let text = "";
        while (this.stream.is("string")) text += this.stream.next().text;
        return { type: "const", value: text };
      }
      case "integer":
        this.stream.next();
        return { type: "const", value: BigInt(token.text.replaceAll("_", "")) };
      case "float":
        this.stream.next();
        return { type: "const", value: Number(token.text.replaceAll("_", "")) };
      default:
        return this.#bracketed();
    }
  }

  #name(name: string): Expression {
    if (name === "true" || name === "True") return { type: "const", value: true };
    if (name === "false" || name === "False") return { type: "const", value: false };
    if (name === "none" || name === "None") return { type: "const", value: null };
    this.stream.read(name);
    return { type: "name", name };
  }

  #bracketed(): Expression {
    if (this.stream.skipIf("operator", "(")) {
      const inner = this.tuple({ parentheses: true });
      this.stream.expect("operator", ")");
      return inner;
    }
    if (this.stream.skipIf("operator", "["))
      return { type: "list", items: this.#separated("]", () => this.expression()) };
    if (!this.stream.skipIf("operator", "{")) this.stream.fail(`unexpected '${describe(this.stream.current)}'`);
    const pairs = this.#separated("}", () => {
      const key = this.expression();
      this.stream.expect("operator", ":");
      return [key, this.expression()] as const;
    });
    return { type: "dict", pairs };
  }

  /** Up to and including the closing bracket; a comma may stand behind the last. */
  #separated<T>(close: string, parse: () => T): readonly T[] {
    const items: T[] = [];
    while (!this.stream.isOperator(close)) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.stream.isOperator(close)) break;
      items.push(parse());
    }
    this.stream.expect("operator", close);
    return items;
  }

  postfix(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.stream.isOperator(".", "[")) node = this.#subscript(node);
      else if (this.stream.isOperator("(")) node = { type: "call", callee: node, args: this.arguments() };
      else return node;
    }
  }

  #subscript(of: Expression): Expression {
    if (this.stream.next().text === ".") {
      const token = this.stream.next();
      if (token.kind === "name") return { type: "attribute", of, name: token.text };
      if (token.kind !== "integer") this.stream.fail("expected name or number");
      return { type: "item", of, index: { type: "const", value: BigInt(token.text) } };
    }
    const parts: Expression[] = [];
    while (!this.stream.isOperator("]")) {
      if (parts.length > 0) this.stream.expect("operator", ",");
      parts.push(this.#subscribed());
    }
    this.stream.expect("operator", "]");
    const [only] = parts;
    return {
      type: "item",
      of,
      index: parts.length === 1 && only !== undefined ? only : { type: "tuple", items: parts },
    };
  }

  #subscribed(): Expression {
    let start: Expression | null = null;
    if (!this.stream.isOperator(":")) {
      start = this.expression();
      if (!this.stream.isOperator(":")) return start;
    }
    this.stream.expect("operator", ":");
    const part = (): Expression | null => (this.stream.isOperator(":", "]", ",") ? null : this.expression());
    const stop = part();
    const step = this.stream.skipIf("operator", ":") ? part() : null;
    return { type: "slice", start, stop, step };
  }

  #filters(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.stream.isOperator("|")) {
        for (const { name, args } of this.filterChain()) node = { type: "filter", of: node, name, args };
      } else if (this.stream.isName("is")) node = this.#test(node);
      else if (this.stream.isOperator("(")) node = { type: "call", callee: node, args: this.arguments() };
      else return node;
    }
  }

  /** `| a | b(c)`. With `inline`, the first has no bar in front. */
  filterChain(inline = false): readonly BlockFilter[] {
    const filters: BlockFilter[] = [];
    while (this.stream.isOperator("|") || (inline && filters.length === 0)) {
      if (!(inline && filters.length === 0)) this.stream.next();
      const name = this.#dotted();
      this.#check.filter(name);
      filters.push({ name, args: this.stream.isOperator("(") ? this.arguments() : NO_ARGUMENTS });
    }
    return filters;
  }

  #dotted(): string {
    let name = this.stream.expect("name").text;
    while (this.stream.skipIf("operator", ".")) name += `.${this.stream.expect("name").text}`;
    return name;
  }

  #test(of: Expression): Expression {
    this.stream.next();
    const negated = this.stream.skipIf("name", "not");
    const name = this.#dotted();
    this.#check.test(name);
    let args = NO_ARGUMENTS;
    if (this.stream.isOperator("(")) args = this.arguments();
    else if (this.#startsTestArgument()) {
      if (this.stream.isName("is")) this.stream.fail("You cannot chain multiple tests with is");
      args = { ...NO_ARGUMENTS, positional: [this.postfix(this.primary())] };
    }
    const test: Expression = { type: "test", of, name, args };
    return negated ? { type: "not", of: test } : test;
  }

  #startsTestArgument(): boolean {
    const { kind } = this.stream.current;
    if (kind === "name") return !this.stream.isName("else", "or", "and");
    return kind === "string" || kind === "integer" || kind === "float" || this.stream.isOperator("[", "{");
  }

  arguments(): CallArguments {
    this.stream.expect("operator", "(");
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let star: Expression | null = null;
    let doubleStar: Expression | null = null;
    const ensure = (valid: boolean): void => {
      if (!valid) this.stream.fail("invalid syntax for function call expression");
    };
    let first = true;
    while (!this.stream.isOperator(")")) {
      if (!first) this.stream.expect("operator", ",");
      if (this.stream.isOperator(")")) break;
      first = false;
      if (this.stream.skipIf("operator", "*")) {
        ensure(star === null && doubleStar === null);
        star = this.expression();
      } else if (this.stream.skipIf("operator", "**")) {
        ensure(doubleStar === null);
        doubleStar = this.expression();
      } else if (this.stream.is("name") && this.stream.following.text === "=") {
        ensure(doubleStar === null);
        const name = this.stream.next().text;
        this.stream.next();
        named.push([name, this.expression()]);
      } else {
        ensure(star === null && doubleStar === null && named.length === 0);
        positional.push(this.expression());
      }
    }
    this.stream.expect("operator", ")");
    return { positional, named, star, doubleStar };
  }
}
