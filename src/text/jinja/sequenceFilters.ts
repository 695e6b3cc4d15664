/**
 * @file Filters over lists and other iterables.
 */
import { ownAttribute, reversed } from "./attributes.ts";
import { TemplateError } from "./errors.ts";
import { attributeGetter, filter, lowered, type Filter, type FilterContext, type FilterList } from "./filter.ts";
import { binary } from "./operators.ts";
import { bind, type Bound } from "./signature.ts";
import {
  Attributed,
  compare,
  Dict,
  equal,
  iterate,
  Lazy,
  listOf,
  orElse,
  sizeOf,
  textOf,
  truth,
  Tuple,
  typeName,
  Undefined,
  type Arguments,
  type Value,
} from "./values.ts";
import { codePoints } from "./whitespace.ts";

export const sequenceFilters: FilterList = [
  ["batch", filter("batch", ["linecount", "fill_with"], batch)],
  ["count", filter("count", [], length)],
  ["dictsort", filter("dictsort", ["case_sensitive", "by", "reverse"], dictSort)],
  ["first", filter("first", [], first)],
  ["groupby", filter("groupby", ["attribute", "default", "case_sensitive"], groupBy)],
  ["items", filter("items", [], items)],
  ["last", filter("last", [], last)],
  ["length", filter("length", [], length)],
  ["list", filter("list", [], listOf)],
  ["map", map],
  ["max", filter("max", ["case_sensitive", "attribute"], (value, args) => extreme(value, args, 1))],
  ["min", filter("min", ["case_sensitive", "attribute"], (value, args) => extreme(value, args, -1))],
  ["reject", selection("reject", false, false)],
  ["rejectattr", selection("rejectattr", false, true)],
  ["reverse", filter("reverse", [], reverse)],
  ["select", selection("select", true, false)],
  ["selectattr", selection("selectattr", true, true)],
  ["slice", filter("slice", ["slices", "fill_with"], slices)],
  ["sort", filter("sort", ["reverse", "case_sensitive", "attribute"], sort)],
  ["sum", filter("sum", ["attribute", "start"], sum)],
  ["unique", filter("unique", ["case_sensitive", "attribute"], unique)],
  ["attr", filter("attr", ["name"], (value, args) => ownAttribute(value, args.text("name")))],
];

function length(value: Value): Value {
  const size = sizeOf(value);
  if (size === null) throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
  return BigInt(size);
}

function head(value: Value): Value | undefined {
  const iterator = iterate(value);
  if (iterator === null) throw new TemplateError(`'${typeName(value)}' object is not iterable`);
  const step = iterator.next();
  return step.done === true ? undefined : step.value;
}

function first(value: Value): Value {
  return orElse(head(value), () => new Undefined("No first item, sequence was empty."));
}

function last(value: Value): Value {
  if (value instanceof Undefined) value.fail();
  const backwards = reversed(value);
  if (backwards === null) throw new TemplateError(`'${typeName(value)}' object is not reversible`);
  return orElse(head(backwards), () => new Undefined("No last item, sequence was empty."));
}

function reverse(value: Value): Value {
  const text = textOf(value);
  return text === null ? (reversed(value) ?? listOf(value).reverse()) : [...codePoints(text)].reverse().join("");
}

function items(value: Value): Value {
  if (value instanceof Undefined) return new Lazy("generator", []);
  if (!(value instanceof Dict)) throw new TemplateError("Can only get item pairs from a mapping.");
  return new Lazy(
    "generator",
    [...value.entries()].map((pair) => new Tuple(pair)),
  );
}

/** Python's stable sort; the reverse keeps the order of equal items, too. */
function sorted<T>(values: readonly T[], key: (value: T) => Value, backwards: boolean): T[] {
  const keyed = values.map((value) => ({ value, key: key(value) }));
  return keyed
    .sort((a, b) => (equal(a.key, b.key) ? 0 : compare(a.key, b.key) * (backwards ? -1 : 1)))
    .map(({ value }) => value);
}

function keyOf(args: Bound, attribute: Value): (item: Value) => Value {
  const get = attributeGetter(attribute);
  return args.flag("case_sensitive") ? get : (item) => lowered(get(item));
}

function sort(value: Value, args: Bound): Value {
  const attribute = args.value("attribute", null);
  const paths = typeof attribute === "string" ? attribute.split(",") : [attribute];
  const keys = paths.map((path) => keyOf(args, path));
  return sorted(listOf(value), (item) => keys.map((key) => key(item)), args.flag("reverse"));
}

function dictSort(value: Value, args: Bound): Value {
  const by = args.text("by", "key");
  if (by !== "key" && by !== "value") throw new TemplateError('You can only sort by either "key" or "value"');
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict)) throw new TemplateError(`'${typeName(value)}' object has no attribute 'items'`);
  const fold = args.flag("case_sensitive") ? (key: Value) => key : lowered;
  return sorted([...value.entries()], (pair) => fold(pair[by === "key" ? 0 : 1]), args.flag("reverse")).map(
    (pair) => new Tuple(pair),
  );
}

