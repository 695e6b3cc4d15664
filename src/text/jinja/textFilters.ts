/**
 * @file Filters that make a text of something.
 */
import { TemplateError } from "./errors.ts";
import { attributeGetter, filter, type FilterList } from "./filter.ts";
import { escapeHtml } from "./operators.ts";
import { formatPercent } from "./percentFormat.ts";
import type { Bound } from "./signature.ts";
import { dumps, str } from "./spelling.ts";
import { capitalize, center, replaceText, splitLines } from "./strMethods.ts";
import { Dict, listOf, Markup, textOf, Tuple, Undefined, type Value } from "./values.ts";
import { codePoints, lengthOf, SPACE, strip } from "./whitespace.ts";

export const textFilters: FilterList = [
  ["capitalize", filter("capitalize", [], (value) => capitalize(str(value)))],
  ["center", filter("center", ["width"], (value, args) => center(str(value), args.integer("width", 80)))],
  ["e", filter("e", [], escape)],
  ["escape", filter("escape", [], escape)],
  ["format", (value, { positional, named }) => format(str(value), positional, named)],
  ["indent", filter("indent", ["width", "first", "blank"], indent)],
  ["join", filter("join", ["d", "attribute"], join)],
  ["lower", filter("lower", [], (value) => str(value).toLowerCase())],
  ["replace", filter("replace", ["old", "new", "count"], replace)],
  ["safe", filter("safe", [], (value) => new Markup(str(value)))],
  ["string", filter("string", [], (value) => (value instanceof Markup ? value : str(value)))],
  ["title", filter("title", [], (value) => title(str(value)))],
  ["tojson", filter("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], toJson)],
  ["trim", filter("trim", ["chars"], (value, args) => strip(str(value), args.textOrNone("chars")))],
  ["truncate", filter("truncate", ["length", "killwords", "end", "leeway"], truncate)],
  ["upper", filter("upper", [], (value) => str(value).toUpperCase())],
  ["urlencode", filter("urlencode", [], urlencode)],
  ["wordcount", filter("wordcount", [], (value) => BigInt(str(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0))],
];

function escape(value: Value): Value {
  return value instanceof Markup ? value : new Markup(escapeHtml(str(value)));
}

function format(text: string, positional: readonly Value[], named: ReadonlyMap<string, Value>): Value {
  if (positional.length > 0 && named.size > 0)
    throw new TemplateError("can't handle positional and keyword arguments at the same time");
  return formatPercent(text, named.size > 0 ? new Dict(named) : new Tuple(positional));
}

function indent(value: Value, args: Bound): Value {
  if (value instanceof Undefined) value.fail();
  const text = textOf(value);
  if (text === null) throw new TemplateError("indent() takes a text");
  const width = args.value("width", 4n);
  const blanks = typeof width === "string" ? width : " ".repeat(args.integer("width", 4));
  const lines = splitLines(`${text}\n`);
  const rest = lines.slice(1).map((line) => (line !== "" || args.flag("blank") ? blanks + line : line));
  const indented = [lines[0] ?? "", ...rest].join("\n");
  return args.flag("first") ? blanks + indented : indented;
}

function join(value: Value, args: Bound): Value {
  const attribute = args.value("attribute", null);
  const items = listOf(value);
  return (attribute === null ? items : items.map(attributeGetter(attribute))).map(str).join(str(args.value("d", "")));
}

function replace(value: Value, args: Bound): Value {
  const most = args.integerOrNone("count");
  return replaceText(str(value), str(args.value("old")), str(args.value("new")), most ?? -1);
}

function title(text: string): string {
  return text
    .split(new RegExp(`([-({[<]|${SPACE})`))
    .map((word) => {
      const [first = "", ...rest] = codePoints(word);
      return first.toUpperCase() + rest.join("").toLowerCase();
    })
    .join("");
}

/** transformers' own filter: json.dumps, where Jinja2's would escape HTML. */
function toJson(value: Value, args: Bound): Value {
  const indent = args.value("indent", null);
  const separators = args.value("separators", null);
  const [itemSeparator, keySeparator] = separators === null ? [] : listOf(separators).map(str);
  return dumps(value, {
    ensureAscii: args.flag("ensure_ascii"),
    indent: indent === null ? null : (textOf(indent) ?? " ".repeat(Math.max(0, args.integer("indent")))),
    itemSeparator: itemSeparator ?? (indent === null ? ", " : ","),
    keySeparator: keySeparator ?? ": ",
    sortKeys: args.flag("sort_keys"),
  });
}

function truncate(value: Value, args: Bound): Value {
  const text = str(value);
  const length = args.integer("length", 255);
  const end = args.text("end", "...");
  const leeway = args.integerOrNone("leeway") ?? 5;
  if (length < lengthOf(end)) throw new TemplateError(`expected length >= ${lengthOf(end)}, got ${length}`);
  if (lengthOf(text) <= length + leeway) return text;
  const cut = codePoints(text)
    .slice(0, length - lengthOf(end))
    .join("");
  const space = cut.lastIndexOf(" ");
  return (args.flag("killwords") || space < 0 ? cut : cut.slice(0, space)) + end;
}

function urlencode(value: Value): Value {
  const quote = (part: Value, forQuery: boolean): string => {
    const text = encodeURIComponent(str(part)).replaceAll(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
    return forQuery ? text.replaceAll("%20", "+") : text.replaceAll("%2F", "/");
  };
  if (textOf(value) !== null) return quote(value, false);
  const pairs = value instanceof Dict ? [...value.entries()] : listOf(value).map(listOf);
  return pairs.map(([key = null, item = null]) => `${quote(key, true)}=${quote(item, true)}`).join("&");
}
