/**
 * @file `"{} and {name:>5}".format(a, name=b)`.
 */
import { getItem, getAttribute } from "./attributes.ts";
import { NotRendered, TemplateError } from "./errors.ts";
import { formatValue } from "./formatSpec.ts";
import { repr, str } from "./spelling.ts";
import { Undefined, type Arguments, type Value } from "./values.ts";

const FIELD = /\{\{|\}\}|\{(?<name>[^{}:!]*)(?:!(?<conversion>[^{}:]*))?(?::(?<spec>[^{}]*))?\}|[{}]/g;

export function formatBraces(format: string, args: Arguments): string {
  let automatic = 0;
  return format.replaceAll(FIELD, (whole, ...rest) => {
    if (whole === "{{" || whole === "}}") return whole.slice(1);
    const { name = "", conversion, spec = "" } = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    if (whole === "{" || whole === "}") {
      if (format.includes("{", format.indexOf("{:") + 2)) throw new NotRendered("this format string");
      throw new TemplateError(`Single '${whole}' encountered in format string`);
    }
    const [, first = "", path = ""] = /^([^.[]*)(.*)$/s.exec(name) ?? [];
    let value = argument(first === "" ? String(automatic) : first, args);
    if (first === "") automatic += 1;
    for (const [, attribute, index] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      value = attribute === undefined ? getItem(value, key(index ?? "")) : getAttribute(value, attribute);
      if (value instanceof Undefined) value.fail();
    }
    if (conversion === "r") return formatValue(repr(value), spec);
    if (conversion === "s") return formatValue(str(value), spec);
    if (conversion !== undefined) throw new NotRendered(`the conversion !${conversion} in a format string`);
    return formatValue(value, spec);
  });
}

function argument(name: string, args: Arguments): Value {
  const value = /^\d+$/.test(name) ? args.positional[Number(name)] : args.named.get(name);
  if (value !== undefined) return value;
  throw new TemplateError(`Replacement index ${name} out of range for positional args tuple`);
}

function key(text: string): Value {
  return /^\d+$/.test(text) ? BigInt(text) : text;
}
