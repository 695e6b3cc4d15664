/**
 * @file Arithmetic, concatenation and membership as Python has them.
 */
import type { BinaryOperator } from "./ast.ts";
import { NotRendered, TemplateError } from "./errors.ts";
import { formatPercent } from "./percentFormat.ts";
import {
  Dict,
  equal,
  isList,
  isNumber,
  iterate,
  Markup,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  for (const value of [left, right]) if (value instanceof Undefined) value.fail();
  if (operator === "%" && textOf(left) !== null) {
    if (left instanceof Markup) throw new NotRendered("% on a text marked safe");
    return formatPercent(textOf(left) ?? "", right);
  }
  if (isNumber(left) && isNumber(right)) return arithmetic(operator, left, right);
  const joined = operator === "+" ? concatenate(left, right) : operator === "*" ? repeat(left, right) : null;
  if (joined !== null) return joined;
  const text = textOf(left) !== null && operator === "+" ? "str" : isList(left) && operator === "+" ? "list" : null;
  throw new TemplateError(
    text === null
      ? `unsupported operand type(s) for ${operator === "**" ? "** or pow()" : operator}: ` +
          `'${typeName(left)}' and '${typeName(right)}'`
      : `can only concatenate ${text} (not "${typeName(right)}") to ${text}`,
  );
}

function concatenate(left: Value, right: Value): Value | null {
  const [a, b] = [textOf(left), textOf(right)];
  if (a !== null && b !== null) {
    if (!(left instanceof Markup) && !(right instanceof Markup)) return a + b;
    return new Markup((left instanceof Markup ? a : escapeHtml(a)) + (right instanceof Markup ? b : escapeHtml(b)));
  }
  if (isList(left) && isList(right)) return [...left, ...right];
  return left instanceof Tuple && right instanceof Tuple ? new Tuple([...left.items, ...right.items]) : null;
}

function repeat(left: Value, right: Value): Value | null {
  if (typeof left === "bigint" || typeof left === "boolean") return isNumber(right) ? null : repeat(right, left);
  if (typeof right !== "bigint" && typeof right !== "boolean") return null;
  const times = Math.max(0, Number(right));
  if (typeof left === "string") return left.repeat(times);
  if (isList(left)) return Array.from({ length: times }, () => left).flat();
  return left instanceof Tuple ? new Tuple(Array.from({ length: times }, () => left.items).flat()) : null;
}

type Numeric = boolean | bigint | number;

function arithmetic(operator: BinaryOperator, left: Numeric, right: Numeric): Value {
  if (typeof left === "number" || typeof right === "number") return floats[operator](Number(left), Number(right));
  const [a, b] = [BigInt(left), BigInt(right)];
  if (operator === "/") return floats["/"](Number(a), Number(b));
  if (operator === "**" && b < 0n) return floats["**"](Number(a), Number(b));
  return integers[operator](a, b);
}

function nonZero<T extends bigint | number>(divisor: T, what: string): T {
  if (Number(divisor) === 0) throw new TemplateError(what);
  return divisor;
}

const integers: Readonly<Record<Exclude<BinaryOperator, "/">, (a: bigint, b: bigint) => bigint>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "//": (a, b) => {
    const quotient = a / nonZero(b, "integer division or modulo by zero");
    return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
  },
  "%": (a, b) => {
    const rest = a % nonZero(b, "integer modulo by zero");
    return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
  },
  "**": (a, b) => {
    if (b > 10000n) throw new NotRendered("a power above 10000");
    return a ** b;
  },
};

const floats: Readonly<Record<BinaryOperator, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / nonZero(b, "division by zero"),
  "//": (a, b) => {
    nonZero(b, "float floor division by zero");
    return Math.floor((a - floats["%"](a, b)) / b + 0.5);
  },
  "%": (a, b) => {
    const rest = a % nonZero(b, "float modulo");
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
  "**": (a, b) => {
    if (a < 0 && !Number.isInteger(b)) throw new NotRendered("a complex number");
    return a ** b;
  },
};

export function signed(operator: "+" | "-", value: Value): Value {
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) throw new TemplateError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  const number = typeof value === "boolean" ? BigInt(value) : value;
  return operator === "-" ? -number : number;
}

/** Python's `in`. */
export function contains(container: Value, item: Value): boolean {
  const text = textOf(container);
  if (text !== null) {
    const part = textOf(item);
    if (part !== null) return text.includes(part);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof Dict) return container.has(item);
  const iterator = iterate(container);
  if (iterator === null) throw new TemplateError(`argument of type '${typeName(container)}' is not iterable`);
  for (let step = iterator.next(); step.done !== true; step = iterator.next()) if (equal(step.value, item)) return true;
  return false;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll(">", "&gt;")
    .replaceAll("<", "&lt;")
    .replaceAll("'", "&#39;")
    .replaceAll('"', "&#34;");
}
