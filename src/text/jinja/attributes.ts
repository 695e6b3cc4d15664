/**
 * @file `a.b` and `a[b]` as Jinja2's immutable sandbox looks them up: a dot takes an attribute before an item, brackets
 * an item before an attribute; what would change a value, and what begins with an underscore, is unsafe.
 */
import { NotRendered, TemplateError } from "./errors.ts";
import { bind, noArguments } from "./signature.ts";
import { repr } from "./spelling.ts";
import { strMethods } from "./strMethods.ts";
import {
  Attributed,
  Callable,
  Dict,
  DictView,
  equal,
  isList,
  isNumber,
  Lazy,
  listOf,
  orElse,
  Markup,
  Range,
  sequenceItems,
  Tuple,
  typeName,
  Undefined,
  type Arguments,
  type Value,
} from "./values.ts";
import { codePoints } from "./whitespace.ts";

const MUTATING: Readonly<Record<string, readonly string[]>> = {
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
  list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"],
};

/** Attributes that Python's types have and this engine does not. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  str: ["encode", "format_map", "isprintable", "maketrans", "translate"],
  int: ["as_integer_ratio", "bit_count", "bit_length", "conjugate", "from_bytes", "is_integer", "to_bytes"],
  bool: ["as_integer_ratio", "bit_count", "bit_length", "conjugate", "from_bytes", "is_integer", "to_bytes"],
  float: ["as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"],
  dict: ["fromkeys"],
  dict_items: ["isdisjoint", "mapping"],
  dict_keys: ["isdisjoint", "mapping"],
  dict_values: ["mapping"],
  range: ["count", "index"],
};

type Method = (args: Arguments) => Value;

function methodOf(value: Value, name: string): Method | undefined {
  if (typeof value === "string") {
    const method = strMethods.get(name);
    return method === undefined ? undefined : (args) => method(value, args);
  }
  if (value instanceof Dict) return dictMethod(value, name);
  const items = isList(value) || value instanceof Tuple ? sequenceItems(value) : null;
  return items === null ? undefined : listMethod(value, items, name);
}

function dictMethod(dict: Dict, name: string): Method | undefined {
  switch (name) {
    case "get":
      return (args) => {
        const bound = bind(args, ["key", "default"], "get");
        return orElse(dict.get(bound.value("key")), () => bound.value("default", null));
      };
    case "items":
    case "keys":
    case "values":
      return (args) => {
        noArguments(args, name);
        return new DictView(`dict_${name}`, dict);
      };
    case "copy":
      return () => new Dict(dict.entries());
    default:
      return undefined;
  }
}

function listMethod(list: Value, items: readonly Value[], name: string): Method | undefined {
  switch (name) {
    case "count":
      return (args) => {
        const wanted = bind(args, ["value"], name).value("value");
        return BigInt(items.filter((item) => equal(item, wanted)).length);
      };
    case "index":
      return (args) => {
        const wanted = bind(args, ["value"], name).value("value");
        const at = items.findIndex((item) => equal(item, wanted));
        if (at < 0) throw new TemplateError(`${repr(wanted)} is not in list`);
        return BigInt(at);
      };
    case "copy":
      return isList(list) ? () => [...items] : undefined;
    default:
      return undefined;
  }
}

/** Python's `getattr`: undefined where there is no such attribute. */
function attribute(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) value.fail();
  if (value instanceof Attributed) return value.attribute(name);
  const method = methodOf(value, name);
  if (method !== undefined) return new Callable(name, method);
  if (value instanceof Range && ["start", "stop", "step"].includes(name)) return value[name as "start"];
  if (value instanceof Callable && name === "name" && value.type === "Macro") return value.name;
  if (isNumber(value) && typeof value !== "number" && ["real", "numerator"].includes(name)) return BigInt(value);
  if (isNumber(value) && typeof value !== "number" && name === "imag") return 0n;
  if (isNumber(value) && typeof value !== "number" && name === "denominator") return 1n;
  const type = typeName(value);
  if (MUTATING[type]?.includes(name) === true || /^__\w+__$/.test(name))
    return new UnsafeAttribute(`access to attribute '${name}' of '${type}' object is unsafe.`);
  const marked = value instanceof Markup && (strMethods.has(name) || name === "striptags" || name === "unescape");
  if (marked || REFUSED[type]?.includes(name) === true) throw new NotRendered(`${type}.${name}`);
  return undefined;
}

