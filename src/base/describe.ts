/** @file A value from a file, as an error message quotes it. */

/** JSON on one line, cut where it is longer than `longest` characters; "missing" for what is not there. */
export function describeValue(value: unknown, longest = 100): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? typeof value;
  if (text.length <= longest) return text;
  const cut = text.slice(0, longest - 1);
  // A quotation that is cut ends like any other.
  const isOpen = (cut.replaceAll(/\\./g, "").split('"').length - 1) % 2 === 1;
  return `${cut}…${isOpen ? '"' : ""}`;
}

/** The entry of a table by a name that comes from a file: never what an object inherits, such as "constructor". */
export function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
