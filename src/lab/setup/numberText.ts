/** @file Numbers as people type them, and as the form shows them. */
import type { Json } from "../support/json.ts";
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
  if (trimmed.toLowerCase() === "all-linear" || /[\\^$.*+?()[\]{}|]/.test(trimmed)) return trimmed;
  return trimmed.split(/[\s,]+/).filter((name) => name !== "");
}
