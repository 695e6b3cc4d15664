/**
 * @file What filters have in common: their type, the attribute paths that many take, and keys that ignore case.
 */
import { getItem } from "./attributes.ts";
import { NotRendered } from "./errors.ts";
import { bind, type Bound } from "./signature.ts";
import { textOf, Undefined, type Arguments, type Value } from "./values.ts";

/** What filters that apply other filters or tests need. */
export interface FilterContext {
  filter(name: string, value: Value, args: Arguments): Value;
  test(name: string, value: Value, args: Arguments): boolean;
}

export type Filter = (value: Value, args: Arguments, context: FilterContext) => Value;

export type FilterList = readonly (readonly [name: string, filter: Filter])[];

/** A filter whose parameters are given by name. */
export function filter(
  name: string,
  parameters: readonly string[],
  body: (value: Value, args: Bound) => Value,
): Filter {
  return (value, args) => body(value, bind(args, parameters, name));
}

/** `"a.b.0"` as a function: parts that are digits are indices. `fallback` stands in for what is undefined. */
export function attributeGetter(path: Value, fallback: Value = null): (item: Value) => Value {
  const text = textOf(path);
  const parts: readonly Value[] =
    path === null
      ? []
      : text === null
        ? [path]
        : text.split(".").map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
  return (item) =>
    parts.reduce<Value>((value, part) => {
      const found = getItem(value, part);
      return found instanceof Undefined && fallback !== null ? fallback : found;
    }, item);
}

/** For comparisons that ignore case. */
export function lowered(value: Value): Value {
  return textOf(value)?.toLowerCase() ?? value;
}

/** A filter of Jinja2 that this engine does not have. */
export function refusedFilter(name: string): Filter {
  return () => {
    throw new NotRendered(`the filter ${name}`);
  };
}
