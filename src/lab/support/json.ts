/** @file JSON documents as immutable values: reading and setting by path. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at "train.learning_rate", or undefined. */
export function getPath(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const key of path.split(".")) {
    if (!isJsonObject(at)) return undefined;
    at = at[key];
  }
  return at;
}

/** A copy with the value at the path set; `undefined` removes it, and the objects that this leaves empty. */
export function setPath(value: JsonObject, path: string, to: Json | undefined): JsonObject {
  const [head = "", ...rest] = path.split(".");
  if (rest.length === 0) {
    const { [head]: _, ...others } = value;
    return to === undefined ? others : { ...value, [head]: to };
  }
  const inner = value[head];
  const next = setPath(isJsonObject(inner) ? inner : {}, rest.join("."), to);
  if (to === undefined && Object.keys(next).length === 0) {
    const { [head]: _, ...others } = value;
    return others;
  }
  return { ...value, [head]: next };
}

/** Same JSON, whatever the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1))) : inner,
    ) ?? ""
  );
}
