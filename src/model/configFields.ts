/**
 * @file Typed access to a config.json, with errors that name the field.
 *
 * transformers distinguishes an absent field (the class's default holds) from null (switched off). Here `optional`
 * does; the others take their fallback for both.
 */

import { describeValue } from "../base/describe.ts";
import { BasinError } from "../base/error.ts";

/** More than any size of a model: positions, vocabulary, features. */
const LARGEST = 2 ** 31 - 1;

/** Far more than any model has; a list of them is made before anything else is known. */
const MOST_LAYERS = 10_000;

/** Typed access to the fields of a config.json. Every method throws a BasinError that names the field. */
export class ConfigFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly where: string;

  constructor(config: unknown, where = "config.json") {
    if (typeof config !== "object" || config === null || Array.isArray(config)) {
      throw new BasinError({
        what: "The model's configuration is not a JSON object",
        where,
        fix: "Use the config.json that belongs to the checkpoint.",
      });
    }
    this.#fields = config as Record<string, unknown>;
    this.where = where;
  }

  get(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  /** A positive whole number, at most `most`. */
  count(name: string, fallback?: number, most = LARGEST): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > most)
      this.fail(name, `must be a whole number from 1 to ${most}, not ${describeValue(value)}`);
    return value as number;
  }

  layers(): number {
    return this.count("num_hidden_layers", undefined, MOST_LAYERS);
  }

  /** A whole number, 0 included. */
  whole(name: string, fallback: number): number {
    return this.get(name) === 0 ? 0 : this.count(name, fallback);
  }

  number(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
      this.fail(name, `must be a number above 0, not ${describeValue(value)}`);
    return value as number;
  }

  /** A positive number; undefined where the file says null, the fallback where it says nothing. */
  optional(name: string, fallback: number | undefined): number | undefined {
    if (!Object.hasOwn(this.#fields, name)) return fallback;
    return this.get(name) === undefined ? undefined : this.number(name);
  }

  /** The same, a whole number. */
  optionalCount(name: string, fallback: number | undefined): number | undefined {
    const value = this.optional(name, fallback);
    return value === undefined ? undefined : this.count(name, value);
  }

  /** A list, one entry per layer at least; undefined where there is none. */
  list(name: string, length: number): readonly unknown[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length < length)
      this.fail(name, `must be a list of ${length} entries, one per layer`);
    return (value as unknown[]).slice(0, length);
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value !== "boolean") this.fail(name, `must be true or false, not ${describeValue(value)}`);
    return value as boolean;
  }

  object(name: string): ConfigFields | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new ConfigFields(value, `${this.where}, ${name}`);
  }

  /** Refuse the model unless the field is absent or has one of these values. */
  require(name: string, allowed: readonly unknown[]): void {
    const value = this.get(name);
    if (value !== undefined && !allowed.includes(value)) {
      const supported = allowed.map((each) => JSON.stringify(each)).join(", ");
      this.fail(name, `${describeValue(value)} is not supported (supported: ${supported})`);
    }
  }

  fail(name: string, problem: string): never {
    throw new BasinError({
      what: `${name}: ${problem}`,
      where: this.where,
      fix: "Choose a model that Basin supports, or mend the file if it was edited.",
    });
  }
}
