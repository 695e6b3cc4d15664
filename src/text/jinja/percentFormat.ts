/**
 * @file `"%s is %d" % (a, b)`: Python's printf-like formatting.
 */
import { NotRendered, TemplateError } from "./errors.ts";
import { formatNumber } from "./formatSpec.ts";
import { repr, str } from "./spelling.ts";
import { Dict, isNumber, Tuple, typeName, type Value } from "./values.ts";
import { codePoints, lengthOf } from "./whitespace.ts";

const FIELD = new RegExp(
  "%(?:\\((?<key>[^)]*)\\))?(?<flags>[-+ #0]*)(?<width>\\*|\\d*)(?:\\.(?<precision>\\*|\\d*))?[hlL]?(?<kind>.|$)",
  "gsu",
);

export function formatPercent(format: string, given: Value): string {
  const values = given instanceof Tuple ? [...given.items] : [given];
  let taken = 0;
  let byKey = false;
  const next = (): Value => {
    if (taken >= values.length) throw new TemplateError("not enough arguments for format string");
    taken += 1;
    return values[taken - 1] ?? null;
  };
  const text = format.replaceAll(FIELD, (whole, ...rest) => {
    const field = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    const { key, kind = "" } = field;
    if (whole === "%%") return "%";
    if (field.width === "*" || field.precision === "*") throw new NotRendered("a width of * in % formatting");
    if (key === undefined) return convert(next(), kind, field);
    byKey = true;
    if (!(given instanceof Dict)) throw new TemplateError("format requires a mapping");
    const value = given.get(key);
    if (value === undefined) throw new TemplateError(`KeyError: '${key}'`);
    return convert(value, kind, field);
  });
  if (!byKey && taken < values.length && !(given instanceof Dict))
    throw new TemplateError("not all arguments converted during string formatting");
  return text;
}

function convert(value: Value, kind: string, field: Readonly<Record<string, string | undefined>>): string {
  const { flags = "", width = "", precision } = field;
  const digits = precision === undefined ? undefined : Number(precision);
  if ("sr".includes(kind) && kind !== "") {
    const text = kind === "s" ? str(value) : repr(value);
    return pad(digits === undefined ? text : codePoints(text).slice(0, digits).join(""), flags, width, false);
  }
  if (!"diufFeEgGxXo".includes(kind) || kind === "") {
    if (kind === "a" || kind === "c") throw new NotRendered(`%${kind} in % formatting`);
    throw new TemplateError(kind === "" ? "incomplete format" : `unsupported format character '${kind}'`);
  }
  if (!isNumber(value)) throw new TemplateError(`%${kind} format: a real number is required, not ${typeName(value)}`);
  const whole = "diu".includes(kind);
  if (whole && digits !== undefined) throw new NotRendered("a precision of whole numbers in % formatting");
  const number = whole ? BigInt(typeof value === "number" ? Math.trunc(value) : value) : value;
  if ("xXo".includes(kind) && typeof number === "number")
    throw new TemplateError(`%${kind} format: an integer is required, not float`);
  const sign = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "-";
  const alternate = flags.includes("#");
  const spelt = formatNumber(number, { kind: whole ? "d" : kind, sign, alternate, precision: digits, grouping: "" });
  return pad(spelt, flags, width, true);
}

function pad(text: string, flags: string, width: string, isNumeric: boolean): string {
  const missing = Math.max(0, Number(width) - lengthOf(text));
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0") || !isNumeric) return " ".repeat(missing) + text;
  const [, sign = "", digits = ""] = /^([-+ ]?(?:0[xXo])?)(.*)$/s.exec(text) ?? [];
  return sign + "0".repeat(missing) + digits;
}
