/** @file Error messages for an invalid spec: each problem has a path, a sentence and a fix. */
import { describeValue } from "../../base/describe.ts";
import { isRecord } from "../../base/records.ts";
import type { z } from "../../base/zod.ts";
import { editDistance } from "../../weights/targetModules.ts";
import { fieldHelp, helpFor, type FieldHelp } from "./specHelp.ts";

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly what: string;
  /** What the field means. Forms show it next to the field anyway. */
  readonly about?: string;
  /** What to do; empty if `what` says it all. */
  readonly fix: string;
}

/** Meaning of the field and fix, for errors that are not shown next to the field. */
export function remedyText({ about, fix }: Problem): string {
  return [about, fix].filter((part) => part !== undefined && part !== "").join(" ");
}

/** The problems in one zod issue (an issue can list several unknown fields). */
export function describeIssue(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownField(key, path, value));
  if (issue.code === "invalid_union" && issue.discriminator !== undefined && "options" in issue) {
    return [
      unknownOption(
        issue.discriminator,
        (issue.options ?? []).filter((option) => option !== undefined).map(String),
        path,
        value,
        issue.message,
      ),
    ];
  }
  const help = helpFor(path.filter((part) => typeof part === "string").join("."), value);
  return [
    {
      path,
      what: sentence(issue, path, at(value, path), help),
      ...(help === undefined ? {} : { about: help.help }),
      fix: remedy(help),
    },
  ];
}

function unknownField(key: string, path: readonly (string | number)[], value: unknown): Problem {
  const parent = path.join(".");
  const object = at(value, path);
  const known = fieldHelp.filter((help) => isActive(help, parent, object));
  const nearest = nearestField(key, parent, known);
  const siblings = [
    ...new Set(known.filter((help) => parentOf(help.path) === parent).map((help) => lastOf(help.path))),
  ];
  return {
    path: [...path, key],
    what: `There is no field ${JSON.stringify(key)}${parent === "" ? "" : ` in ${parent}`}`,
    fix:
      `Did you mean ${JSON.stringify(nearest)}? ` +
      `Fields of ${parent === "" ? "the document" : parent}: ${siblings.join(", ")}.`,
  };
}

/** Never suggest fields of another method (or of another data source). */
function isActive(help: FieldHelp, parent: string, object: unknown): boolean {
  if (help.when === undefined || parentOf(help.path) !== parent) return true;
  const chosen = isRecord(object) ? object[lastOf(help.when.path)] : undefined;
  return help.when.equals.includes(typeof chosen === "string" ? chosen : null);
}

/**
 * The most similar field name, by edit distance relative to length; a name that contains the other counts as similar.
 * Fields of the same object are preferred; a field of another object is returned with its path.
 */
function nearestField(key: string, parent: string, known: readonly FieldHelp[]): string {
  let best = { text: "", distance: Infinity };
  for (const { path } of known) {
    const name = lastOf(path);
    const [a, b] = [key.toLowerCase().replaceAll(/[_-]/g, ""), name.toLowerCase().replaceAll("_", "")];
    const contained = a.length > 2 && b.length > 2 && (a.includes(b) || b.includes(a)) ? 0.5 : 1;
    const here = parentOf(path) === parent;
    const distance = (editDistance(a, b) / Math.max(a.length, b.length)) * contained + (here ? 0 : 0.4);
    if (distance < best.distance) best = { text: here ? name : path, distance };
  }
  return best.text;
}

/** How zod's own messages for a tag that is none of the options begin. */
const UNKNOWN = "Invalid discriminator";

function unknownOption(
  tag: string,
  options: readonly string[],
  path: readonly (string | number)[],
  value: unknown,
  message: string,
): Problem {
  const given = at(value, path);
  // A schema that knows the value says why it is refused.
  const why = message.startsWith(UNKNOWN) ? "" : `: ${message}`;
  const owner = path.slice(0, -1).join(".");
  const nearest =
    typeof given === "string"
      ? [...options].sort((a, b) => editDistance(given, a) - editDistance(given, b))[0]
      : undefined;
  return {
    path,
    what:
      given === undefined ? `The field ${tag} of ${owner} is missing` : `${path.join(".")} is ${shown(given)}${why}`,
    fix:
      `Use one of ${options.join(", ")}.` +
      (nearest === undefined || why !== "" ? "" : ` Did you mean ${JSON.stringify(nearest)}?`),
  };
}

function sentence(
  issue: z.core.$ZodIssue,
  path: readonly (string | number)[],
  given: unknown,
  help: FieldHelp | undefined,
): string {
  const name = path.length === 0 ? "The document" : path.join(".");
  if (given === undefined) return `The field ${name} is missing`;
  if (given === "") return `${name} is empty`;
  switch (issue.code) {
    case "invalid_type":
      return `${name} is ${shown(given)}, not ${typeName(issue.expected)}`;
    case "too_small":
      return `${name} is ${shown(given)}, but must be ${boundText(issue, "above", "at least", issue.minimum)}`;
    case "too_big":
      return `${name} is ${shown(given)}, but must be ${boundText(issue, "below", "at most", issue.maximum)}`;
    case "invalid_value":
      return `${name} is ${shown(given)}${help?.options ? "" : `: ${issue.message}`}`;
    case "invalid_union":
      return `${name} is ${shown(given)}, which has the wrong type`;
    default:
      return `${name} is ${shown(given)}: ${issue.message}`;
  }
}

function boundText(
  { inclusive, origin }: { readonly inclusive?: boolean | undefined; readonly origin: string },
  exclusive: string,
  orEqual: string,
  bound: number | bigint,
): string {
  const unit = origin === "string" ? " characters long" : origin === "array" ? " entries long" : "";
  return `${inclusive === false ? exclusive : orEqual} ${bound}${unit}`;
}

function typeName(expected: string): string {
  const names: Record<string, string> = {
    int: "a whole number",
    number: "a number",
    string: "a text",
    boolean: "true or false",
    object: "an object",
    record: "an object",
    array: "a list",
  };
  return names[expected] ?? `a value of type ${expected}`;
}

function remedy(help: FieldHelp | undefined): string {
  if (help === undefined) return "Correct this value.";
  const parts: string[] = [];
  if (help.options) parts.push(`Use one of ${help.options.join(", ")}.`);
  const { minimum, maximum } = help;
  if (minimum !== undefined && maximum !== undefined) parts.push(`Range: ${minimum} to ${maximum}.`);
  else if (minimum !== undefined) parts.push(`Minimum: ${minimum}${help.exclusiveMinimum ? " (exclusive)" : ""}.`);
  else if (maximum !== undefined) parts.push(`Maximum: ${maximum}${help.exclusiveMaximum ? " (exclusive)" : ""}.`);
  if (help.default !== undefined && help.default !== null) parts.push(`Default: ${JSON.stringify(help.default)}.`);
  return parts.join(" ");
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, part) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, part) : undefined),
    value,
  );
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** One of several in a line, so shorter than elsewhere. */
function shown(value: unknown): string {
  return describeValue(value, 60);
}
