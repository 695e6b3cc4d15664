/**
 * @file Seeded mutations of valid inputs: of JSON values by their structure, of text, and of bytes.
 *
 * One seed gives one input, on every machine, so a failing input is named by its format and number alone.
 */
import type { Rng } from "../../src/base/rng.ts";

/** Values that parsers meet too seldom: extreme, mistyped, nested, misleading. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  "",
  " ",
  "0",
  "null",
  "NaN",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  "é".normalize("NFD"),
  "../../../etc/passwd",
  "=1+1",
  "x".repeat(5000),
  "{{7*7}}{% for a in b %}",
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  deep(200),
];

const NAMES = ["__proto__", "constructor", "toString", "length", "", "0", "name", "type", "\u0000", "a".repeat(300)];

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i += 1) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** The value with `count` changes somewhere in it. */
export function mutatedJson(rng: Rng, value: unknown, count = 1 + rng.below(3)): unknown {
  let result = structuredClone(value);
  for (let i = 0; i < count; i += 1) result = changed(rng, result);
  return result;
}

function changed(rng: Rng, value: unknown): unknown {
  const isArray = Array.isArray(value);
  if (typeof value !== "object" || value === null || rng.below(40) === 0) return strangeFor(rng, value);
  const keys = Object.keys(value);
  // Deeper with the share of what lies below.
  if (keys.length > 0 && rng.below(4) !== 0) {
    const key = rng.pick(keys);
    return withKey(value, key, changed(rng, Reflect.get(value, key)));
  }
  if (isArray) return changedArray(rng, value);
  return changedObject(rng, value, keys);
}

function changedArray(rng: Rng, list: readonly unknown[]): unknown {
  switch (rng.below(4)) {
    case 0:
      return list.slice(0, rng.below(list.length + 1));
    case 1:
      return [...list, ...list];
    case 2:
      return rng.shuffle([...list]);
    default:
      return [...list, rng.pick(STRANGE)];
  }
}

function changedObject(rng: Rng, value: object, keys: readonly string[]): unknown {
  const key = keys.length === 0 ? "" : rng.pick(keys);
  switch (rng.below(4)) {
    case 0:
      return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
    case 1:
      return withKey(value, rng.pick(NAMES), rng.pick(STRANGE));
    case 2:
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name === key ? misspelt(rng, name) : name, inner]),
      );
    default:
      return withKey(value, key, rng.pick(STRANGE));
  }
}

function withKey(value: object, key: string, inner: unknown): unknown {
  if (Array.isArray(value)) return value.map((old: unknown, i) => (String(i) === key ? inner : old));
  return Object.fromEntries([...Object.entries(value).filter(([name]) => name !== key), [key, inner]]);
}

/** Near the value where it is a number or a text, else anything. */
function strangeFor(rng: Rng, value: unknown): unknown {
  if (typeof value === "number" && rng.below(2) === 0) {
    return rng.pick([value + 1, value - 1, -value, value * 2, value / 2, value * 1e9, value + 0.5, String(value)]);
  }
  if (typeof value === "string" && rng.below(2) === 0) return mutatedText(rng, value);
  return rng.pick(STRANGE);
}

function misspelt(rng: Rng, name: string): string {
  const at = rng.below(name.length + 1);
  return name.slice(0, at) + rng.pick(["", "_", "x", name[at] ?? "s"]) + name.slice(at + rng.below(2));
}

const SNIPPETS = ["{", "}", "[", "]", '"', ",", ":", "\n", "\r\n", "\t", "\\", "\u0000", "\ufeff", "'", "|", "#", "="];

/** The text with some of it cut, doubled, moved or replaced. */
export function mutatedText(rng: Rng, text: string): string {
  let result = text;
  for (let i = 0; i <= rng.below(3); i += 1) {
    const from = rng.below(result.length + 1);
    const to = Math.min(result.length, from + rng.below(20));
    const part = result.slice(from, to);
    const replacement = rng.pick([
      "",
      part + part,
      rng.pick(SNIPPETS),
      JSON.stringify(rng.pick(STRANGE)),
      part.toUpperCase(),
    ]);
    result = result.slice(0, from) + replacement + result.slice(to);
  }
  return result;
}

/** The bytes with some flipped, cut off, put in or doubled. */
export function mutatedBytes(rng: Rng, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let result = Uint8Array.from(bytes);
  for (let i = 0; i <= rng.below(3); i += 1) {
    // Headers lie in front: half of the changes are made there.
    const at = rng.below(rng.below(2) === 0 ? Math.min(64, result.length + 1) : result.length + 1);
    switch (rng.below(5)) {
      case 0:
        if (at < result.length) result[at] = rng.below(256);
        break;
      case 1:
        if (at < result.length) result[at] = (result[at] ?? 0) ^ (1 << rng.below(8));
        break;
      case 2:
        result = result.slice(0, at);
        break;
      case 3:
        result = joined([
          result.slice(0, at),
          Uint8Array.from({ length: rng.below(9) }, () => rng.below(256)),
          result.slice(at),
        ]);
        break;
      default:
        result = joined([result.slice(0, at), result.slice(at, at + 16), result.slice(at)]);
    }
  }
  return result;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
