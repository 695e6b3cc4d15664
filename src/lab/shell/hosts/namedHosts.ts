/** @file The hosts that a document names, and by which of its fields. */
import type { Json } from "../../support/json.ts";

export interface NamedHost {
  /** "https://models.example" */
  readonly origin: string;
  /** "model.aligned" */
  readonly path: string;
  /** The text of the field. */
  readonly text: string;
}

/** Every http address in the strings of `value`; "//host/…" is one, too. @param home address of the page */
export function hostsNamedIn(value: Json | undefined, home: string, path = ""): readonly NamedHost[] {
  if (typeof value === "string") {
    const text = value.trim();
    if (!/^(https?:)?[\\/]{2}/i.test(text) || !URL.canParse(text, home)) return [];
    const { origin, protocol } = new URL(text, home);
    return /^https?:$/.test(protocol) ? [{ origin, path, text }] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, Json]) =>
    hostsNamedIn(part, home, path === "" ? key : `${path}.${key}`),
  );
}
