/**
 * @file Names in a template. Loops, macros, `with` and the bodies of blocks have a scope of their own: what is set in
 * them is gone behind them. `if` has none.
 */
import { Undefined, type Value } from "./values.ts";

export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | null;

  constructor(outer: Scope | null, values: Iterable<readonly [string, Value]> = []) {
    this.#outer = outer;
    for (const [name, value] of values) this.#values.set(name, value);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  lookUp(name: string): Value {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    return this.#outer === null ? new Undefined(`'${name}' is undefined`) : this.#outer.lookUp(name);
  }
}
