/**
 * @file Python's format specifications, `{:>8.2f}`: `format(value, spec)`.
 */
import { NotRendered, TemplateError } from "./errors.ts";
import { spellFloat, str } from "./spelling.ts";
import { isNumber, textOf, typeName, type Value } from "./values.ts";
import { codePoints, lengthOf } from "./whitespace.ts";

const SPEC = new RegExp(
  "^(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>\\d+)?" +
    "(?<grouping>[,_])?(?:\\.(?<precision>\\d+))?(?<kind>[a-zA-Z%])?$",
  "su",
);

export function formatValue(value: Value, spec: string): string {
  if (spec === "") return str(value);
  const fields = SPEC.exec(spec)?.groups;
  if (fields === undefined) throw new TemplateError(`Invalid format specifier '${spec}'`);
  const { fill, align, sign, alternate, zero, width = "0", grouping = "", precision, kind = "" } = fields;
  const text = textOf(value);
  const digits = precision === undefined ? undefined : Number(precision);
  let spelt: string;
  if (text !== null) {
    if (kind !== "" && kind !== "s") throw new TemplateError(`Unknown format code '${kind}' for object of type 'str'`);
    if (align === "=" || sign !== undefined || grouping !== "")
      throw new TemplateError("the format specification does not fit a text");
    spelt = digits === undefined ? text : codePoints(text).slice(0, digits).join("");
  } else if (isNumber(value)) {
    if (typeof value === "boolean") throw new NotRendered("a format specification for a bool");
    spelt = formatNumber(value, {
      kind,
      sign: sign ?? "-",
      alternate: alternate !== undefined,
      precision: digits,
      grouping,
    });
  } else throw new TemplateError(`unsupported format string passed to ${typeName(value)}.__format__`);
  const side = align ?? (zero !== undefined ? "=" : text === null ? ">" : "<");
  return aligned(spelt, fill ?? (zero === undefined || align !== undefined ? " " : "0"), side, Number(width));
}

function aligned(text: string, fill: string, align: string, width: number): string {
  const missing = Math.max(0, width - lengthOf(text));
  if (align === "<") return text + fill.repeat(missing);
  if (align === ">") return fill.repeat(missing) + text;
  if (align === "^") {
    const left = Math.floor(missing / 2);
    return fill.repeat(left) + text + fill.repeat(missing - left);
  }
  const [, sign = "", digits = ""] = /^([-+ ]?(?:0[xXob])?)(.*)$/s.exec(text) ?? [];
  return sign + fill.repeat(missing) + digits;
}

export interface NumberStyle {
  /** "d", "f", "x", …; "" for the type's own. */
  readonly kind: string;
  readonly sign: string;
  readonly alternate: boolean;
  readonly precision: number | undefined;
  readonly grouping: string;
}

export function formatNumber(value: boolean | bigint | number, style: NumberStyle): string {
  const number = typeof value === "boolean" ? BigInt(value) : value;
  const negative = number < 0 || Object.is(number, -0);
  const sign = negative ? "-" : style.sign === "-" ? "" : style.sign;
  const size = negative ? -number : number;
  const digits = typeof size === "bigint" && isWhole(style.kind) ? whole(size, style) : real(Number(size), style);
  return sign + digits;
}

function isWhole(kind: string): boolean {
  return ["", "d", "n", "b", "o", "x", "X"].includes(kind);
}

function whole(size: bigint, { kind, alternate, precision, grouping }: NumberStyle): string {
  if (precision !== undefined) throw new TemplateError("Precision not allowed in integer format specifier");
  const base = { b: 2, o: 8, x: 16, X: 16 }[kind] ?? 10;
  const text = size.toString(base);
  if (base === 10) return group(text, grouping);
  if (grouping !== "") throw new NotRendered("groups of digits in another base than ten");
  const cased = kind === "X" ? text.toUpperCase() : text;
  return (alternate ? `0${kind}` : "") + cased;
}

function real(size: number, { kind, precision, grouping, alternate }: NumberStyle): string {
  if (alternate) throw new NotRendered("# in the format of a real number");
  if (!Number.isFinite(size)) throw new NotRendered("a format of inf or nan");
  switch (kind) {
    case "f":
    case "F":
      return group(fixed(size, precision ?? 6), grouping);
    case "%":
      return `${group(fixed(size * 100, precision ?? 6), grouping)}%`;
    case "e":
    case "E": {
      const text = exponential(size, precision ?? 6);
      return kind === "E" ? text.toUpperCase() : text;
    }
    case "":
      if (precision === undefined) return group(spellFloat(size), grouping);
      break;
    default:
  }
  throw new NotRendered(`the format "${kind}" of a real number`);
}

function exponential(size: number, precision: number): string {
  const [digits = "", power = "0"] = size.toExponential(precision).split("e");
  const exponent = Number(power);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Exact halves go to the even digit, where `toFixed` takes the larger one. */
export function fixed(size: number, precision: number): string {
  if (size >= 1e21) throw new NotRendered("the digits of a number above 1e21");
  const up = size.toFixed(precision);
  const next = size.toFixed(Math.min(100, precision + 30));
  const rest = next.slice(next.indexOf(".") + 1 + precision);
  if (!/^50*$/.test(rest)) return up;
  const down = next.slice(0, next.indexOf(".") + (precision === 0 ? 0 : 1 + precision));
  return Number(down.at(-1)) % 2 === 0 ? down : up;
}

function group(text: string, mark: string): string {
  if (mark === "") return text;
  const [integer = "", ...rest] = text.split(/(?=[.e])/);
  return integer.replaceAll(/\B(?=(?:\d{3})+$)/g, mark) + rest.join("");
}
