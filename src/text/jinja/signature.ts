/**
 * @file The arguments of a call put to the parameters of a function, and read as what they must be.
 */
import { TemplateError } from "./errors.ts";
import { isNumber, textOf, truth, typeName, Undefined, type Arguments, type Value } from "./values.ts";

/** A call's arguments by parameter. */
export class Bound {
  readonly #values: ReadonlyMap<string, Value>;
  readonly #callee: string;

  constructor(values: ReadonlyMap<string, Value>, callee: string) {
    this.#values = values;
    this.#callee = callee;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** @throws TemplateError when it is missing and has no default */
  value(name: string, missing?: Value): Value {
    const given = this.#values.get(name);
    const value = given === undefined ? missing : given;
    if (value !== undefined) return value;
    throw new TemplateError(`${this.#callee}() missing required argument: '${name}'`);
  }

  text(name: string, missing?: string): string {
    const value = this.value(name, missing);
    if (value instanceof Undefined) value.fail();
    const text = textOf(value);
    if (text === null) throw new TemplateError(`${this.#callee}(): '${name}' must be str, not ${typeName(value)}`);
    return text;
  }

  textOrNone(name: string): string | null {
    const value = this.value(name, null);
    return value === null ? null : this.text(name);
  }

  integer(name: string, missing?: number): number {
    const value = this.value(name, missing === undefined ? undefined : BigInt(missing));
    if (value instanceof Undefined) value.fail();
    if (typeof value === "bigint" || typeof value === "boolean") return Number(value);
    throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  }

  integerOrNone(name: string): number | null {
    return this.value(name, null) === null ? null : this.integer(name);
  }

  flag(name: string, missing = false): boolean {
    return truth(this.value(name, missing));
  }

  number(name: string, missing?: number): number {
    const value = this.value(name, missing);
    if (isNumber(value)) return Number(value);
    throw new TemplateError(`${this.#callee}(): '${name}' must be a number, not ${typeName(value)}`);
  }
}

/** @throws TemplateError for more arguments than parameters, an unknown name, or one given twice */
export function bind(args: Arguments, parameters: readonly string[], callee: string): Bound {
  if (args.positional.length > parameters.length) {
    const [most, given] = [parameters.length, args.positional.length];
    throw new TemplateError(`${callee}() takes at most ${most} arguments (${given} given)`);
  }
  const values = new Map<string, Value>();
  for (const [i, value] of args.positional.entries()) values.set(parameters[i] ?? "", value);
  for (const [name, value] of args.named) {
    if (!parameters.includes(name)) throw new TemplateError(`${callee}() got an unexpected keyword argument '${name}'`);
    if (values.has(name)) throw new TemplateError(`${callee}() got multiple values for argument '${name}'`);
    values.set(name, value);
  }
  return new Bound(values, callee);
}

export function noArguments(args: Arguments, callee: string): void {
  bind(args, [], callee);
}
