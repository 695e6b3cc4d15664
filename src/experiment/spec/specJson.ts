/** @file A spec as JSON text, with line numbers in every error. */
import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from "jsonc-parser";
import { BasinError } from "../../base/error.ts";
import { checkSpec, pathText, problemsError, type Spec } from "./spec.ts";

/**
 * A complete spec from JSON text.
 * @param name the file's name in errors
 * @throws BasinError for malformed JSON (line and column), a duplicate key, or problems of the spec (path and line)
 */
export function parseSpecJson(text: string, name = "spec"): Spec {
  const { value, lineOf } = readJson(text, name);
  const checked = checkSpec(value);
  if (checked.ok) return checked.spec;
  throw problemsError(checked.problems, (path) => `${name} line ${lineOf(path)}: ${pathText(path)}`);
}

/**
 * A value from JSON text, and the line of each of its parts.
 * @throws BasinError for malformed JSON (line and column), or a duplicate key
 */
export function readJson(
  text: string,
  name: string,
): { readonly value: unknown; readonly lineOf: (path: readonly (string | number)[]) => number } {
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  const errors: ParseError[] = [];
  const tree = parseTree(body, errors, { disallowComments: true, allowTrailingComma: false });
  const [error] = errors;
  if (error !== undefined || tree === undefined) {
    const at = position(body, error?.offset ?? 0);
    throw new BasinError({
      what:
        error === undefined || body.trim() === ""
          ? "The file is empty"
          : `The file is not valid JSON: ${words(printParseErrorCode(error.error))}`,
      where: `${name} line ${at.line}, column ${at.column}`,
      fix:
        body.trim() === ""
          ? "Write {} to get the demo experiment."
          : "Correct the text there. JSON has no comments and no trailing commas.",
    });
  }
  refuseDuplicates(tree, body, name);
  return { value: JSON.parse(body) as unknown, lineOf: (path) => position(body, nearestNode(tree, path).offset).line };
}

/** The node at `path`, or its nearest ancestor that exists (a missing field has no position of its own). */
function nearestNode(tree: Node, path: readonly (string | number)[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node) return node;
  }
  return tree;
}

function refuseDuplicates(node: Node, text: string, name: string): void {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    const key: unknown = child.type === "property" ? child.children?.[0]?.value : undefined;
    if (typeof key === "string") {
      if (seen.has(key)) {
        throw new BasinError({
          what: `The field ${JSON.stringify(key)} appears twice`,
          where: `${name} line ${position(text, child.offset).line}`,
          fix: "Remove one of them.",
        });
      }
      seen.add(key);
    }
    refuseDuplicates(child, text, name);
  }
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** "CommaExpected" -> "comma expected". */
function words(code: string): string {
  return code.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}
