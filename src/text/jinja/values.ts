/**
 * @file Python's values in JavaScript: what a template computes with.
 *
 *     None  bool     int     float   str     list     tuple  dict  range  …
 *     null  boolean  bigint  number  string  Value[]  Tuple  Dict  Range  …
 *
 * Nothing is mutable but a namespace: transformers renders in Jinja2's immutable sandbox.
 */
import { isRecord } from "../../base/records.ts";
import { TemplateError } from "./errors.ts";
import { codePoints, compareTexts, lengthOf } from "./whitespace.ts";

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Tuple
  | Dict
  | DictView
  | Range
  | Lazy
  | Markup
  | Callable
  | Attributed
  | Undefined;

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** Keys in the order in which they came; 1, 1.0 and True are one key. */
export class Dict {
  readonly #entries = new Map<string, readonly [key: Value, value: Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) {
      const hash = hashOf(key);
      this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashOf(key));
  }

  /** Adds a key while a dict is being made; false where there is one. */
  add(key: Value, value: Value = null): boolean {
    const hash = hashOf(key);
    const isNew = !this.#entries.has(hash);
    if (isNew) this.#entries.set(hash, [key, value]);
    return isNew;
  }

  entries(): IterableIterator<readonly [Value, Value]> {
    return this.#entries.values();
  }

  keys(): Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
}

/** What `dict.items()`, `keys()` and `values()` give: no list, so that it has no first element by index. */
export class DictView {
  readonly kind: "dict_items" | "dict_keys" | "dict_values";
  readonly dict: Dict;
  constructor(kind: DictView["kind"], dict: Dict) {
    this.kind = kind;
    this.dict = dict;
  }

  values(): Value[] {
    return [...this.dict.entries()].map(([key, value]) => {
      if (this.kind === "dict_items") return new Tuple([key, value]);
      return this.kind === "dict_keys" ? key : value;
    });
  }
}

export class Range {
  readonly start: bigint;
  readonly stop: bigint;
  readonly step: bigint;
  constructor(start: bigint, stop: bigint, step: bigint) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  get length(): number {
    const span = this.step > 0n ? this.stop - this.start : this.start - this.stop;
    const step = this.step > 0n ? this.step : -this.step;
    return span <= 0n ? 0 : Number((span + step - 1n) / step);
  }

  values(): Value[] {
    return Array.from({ length: this.length }, (_, i) => this.start + this.step * BigInt(i));
  }
}

/** A generator or iterator, which can be walked once: what `map`, `select` and their kin give. */
export class Lazy {
  readonly type: string;
  readonly iterator: Iterator<Value>;
  constructor(type: string, values: Iterable<Value>) {
    this.type = type;
    this.iterator = values[Symbol.iterator]();
  }
}

/** What `safe` gives: a text that joins others only after escaping them. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export class Callable {
  readonly name: string;
  readonly call: (args: Arguments) => Value;
  /** As Python names the type in messages. */
  readonly type: string;
  constructor(name: string, call: (args: Arguments) => Value, type = "builtin_function_or_method") {
    this.name = name;
    this.call = call;
    this.type = type;
  }
}

/** An object with attributes: a namespace, the loop, a cycler, a group. */
export class Attributed {
  readonly type: string;
  /** undefined where there is no such attribute. */
  readonly attribute: (name: string) => Value | undefined;
  /** Assigns to an attribute; only a namespace has it. */
  readonly assign: ((name: string, value: Value) => void) | null;
  readonly call: ((args: Arguments) => Value) | null;
  readonly items: readonly Value[] | null;
  constructor(
    type: string,
    attribute: (name: string) => Value | undefined,
    has: {
      readonly assign?: (name: string, value: Value) => void;
      readonly call?: (args: Arguments) => Value;
      /** Of a named tuple. */
      readonly items?: readonly Value[];
    } = {},
  ) {
    this.type = type;
    this.attribute = attribute;
    this.assign = has.assign ?? null;
    this.call = has.call ?? null;
    this.items = has.items ?? null;
  }
}

/** What a name or attribute that does not exist stands for: printed as nothing, false, an error in all other uses. */
export class Undefined {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }

  fail(): never {
    throw new TemplateError(this.message);
  }
}

/** The value, or what stands for a missing one. None is a value: `??` would take it for missing. */
export function orElse(value: Value | undefined, missing: () => Value): Value {
  return value === undefined ? missing() : value;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The items of a list or tuple; null for everything else. */
export function sequenceItems(value: Value): readonly Value[] | null {
  if (isList(value)) return value;
  if (value instanceof Tuple) return value.items;
  return value instanceof Attributed ? value.items : null;
}

/** A value of JSON. Whole numbers are integers: JSON.parse does not tell 1.0 from 1. */
export function fromJson(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean" || typeof value === "string" || typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(fromJson);
  if (!isRecord(value)) throw new TypeError(`A template cannot be given a ${typeof value}`);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return new Dict(entries.map(([key, inner]) => [key, fromJson(inner)] as const));
}

export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  const simple = { boolean: "bool", bigint: "int", number: "float", string: "str" }[typeof value as string];
  if (simple !== undefined) return simple;
  if (isList(value)) return "list";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Dict) return "dict";
  if (value instanceof DictView) return value.kind;
  if (value instanceof Range) return "range";
  if (value instanceof Markup) return "Markup";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Lazy || value instanceof Callable || value instanceof Attributed) return value.type;
  return typeof value;
}

