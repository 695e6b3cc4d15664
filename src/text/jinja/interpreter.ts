/**
 * @file What a template's statements write.
 */
import type { BlockFilter, Body, Statement, Target } from "./ast.ts";
import { TemplateError } from "./errors.ts";
import { applyFilter, argumentsOf, call, evaluate } from "./evaluate.ts";
import { loopObject } from "./loop.ts";
import { macro } from "./macro.ts";
import { Scope } from "./scope.ts";
import { str } from "./spelling.ts";
import { Attributed, listOf, truth, type Value } from "./values.ts";

/** How a body ended: at its end, or by a jump out of the loop that it stands in. */
type Ending = "break" | "continue" | null;
type Of<Type extends Statement["type"]> = Extract<Statement, { type: Type }>;
type Run<Type extends Statement["type"]> = (node: Of<Type>, scope: Scope, out: string[]) => Ending;

const runners: { readonly [Type in Statement["type"]]: Run<Type> } = {
  text: ({ text }, _, out) => write(out, text),
  output: ({ values }, scope, out) => write(out, values.map((value) => str(evaluate(value, scope))).join("")),
  set: ({ target, value }, scope) => assign(target, evaluate(value, scope), scope),
  setBlock: ({ target, filters, body }, scope) => {
    const text = renderBody(body, new Scope(scope));
    return assign(target, filtered(text, filters, scope), scope);
  },
  for: runFor,
  if: ({ branches, otherwise }, scope, out) => {
    for (const [test, body] of branches) if (truth(evaluate(test, scope))) return run(body, scope, out);
    return run(otherwise, scope, out);
  },
  with: ({ values, body }, scope, out) => {
    const inner = new Scope(scope);
    for (const [target, value] of values) assign(target, evaluate(value, scope), inner);
    return run(body, inner, out);
  },
  macro: ({ name, signature, uses, body }, scope) => {
    scope.set(name, macro({ name, signature, uses, scope, render: (own) => renderBody(body, own) }));
    return null;
  },
  callBlock: ({ signature, uses, call: { callee, args }, body }, scope, out) => {
    const caller = macro({ name: "caller", signature, uses, scope, render: (own) => renderBody(body, own) });
    const given = argumentsOf(args, scope);
    const named = new Map([...given.named, ["caller", caller] as const]);
    return write(out, str(call(evaluate(callee, scope), { ...given, named })));
  },
  filterBlock: ({ filters, body }, scope, out) =>
    write(out, str(filtered(renderBody(body, new Scope(scope)), filters, scope))),
  generation: ({ body }, scope, out) => write(out, renderBody(body, new Scope(scope))),
  break: () => "break",
  continue: () => "continue",
};

export function renderBody(body: Body, scope: Scope): string {
  const out: string[] = [];
  run(body, scope, out);
  return out.join("");
}

/** Writes to `out` piece by piece, so that a jump keeps what was written before it. */
function run(body: Body, scope: Scope, out: string[]): Ending {
  for (const node of body) {
    const runner = runners[node.type] as (node: Statement, scope: Scope, out: string[]) => Ending;
    const ending = runner(node, scope, out);
    if (ending !== null) return ending;
  }
  return null;
}

function write(out: string[], text: string): null {
  out.push(text);
  return null;
}

function filtered(text: string, filters: readonly BlockFilter[], scope: Scope): Value {
  return filters.reduce<Value>((value, { name, args }) => applyFilter(name, value, argumentsOf(args, scope)), text);
}

function runFor(node: Of<"for">, scope: Scope, out: string[]): Ending {
  const items = listOf(evaluate(node.iterable, scope));
  runLoop(node, scope, out, { items, depth0: 0 });
  return null;
}

function runLoop(
  node: Of<"for">,
  scope: Scope,
  out: string[],
  { items, depth0 }: { readonly items: readonly Value[]; readonly depth0: number },
): void {
  const { target, test, body } = node;
  const passing = items.filter((item) => {
    if (test === null) return true;
    const inner = new Scope(scope);
    assign(target, item, inner);
    return truth(evaluate(test, inner));
  });
  const recurse = (inner: readonly Value[]): string => {
    const text: string[] = [];
    runLoop(node, scope, text, { items: inner, depth0: depth0 + 1 });
    return text.join("");
  };
  const [loop, moveTo] = loopObject({ items: passing, depth0, recurse: node.recursive ? recurse : null });
  let ranThrough = false;
  for (const [index, item] of passing.entries()) {
    moveTo(index);
    const inner = new Scope(scope, [["loop", loop]]);
    assign(target, item, inner);
    const ending = run(body, inner, out);
    ranThrough ||= ending === null;
    if (ending === "break") break;
  }
  // As in Jinja2, whose loop takes note of an item only at the end of its body.
  if (!ranThrough) run(node.otherwise, new Scope(scope), out);
}

function assign(target: Target, value: Value, scope: Scope): null {
  if (target.type === "name") scope.set(target.name, value);
  else if (target.type === "namespace") {
    const namespace = scope.lookUp(target.name);
    if (!(namespace instanceof Attributed) || namespace.assign === null)
      throw new TemplateError("cannot assign attribute on non-namespace object");
    namespace.assign(target.attribute, value);
  } else {
    const items = listOf(value);
    const [wanted, got] = [target.items.length, items.length];
    if (got < wanted) throw new TemplateError(`not enough values to unpack (expected ${wanted}, got ${got})`);
    if (got > wanted) throw new TemplateError(`too many values to unpack (expected ${wanted})`);
    for (const [i, item] of target.items.entries()) assign(item, items[i] ?? null, scope);
  }
  return null;
}
