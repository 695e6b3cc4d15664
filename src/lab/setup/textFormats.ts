/** @file Values of the spec as text: what the form shows, and what typed text means. */
import type { FieldHelp } from "../../experiment/spec/specHelp.ts";
import { isJsonObject, type Json } from "../support/json.ts";
import { setting } from "../support/format.ts";

/** How the form shows a value as text and reads typed text back. */
export interface TextFormat {
  readonly toText: (value: unknown) => string;
  /** undefined: use the default. Text that is not valid is returned as typed, so that the check can report it. */
  readonly fromText: (text: string) => Json | undefined;
  /** A number: decimal keyboard, proportional type. */
  readonly numeric?: boolean;
}

/** How a field's value is written. */
export function formatOf({ kind, control }: FieldHelp): TextFormat {
  switch (control) {
    case "modules":
      return { toText: toTargetsText, fromText: fromTargetsText };
    case "pattern":
      return { toText: toPatternText, fromText: fromPatternText };
    case "auto_number":
      return { toText: toPlainText, fromText: fromAutoText, numeric: true };
    default:
      return kind === "number" || kind === "integer"
        ? { toText: toNumberText, fromText: fromNumberText, numeric: true }
        : { toText: toPlainText, fromText: (text) => (text === "" ? undefined : text) };
  }
}

/** Empty text means the default; text that is not a number is returned as typed. */
export function fromNumberText(text: string): Json | undefined {
  const trimmed = text.trim().replace("\u2212", "-").replace(",", ".");
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : text;
}

export function toNumberText(value: unknown): string {
  return typeof value === "number" ? setting(value) : typeof value === "string" ? value : "";
}

function toPlainText(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** "auto" or a number. */
function fromAutoText(text: string): Json | undefined {
  return text.trim() === "auto" ? "auto" : fromNumberText(text);
}

/** "q_proj, v_proj" for a list; "all-linear" or a pattern unchanged. */
export function toTargetsText(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : "";
}

/** Names separated by commas or spaces become a list, as does a single name; "all-linear" and patterns stay text. */
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

/** `{"down_proj": 3}` as JSON; empty text for an empty object. */
export function toPatternText(value: unknown): string {
  if (typeof value === "string") return value;
  return isJsonObject(value) && Object.keys(value).length > 0
    ? JSON.stringify(value).replaceAll(/":(?=[^"])/g, '": ')
    : "";
}

/** Text that is not JSON is returned as typed: the check reports what is wrong with it. */
export function fromPatternText(text: string): Json | undefined {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
