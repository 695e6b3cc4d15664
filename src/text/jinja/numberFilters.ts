/**
 * @file Filters of numbers, and `default`.
 */
import { TemplateError } from "./errors.ts";
import { filter, type FilterList } from "./filter.ts";
import { fixed } from "./formatSpec.ts";
import { signed } from "./operators.ts";
import type { Bound } from "./signature.ts";
import { compare, isNumber, textOf, truth, typeName, Undefined, type Value } from "./values.ts";
import { strip } from "./whitespace.ts";

export const numberFilters: FilterList = [
  ["abs", filter("abs", [], absolute)],
  ["d", filter("d", ["default_value", "boolean"], fallback)],
  ["default", filter("default", ["default_value", "boolean"], fallback)],
  ["float", filter("float", ["default"], (value, args) => toFloat(value) ?? args.value("default", 0))],
  ["int", filter("int", ["default", "base"], toInteger)],
  ["round", filter("round", ["precision", "method"], round)],
];

function absolute(value: Value): Value {
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
  return compare(value, 0n) < 0 ? signed("-", value) : signed("+", value);
}

function fallback(value: Value, args: Bound): Value {
  return value instanceof Undefined || (args.flag("boolean") && !truth(value))
    ? args.value("default_value", "")
    : value;
}

const FLOAT = /^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?$/i;

/** Python's `float(value)`; null where it would raise. */
function toFloat(value: Value): number | null {
  if (value instanceof Undefined) value.fail();
  if (isNumber(value)) return Number(value);
  const text = textOf(value);
  if (text === null) return null;
  const bare = strip(text).toLowerCase();
  if (FLOAT.test(bare)) return Number(bare.replaceAll("_", ""));
  if (/^[-+]?nan$/.test(bare)) return NaN;
  const infinite = /^([-+]?)inf(?:inity)?$/.exec(bare);
  return infinite === null ? null : infinite[1] === "-" ? -Infinity : Infinity;
}

function toInteger(value: Value, args: Bound): Value {
  if (value instanceof Undefined) value.fail();
  if (typeof value === "bigint" || typeof value === "boolean") return BigInt(value);
  const text = textOf(value);
  const parsed = text === null ? null : parseInteger(strip(text), args.integer("base", 10));
  if (parsed !== null) return parsed;
  const float = toFloat(value);
  return float !== null && Number.isFinite(float) ? BigInt(Math.trunc(float)) : args.value("default", 0n);
}

const PREFIXES: Readonly<Record<string, number>> = { "0b": 2, "0o": 8, "0x": 16 };

function parseInteger(text: string, base: number): bigint | null {
  const [, sign = "", body = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  const prefix = PREFIXES[body.slice(0, 2).toLowerCase()];
  const radix = base === 0 ? (prefix ?? 10) : base;
  const digits = prefix === radix ? body.slice(2).replace(/^_/, "") : body;
  if (!/^[\da-z]+(?:_[\da-z]+)*$/i.test(digits) || radix < 2 || radix > 36) return null;
  let total = 0n;
  for (const char of digits.replaceAll("_", "")) {
    const digit = parseInt(char, 36);
    if (digit >= radix) return null;
    total = total * BigInt(radix) + BigInt(digit);
  }
  return sign === "-" ? -total : total;
}

function round(value: Value, args: Bound): Value {
  const precision = args.integer("precision", 0);
  const method = args.text("method", "common");
  if (!["common", "ceil", "floor"].includes(method)) throw new TemplateError("method must be common, ceil or floor");
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) throw new TemplateError(`type ${typeName(value)} doesn't define __round__ method`);
  const scale = 10 ** precision;
  if (method !== "common") return Math[method as "ceil" | "floor"](Number(value) * scale) / scale;
  if (typeof value !== "number" && precision >= 0) return BigInt(value);
  if (precision < 0) {
    const scaled = Number(fixed(Math.abs(Number(value)) * scale, 0)) / scale;
    const rounded = Number(value) < 0 ? -scaled : scaled;
    return typeof value === "number" ? rounded : BigInt(Math.round(rounded));
  }
  const rounded = Number(fixed(Math.abs(Number(value)), precision));
  return Number(value) < 0 ? -rounded : rounded;
}