function extreme(value: Value, args: Bound, sign: 1 | -1): Value {
  const key = keyOf(args, args.value("attribute", null));
  let best: { readonly item: Value; readonly key: Value } | null = null;
  for (const item of listOf(value)) {
    const own = key(item);
    if (best === null || compare(own, best.key, sign > 0 ? ">" : "<") * sign > 0) best = { item, key: own };
  }
  return best === null ? new Undefined("No aggregated item, sequence was empty.") : best.item;
}

function unique(value: Value, args: Bound): Value {
  const key = keyOf(args, args.value("attribute", null));
  const firsts = new Dict();
  return new Lazy(
    "generator",
    listOf(value).filter((item) => firsts.add(key(item))),
  );
}

function groupBy(value: Value, args: Bound): Value {
  const attribute = args.value("attribute");
  const get = attributeGetter(attribute, args.value("default", null));
  const key = args.flag("case_sensitive") ? get : (item: Value) => lowered(get(item));
  const groups: { readonly key: Value; readonly items: Value[] }[] = [];
  for (const item of sorted(listOf(value), key, false)) {
    const group = groups.at(-1);
    if (group !== undefined && equal(group.key, key(item))) group.items.push(item);
    else groups.push({ key: key(item), items: [item] });
  }
  return groups.map((group) => {
    const grouper = args.flag("case_sensitive") ? group.key : get(group.items[0] ?? null);
    const fields: Readonly<Record<string, Value>> = { grouper, list: group.items };
    return new Attributed("_GroupTuple", (name) => (Object.hasOwn(fields, name) ? fields[name] : undefined), {
      items: [grouper, group.items],
    });
  });
}

function sum(value: Value, args: Bound): Value {
  const get = attributeGetter(args.value("attribute", null));
  return listOf(value).reduce<Value>((total, item) => binary("+", total, get(item)), args.value("start", 0n));
}

function batch(value: Value, args: Bound): Value {
  const size = args.integer("linecount");
  const fill = args.value("fill_with", null);
  const all = listOf(value);
  const out: Value[] = [];
  for (let at = 0; at < all.length; at += Math.max(1, size)) {
    const row = all.slice(at, at + Math.max(1, size));
    out.push(fill === null ? row : [...row, ...Array.from({ length: size - row.length }, () => fill)]);
  }
  return new Lazy("generator", out);
}

function slices(value: Value, args: Bound): Value {
  const all = listOf(value);
  const count = args.integer("slices");
  const fill = args.value("fill_with", null);
  if (count === 0) throw new TemplateError("integer division or modulo by zero");
  const [size, longer] = [Math.floor(all.length / count), all.length % count];
  const out: Value[] = [];
  let from = 0;
  for (let i = 0; i < count; i += 1) {
    const end = from + size + (i < longer ? 1 : 0);
    out.push([...all.slice(from, end), ...(fill !== null && i >= longer ? [fill] : [])]);
    from = end;
  }
  return new Lazy("generator", out);
}

/** Computes items as they are asked for: errors come then, as from Python's generators. */
function generate(value: Value, each: (item: Value) => Iterable<Value>): Lazy {
  function* walk(): Generator<Value> {
    if (!truth(value)) return;
    for (const item of listOf(value)) yield* each(item);
  }
  return new Lazy("generator", walk());
}

function map(value: Value, args: Arguments, context: FilterContext): Value {
  if (args.positional.length === 0 && args.named.has("attribute")) {
    const bound = bind(args, ["attribute", "default"], "map");
    const get = attributeGetter(bound.value("attribute"), bound.value("default", null));
    return generate(value, (item) => [get(item)]);
  }
  const [name, ...rest] = args.positional;
  if (name === undefined) return generate(value, () => fail("map requires a filter argument"));
  const inner: Arguments = { positional: rest, named: args.named };
  return generate(value, (item) => [context.filter(textOf(name) ?? typeName(name), item, inner)]);
}

function selection(filterName: string, keep: boolean, byAttribute: boolean): Filter {
  return (value, args, context) => {
    const positional = [...args.positional];
    const attribute = byAttribute ? positional.shift() : null;
    if (attribute === undefined)
      return generate(value, () => fail(`${filterName}: Missing parameter for attribute name`));
    const get = attributeGetter(attribute);
    const name = positional.shift();
    const inner: Arguments = { positional, named: args.named };
    return generate(value, (item) => {
      const tested = get(item);
      const passes = name === undefined ? truth(tested) : context.test(textOf(name) ?? typeName(name), tested, inner);
      return passes === keep ? [item] : [];
    });
  };
}

function fail(what: string): never {
  throw new TemplateError(what);
}
