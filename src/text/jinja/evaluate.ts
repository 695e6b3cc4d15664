/**
 * @file The value of an expression.
 */
import type { CallArguments, Comparison, Expression } from "./ast.ts";
import { getAttribute, getItem, slice } from "./attributes.ts";
import { TemplateError } from "./errors.ts";
import type { FilterContext } from "./filter.ts";
import { filters } from "./filters.ts";
import { binary, contains, signed } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { str } from "./spelling.ts";
import { runTest } from "./tests.ts";
import {
  Attributed,
  Callable,
  compare,
  Dict,
  equal,
  listOf,
  textOf,
  truth,
  Tuple,
  typeName,
  Undefined,
  type Arguments,
  type Value,
} from "./values.ts";

type Of<Type extends Expression["type"]> = Extract<Expression, { type: Type }>;

const evaluators: { readonly [Type in Expression["type"]]: (node: Of<Type>, scope: Scope) => Value } = {
  const: ({ value }) => value,
  name: ({ name }, scope) => scope.lookUp(name),
  list: ({ items }, scope) => items.map((item) => evaluate(item, scope)),
  tuple: ({ items }, scope) => new Tuple(items.map((item) => evaluate(item, scope))),
  dict: ({ pairs }, scope) =>
    new Dict(pairs.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)] as const)),
  condition: ({ test, then, otherwise }, scope) => {
    if (truth(evaluate(test, scope))) return evaluate(then, scope);
    if (otherwise !== null) return evaluate(otherwise, scope);
    return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
  },
  or: ({ left, right }, scope) => {
    const value = evaluate(left, scope);
    return truth(value) ? value : evaluate(right, scope);
  },
  and: ({ left, right }, scope) => {
    const value = evaluate(left, scope);
    return truth(value) ? evaluate(right, scope) : value;
  },
  not: ({ of }, scope) => !truth(evaluate(of, scope)),
  compare: ({ first, rest }, scope) => {
    let left = evaluate(first, scope);
    for (const [operator, operand] of rest) {
      const right = evaluate(operand, scope);
      if (!comparisons[operator](left, right)) return false;
      left = right;
    }
    return true;
  },
  binary: ({ operator, left, right }, scope) => binary(operator, evaluate(left, scope), evaluate(right, scope)),
  concat: ({ items }, scope) => items.map((item) => str(evaluate(item, scope))).join(""),
  sign: ({ operator, of }, scope) => signed(operator, evaluate(of, scope)),
  attribute: ({ of, name }, scope) => getAttribute(evaluate(of, scope), name),
  item: ({ of, index }, scope) => {
    const value = evaluate(of, scope);
    if (index.type !== "slice") return getItem(value, evaluate(index, scope));
    const bound = (part: Expression | null): Value => (part === null ? null : evaluate(part, scope));
    return slice(value, [bound(index.start), bound(index.stop), bound(index.step)]);
  },
  slice: () => {
    throw new TemplateError("a slice among several indices");
  },
  call: ({ callee, args }, scope) => call(evaluate(callee, scope), argumentsOf(args, scope)),
  filter: ({ of, name, args }, scope) => applyFilter(name, evaluate(of, scope), argumentsOf(args, scope)),
  test: ({ of, name, args }, scope) => runTest(name, evaluate(of, scope), argumentsOf(args, scope)),
};

const comparisons: Readonly<Record<Comparison, (a: Value, b: Value) => boolean>> = {
  "==": equal,
  "!=": (a, b) => !equal(a, b),
  "<": (a, b) => compare(a, b, "<") < 0,
  "<=": (a, b) => compare(a, b, "<=") <= 0,
  ">": (a, b) => compare(a, b, ">") > 0,
  ">=": (a, b) => compare(a, b, ">=") >= 0,
  in: (a, b) => contains(b, a),
  "not in": (a, b) => !contains(b, a),
};

export function evaluate(node: Expression, scope: Scope): Value {
  const evaluator = evaluators[node.type] as (node: Expression, scope: Scope) => Value;
  return evaluator(node, scope);
}

export function argumentsOf({ positional, named, star, doubleStar }: CallArguments, scope: Scope): Arguments {
  const values = positional.map((argument) => evaluate(argument, scope));
  const byName = new Map(named.map(([name, value]) => [name, evaluate(value, scope)] as const));
  if (star !== null) values.push(...listOf(evaluate(star, scope)));
  if (doubleStar !== null) {
    const more = evaluate(doubleStar, scope);
    if (!(more instanceof Dict)) throw new TemplateError(`argument after ** must be a mapping, not ${typeName(more)}`);
    for (const [key, value] of more.entries()) byName.set(textOf(key) ?? str(key), value);
  }
  return { positional: values, named: byName };
}

export function call(callee: Value, args: Arguments): Value {
  if (callee instanceof Undefined) callee.fail();
  if (callee instanceof Callable) return callee.call(args);
  if (callee instanceof Attributed && callee.call !== null) return callee.call(args);
  throw new TemplateError(`'${typeName(callee)}' object is not callable`);
}

const context: FilterContext = { filter: applyFilter, test: runTest };

export function applyFilter(name: string, value: Value, args: Arguments): Value {
  const found = filters.get(name);
  if (found === undefined) throw new TemplateError(`No filter named '${name}'.`);
  return found(value, args, context);
}
