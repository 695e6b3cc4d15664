/**
 * @file The functions that every template has: Jinja2's and transformers' own.
 */
import { NotRendered, TemplateError } from "./errors.ts";
import { bind, noArguments } from "./signature.ts";
import { str } from "./spelling.ts";
import { strftime } from "./strftime.ts";
import { Attributed, Callable, Dict, listOf, Range, textOf, typeName, type Arguments, type Value } from "./values.ts";

const MAX_RANGE = 100000;

export const globals: ReadonlyMap<string, Value> = new Map(
  [
    new Callable("range", range, "type"),
    new Callable("dict", (args) => new Dict(entriesOf(args, "dict")), "type"),
    new Callable("namespace", namespace, "type"),
    new Callable("cycler", cycler, "type"),
    new Callable("joiner", joiner, "type"),
    new Callable("lipsum", () => {
      throw new NotRendered("lipsum(), which is random");
    }),
    new Callable("raise_exception", (args) => {
      throw new TemplateError(str(bind(args, ["message"], "raise_exception").value("message")));
    }),
    new Callable("strftime_now", (args) => strftime(bind(args, ["format"], "strftime_now").text("format"))),
  ].map((callable) => [callable.name, callable]),
);

function range(args: Arguments): Value {
  const numbers = args.positional.map((value) => {
    if (typeof value === "bigint" || typeof value === "boolean") return BigInt(value);
    throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  });
  const [first, second, step = 1n] = numbers;
  if (first === undefined || numbers.length > 3) throw new TemplateError("range expected 1 to 3 arguments");
  if (step === 0n) throw new TemplateError("range() arg 3 must not be zero");
  const result = second === undefined ? new Range(0n, first, 1n) : new Range(first, second, step);
  if (result.length > MAX_RANGE)
    throw new TemplateError(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`);
  return result;
}

/** `dict(mapping or pairs, name=value, …)` */
function entriesOf({ positional, named }: Arguments, callee: string): (readonly [Value, Value])[] {
  const [source, ...more] = positional;
  if (more.length > 0) throw new TemplateError(`${callee} expected at most 1 argument, got ${positional.length}`);
  const entries: (readonly [Value, Value])[] = [];
  if (source instanceof Dict) entries.push(...source.entries());
  else if (source !== undefined) {
    for (const pair of listOf(source)) {
      const [key, value, ...rest] = listOf(pair);
      if (key === undefined || value === undefined || rest.length > 0)
        throw new TemplateError(`${callee}: pairs of a key and a value are wanted`);
      entries.push([key, value]);
    }
  }
  return [...entries, ...named];
}

function namespace(args: Arguments): Value {
  const attributes = new Map<string, Value>(
    entriesOf(args, "namespace").map(([key, value]) => [textOf(key) ?? str(key), value]),
  );
  return new Attributed(
    "Namespace",
    (name) => (name === "__attributes__" ? new Dict(attributes) : attributes.get(name)),
    { assign: (name, value) => void attributes.set(name, value) },
  );
}

function cycler({ positional }: Arguments): Value {
  if (positional.length === 0) throw new TemplateError("at least one item has to be provided");
  let at = 0;
  const current = (): Value => positional[at] ?? null;
  const next = new Callable("next", (args) => {
    noArguments(args, "next");
    const value = current();
    at = (at + 1) % positional.length;
    return value;
  });
  const reset = new Callable("reset", () => {
    at = 0;
    return null;
  });
  return new Attributed("Cycler", (name) => {
    if (name === "current") return current();
    return name === "next" ? next : name === "reset" ? reset : undefined;
  });
}

function joiner(args: Arguments): Value {
  const separator = bind(args, ["sep"], "joiner").value("sep", ", ");
  let used = false;
  return new Attributed("Joiner", () => undefined, {
    call: () => {
      const text = used ? separator : "";
      used = true;
      return text;
    },
  });
}
