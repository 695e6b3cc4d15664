/** @file Lists in the cells of a table: CSV holds them as JSON text. */

/** The list that a text holds as JSON; any other value as it is, for the caller to refuse. */
export function listCell(value: unknown): unknown {
  if (typeof value !== "string" || !value.trimStart().startsWith("[")) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
