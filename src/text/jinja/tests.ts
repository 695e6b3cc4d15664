/**
 * @file What stands behind `is`.
 */
import { filters } from "./filters.ts";
import { TemplateError } from "./errors.ts";
import { binary, contains } from "./operators.ts";
import { bind } from "./signature.ts";
import { str } from "./spelling.ts";
import { isLower, isUpper } from "./strMethods.ts";
import {
  Attributed,
  Callable,
  compare,
  Dict,
  DictView,
  equal,
  isNumber,
  iterate,
  Markup,
  sizeOf,
  textOf,
  Undefined,
  type Arguments,
  type Value,
} from "./values.ts";

export type Test = (value: Value, args: Arguments) => boolean;

function plain(name: string, passes: (value: Value) => boolean): readonly [string, Test] {
  return [
    name,
    (value, args) => {
      bind(args, [], name);
      return passes(value);
    },
  ];
}

function against(
  names: readonly string[],
  passes: (value: Value, other: Value) => boolean,
): (readonly [string, Test])[] {
  return names.map((name) => [name, (value, args) => passes(value, bind(args, ["other"], name).value("other"))]);
}

function remainder(value: Value, by: bigint): Value {
  return binary("%", value, by);
}

export const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  plain("boolean", (value) => typeof value === "boolean"),
  plain("callable", (value) => value instanceof Callable || (value instanceof Attributed && value.call !== null)),
  plain("defined", (value) => !(value instanceof Undefined)),
  plain("undefined", (value) => value instanceof Undefined),
  plain("escaped", (value) => value instanceof Markup),
  plain("even", (value) => equal(remainder(value, 2n), 0n)),
  plain("odd", (value) => equal(remainder(value, 2n), 1n)),
  plain("false", (value) => value === false),
  plain("true", (value) => value === true),
  plain("float", (value) => typeof value === "number"),
  plain("integer", (value) => typeof value === "bigint"),
  plain("number", isNumber),
  plain("none", (value) => value === null),
  plain("string", (value) => textOf(value) !== null),
  plain("mapping", (value) => value instanceof Dict),
  plain("iterable", (value) => iterate(value) !== null),
  plain("sequence", (value) => sizeOf(value) !== null && !(value instanceof DictView)),
  plain("lower", (value) => isLower(str(value))),
  plain("upper", (value) => isUpper(str(value))),
  plain("filter", (value) => filters.has(textOf(value) ?? "")),
  plain("test", (value) => tests.has(textOf(value) ?? "")),
  ...against(["divisibleby"], (value, by) => equal(binary("%", value, by), 0n)),
  ...against(["in"], (value, container) => contains(container, value)),
  ...against(["sameas"], same),
  ...against(["==", "eq", "equalto"], equal),
  ...against(["!=", "ne"], (a, b) => !equal(a, b)),
  ...against([">", "gt", "greaterthan"], (a, b) => compare(a, b, ">") > 0),
  ...against([">=", "ge"], (a, b) => compare(a, b, ">=") >= 0),
  ...against(["<", "lt", "lessthan"], (a, b) => compare(a, b, "<") < 0),
  ...against(["<=", "le"], (a, b) => compare(a, b, "<=") <= 0),
]);

/** Python's `is`: sure for None, booleans and one and the same object; of equal texts and numbers Python may decide. */
function same(value: Value, other: Value): boolean {
  return value === other;
}

export function runTest(name: string, value: Value, args: Arguments): boolean {
  const test = tests.get(name);
  if (test === undefined) throw new TemplateError(`No test named '${name}'.`);
  return test(value, args);
}
