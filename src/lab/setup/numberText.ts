/** @file Numbers as people type them, and as the form shows them. */
import { isJsonObject, type Json } from "../support/json.ts";
import { setting } from "../support/format.ts";

/**
 * What a typed text means for the spec: empty is "the default", a number is that number, anything else is kept as
 * typed, so that the check can say what is wrong with it and nothing is lost.
 */
export function fromNumberText(text: string): Json | undefined {
  const trimmed = text.trim().replace("\u2212", "-").replace(",", ".");
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : text;
}

export function toNumberText(value: unknown): string {
  return typeof value === "number" ? setting(value) : typeof value === "string" ? value : "";
}

/** "q_proj, v_proj" for a list; "all-linear" or a pattern as it is. */
export function toTargetsText(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : "";
}

/** A comma or a space makes a list, and so does one plain module name; "all-linear" and patterns stay texts. */
export function fromTargetsText(text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (
    trimmed.toLowerCase() === "all-linear" ||
    /[\\^$*+?()[\]{}|]/.test(trimmed) ||
    (trimmed.includes(".") && !trimmed.includes(","))
  )
    return trimmed;
  return trimmed.split(/[\s,]+/).filter((name) => name !== "");
}

/** `{"down_proj": 3}` as JSON; nothing for an empty object. */
export function toPatternText(value: unknown): string {
  if (typeof value === "string") return value;
  return isJsonObject(value) && Object.keys(value).length > 0
    ? JSON.stringify(value).replaceAll(/":(?=[^"])/g, '": ')
    : "";
}

/** Text that is not JSON is kept as typed: the check says what is wrong with it. */
export function fromPatternText(text: string): Json | undefined {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