class UnsafeAttribute extends Undefined {}

/** `value.name` */
export function getAttribute(value: Value, name: string): Value {
  const found = attribute(value, name);
  if (found !== undefined && !(found instanceof UnsafeAttribute && value instanceof Dict && value.has(name)))
    return found;
  return orElse(item(value, name), () => new Undefined(missing(value, name)));
}

/** `value[key]` */
export function getItem(value: Value, key: Value): Value {
  if (value instanceof Undefined) value.fail();
  const found = item(value, key);
  const fallback = found === undefined && typeof key === "string" ? attribute(value, key) : found;
  return orElse(fallback, () => new Undefined(missing(value, key)));
}

/** Only the attribute: what the filter `attr` takes. */
export function ownAttribute(value: Value, name: string): Value {
  return orElse(attribute(value, name), () => new Undefined(missing(value, name)));
}

function missing(value: Value, key: Value): string {
  const type = value === null ? "None" : `${typeName(value)} object`;
  return typeof key === "string" ? `'${type}' has no attribute '${key}'` : `${type} has no element ${repr(key)}`;
}

function item(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) {
    try {
      return value.get(key);
    } catch (error) {
      if (error instanceof TemplateError) return undefined; // unhashable
      throw error;
    }
  }
  if (typeof key !== "bigint" && typeof key !== "boolean") return undefined;
  const items = indexable(value);
  if (items === null) return undefined;
  const index = Number(key);
  return items[index < 0 ? items.length + index : index];
}

function indexable(value: Value): readonly Value[] | null {
  if (typeof value === "string") return codePoints(value);
  if (value instanceof Markup) throw new NotRendered("an index of a text marked safe");
  return value instanceof Range ? value.values() : sequenceItems(value);
}

/** `value[start:stop:step]` */
export function slice(value: Value, bounds: readonly [start: Value, stop: Value, step: Value]): Value {
  if (value instanceof Undefined) value.fail();
  const items = indexable(value);
  if (items === null) return new Undefined(`${typeName(value)} object has no element slice`);
  const [start, stop, step] = bounds.map((bound) => {
    if (bound === null) return null;
    if (bound instanceof Undefined || (typeof bound !== "bigint" && typeof bound !== "boolean")) return undefined;
    return Number(bound);
  });
  // Python's TypeError becomes an undefined value in Jinja2.
  if (start === undefined || stop === undefined || step === undefined)
    return new Undefined(`${typeName(value)} object has no element slice`);
  if (step === 0) throw new TemplateError("slice step cannot be zero");
  const taken = sliceItems(items, start, stop, step ?? 1);
  if (typeof value === "string") return taken.join("");
  if (value instanceof Range) throw new NotRendered("a slice of a range");
  return isList(value) ? taken : new Tuple(taken);
}

function sliceItems(items: readonly Value[], start: number | null, stop: number | null, step: number): Value[] {
  const length = items.length;
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (at: number | null, missing: number): number => {
    if (at === null) return missing;
    return Math.min(high, Math.max(low, at < 0 ? at + length : at));
  };
  const first = clamp(start, step > 0 ? low : high);
  const end = clamp(stop, step > 0 ? high : low);
  const out: Value[] = [];
  for (let at = first; step > 0 ? at < end : at > end; at += step) out.push(items[at] ?? null);
  return out;
}

/** `reversed(value)`: null where Python cannot. */
export function reversed(value: Value): Value | null {
  if (value instanceof Lazy || value instanceof Undefined) return null;
  const items = value instanceof Dict || value instanceof DictView ? listOf(value) : indexable(value);
  return items === null ? null : new Lazy(`${typeName(value)}_reverseiterator`, [...items].reverse());
}