export function truth(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (value instanceof Markup) return value.text !== "";
  if (typeof value !== "object") return Boolean(value);
  const size = sizeOf(value);
  return size === null || size > 0;
}

/** `len`, or null where Python has none. */
export function sizeOf(value: Value): number | null {
  if (typeof value === "string") return lengthOf(value);
  if (value instanceof Markup) return lengthOf(value.text);
  if (value instanceof Undefined) return 0;
  if (value instanceof Dict) return value.size;
  if (value instanceof DictView) return value.dict.size;
  if (value instanceof Range) return value.length;
  return sequenceItems(value)?.length ?? null;
}

/** An iterator, as `iter` gives it; null where Python says "not iterable". */
export function iterate(value: Value): Iterator<Value> | null {
  if (value instanceof Lazy) return value.iterator;
  return itemsOf(value)?.[Symbol.iterator]() ?? null;
}

function itemsOf(value: Value): readonly Value[] | null {
  if (typeof value === "string") return codePoints(value);
  if (value instanceof Markup) return codePoints(value.text);
  if (value instanceof Undefined) return [];
  if (value instanceof Dict) return value.keys();
  if (value instanceof DictView || value instanceof Range) return value.values();
  return sequenceItems(value);
}

/** All items. @throws TemplateError for what is not iterable */
export function listOf(value: Value): Value[] {
  const iterator = iterate(value);
  if (iterator === null) throw new TemplateError(`'${typeName(value)}' object is not iterable`);
  const out: Value[] = [];
  for (let step = iterator.next(); step.done !== true; step = iterator.next()) out.push(step.value);
  return out;
}

export function isNumber(value: Value): value is boolean | bigint | number {
  return typeof value === "boolean" || typeof value === "bigint" || typeof value === "number";
}

/** A text, marked or not; null for everything else. */
export function textOf(value: Value): string | null {
  if (typeof value === "string") return value;
  return value instanceof Markup ? value.text : null;
}

/** Python's ==. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return Number(a) === Number(b) && (typeof a !== typeof b || a === b);
  const text = textOf(a);
  if (text !== null) return text === textOf(b);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Dict) {
    if (!(b instanceof Dict) || a.size !== b.size) return false;
    return [...a.entries()].every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && equal(value, other);
    });
  }
  if (a instanceof Range) return b instanceof Range && equal(a.values(), b.values());
  const [x, y] = [sequenceItems(a), sequenceItems(b)];
  if (x === null || y === null || isList(a) !== isList(b) || x.length !== y.length) return false;
  return x.every((item, i) => equal(item, y[i] ?? null));
}

/** Negative, zero or positive, as Python orders; `operator` for the message where it does not. */
export function compare(a: Value, b: Value, operator = "<"): number {
  for (const value of [a, b]) if (value instanceof Undefined) value.fail();
  if (isNumber(a) && isNumber(b)) {
    const [x, y] = [a, b].map((value) => (typeof value === "boolean" ? BigInt(value) : value));
    return x === undefined || y === undefined ? 0 : x < y ? -1 : x > y ? 1 : 0;
  }
  const [text, other] = [textOf(a), textOf(b)];
  if (text !== null && other !== null) return compareTexts(text, other);
  const [x, y] = [sequenceItems(a), sequenceItems(b)];
  if (x !== null && y !== null && isList(a) === isList(b)) {
    for (let i = 0; i < Math.min(x.length, y.length); i += 1) {
      const [left = null, right = null] = [x[i], y[i]];
      if (!equal(left, right)) return compare(left, right, operator);
    }
    return x.length - y.length;
  }
  throw new TemplateError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** Equal keys of a dict have equal hashes. @throws TemplateError for what Python cannot hash */
function hashOf(value: Value): string {
  const text = textOf(value);
  if (text !== null) return `s${text}`;
  if (value === null) return "none";
  if (typeof value === "boolean") return `n${Number(value)}`;
  if (typeof value === "bigint" || typeof value === "number") return `n${value}`;
  if (value instanceof Undefined) return "undefined";
  if (value instanceof Tuple) return `t${value.items.map((item) => JSON.stringify(hashOf(item))).join()}`;
  throw new TemplateError(`unhashable type: '${typeName(value)}'`);
}
