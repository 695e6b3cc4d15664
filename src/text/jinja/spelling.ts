/**
 * @file Values as text: Python's `str`, `repr` and, for `tojson`, `json.dumps`.
 */
import { NotRendered, TemplateError } from "./errors.ts";
import {
  Attributed,
  compare,
  Dict,
  DictView,
  isList,
  Markup,
  Range,
  sequenceItems,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

export function str(value: Value): string {
  return textOf(value) ?? (value instanceof Undefined ? "" : repr(value));
}

export function repr(value: Value): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return spellFloat(value);
  if (typeof value === "string") return quote(value);
  if (value instanceof Markup) return `Markup(${quote(value.text)})`;
  if (value instanceof Undefined) return "Undefined";
  if (isList(value)) return `[${value.map(repr).join(", ")}]`;
  const items = sequenceItems(value);
  if (items !== null) return items.length === 1 ? `(${items.map(repr).join()},)` : `(${items.map(repr).join(", ")})`;
  if (value instanceof Dict) return `{${[...value.entries()].map((pair) => pair.map(repr).join(": ")).join(", ")}}`;
  if (value instanceof DictView) return `${value.kind}([${value.values().map(repr).join(", ")}])`;
  if (value instanceof Range)
    return `range(${value.start}, ${value.stop}${value.step === 1n ? "" : `, ${value.step}`})`;
  if (value instanceof Attributed && value.type === "Namespace") {
    const attributes = value.attribute("__attributes__");
    return `<Namespace ${attributes === undefined ? "" : repr(attributes)}>`;
  }
  throw new NotRendered(`a ${typeName(value)} as text`);
}

/** The shortest digits that give the number back, with an exponent below 1e-4 and from 1e16. */
export function spellFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) {
    const plain = size < 1e-6 ? value.toFixed(20).replace(/0+$/, "") : String(value);
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replaceAll(/[\\\n\r\t'"]|[\p{C}\p{Z}]/gu, (char) => {
    const named = NAMED[char];
    if (named !== undefined) return named;
    if (char === mark) return `\\${char}`;
    if (char === " " || char === "'" || char === '"') return char;
    const code = char.codePointAt(0) ?? 0;
    const [letter, width] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(Number(width), "0")}`;
  });
  return mark + inner + mark;
}

export interface JsonStyle {
  readonly ensureAscii: boolean;
  /** One level's blanks; null puts all on one line. */
  readonly indent: string | null;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

export function dumps(value: Value, style: JsonStyle, depth = 0): string {
  const text = textOf(value);
  if (text !== null) return jsonText(text, style.ensureAscii);
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return jsonFloat(value);
  const inner = (item: Value): string => dumps(item, style, depth + 1);
  if (isList(value) || value instanceof Tuple) {
    return container("[", (isList(value) ? value : value.items).map(inner), "]", style, depth);
  }
  if (!(value instanceof Dict)) throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
  const entries = [...value.entries()];
  if (style.sortKeys) entries.sort(([a], [b]) => compare(a, b));
  const pairs = entries.map(([key, item]) => jsonKey(key, style) + style.keySeparator + inner(item));
  return container("{", pairs, "}", style, depth);
}

function container(open: string, items: readonly string[], close: string, style: JsonStyle, depth: number): string {
  if (style.indent === null || items.length === 0) return open + items.join(style.itemSeparator) + close;
  const line = `\n${style.indent.repeat(depth + 1)}`;
  return `${open}${line}${items.join(style.itemSeparator + line)}\n${style.indent.repeat(depth)}${close}`;
}

function jsonKey(key: Value, style: JsonStyle): string {
  const text = textOf(key);
  if (text !== null) return jsonText(text, style.ensureAscii);
  if (key === null || typeof key === "boolean" || typeof key === "bigint") return `"${key}"`;
  if (typeof key === "number") return `"${jsonFloat(key)}"`;
  throw new TemplateError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? spellFloat(value) : value > 0 ? "Infinity" : "-Infinity";
}

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
};

function jsonText(text: string, ensureAscii: boolean): string {
  // eslint-disable-next-line no-control-regex
  const escaped = ensureAscii ? /["\\]|[^ -~]/g : /["\\\x00-\x1f]/g;
  const inner = text.replaceAll(
    escaped,
    (char) => JSON_ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${inner}"`;
}
