/** @file A value from a file, as an error message quotes it. */

const LONGEST = 100;

/** JSON on one line, cut where it is long; "missing" for what is not there. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** The entry of a table by a name that comes from a file: never what an object inherits, such as "constructor". */
export function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
