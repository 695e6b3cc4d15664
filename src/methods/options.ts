/**
 * @file A method's options, written once: the zod schema holds types, defaults and limits, its metadata the words. The
 * form, the help, the method's card and JSON Schema are read from it.
 *
 *     rho: option(z.number().min(0).default(1), { title: "rho", description: "Weight of the term.", scale: "log" })
 */

import { z } from "../base/zod.ts";

export interface Choice {
  /** As the form shows it. */
  readonly label: string;
  /** Where choices need explaining, the form draws them as cards: with a formula, and a note on the selected one. */
  readonly formula?: string;
  readonly note?: string;
}

/** What describes an option beside its type, default and limits. */
export interface OptionText {
  readonly title: string;
  readonly description: string;
  /** Of a number. */
  readonly unit?: string;
  /** How a form steps a number. */
  readonly scale?: "linear" | "log";
  /** A slider over powers of ten, from and to these exponents, beside the field. */
  readonly dial?: readonly [from: number, to: number];
  /** For an enum: the label of each value, or more. A value that says enough by itself may be left out. */
  readonly choices?: Readonly<Record<string, string | Choice>>;
  /** What the choice is about, for a form that draws cards. */
  readonly caption?: string;
  /** It matters only while another option has this value. */
  readonly when?: { readonly name: string; readonly value: string | null };
  /** Rarely changed: the form folds it away. */
  readonly advanced?: true;
  /** What the text names. */
  readonly names?: "file" | "adapter";
}

/** `schema` with its words. Apply it last, outside `default` and `nullable`. */
export function option<T extends z.ZodType>(schema: T, words: OptionText): T {
  const { choices } = words;
  if (choices === undefined) return schema.meta({ ...words });
  // Labels on their own are what the fields of every other part of the spec have (experiment/spec/specFields.ts).
  const labels = Object.fromEntries(Object.entries(choices).map(([value, choice]) => [value, choiceOf(choice).label]));
  return schema.meta({ ...words, labels });
}

/** One option as forms and documents need it; derived from a method's schema. */
export interface MethodOption extends Omit<OptionText, "choices"> {
  /** As in the spec; with dots where it is a field of another option: "guard.kind". */
  readonly name: string;
  readonly default: number | string | boolean | null;
  /** In the schema's order; empty unless it is a choice. */
  readonly choices: readonly (Choice & { readonly value: string })[];
}

/** A strict object with the literal `name` and options that all have defaults. */
export type OptionsSchema = z.ZodObject<z.core.$ZodLooseShape, z.core.$strict>;

/** The options of a method, in the schema's order. */
export function optionsOf(schema: OptionsSchema, method: string): readonly MethodOption[] {
  const defaults = schema.parse({ name: method });
  return Object.entries(schema.shape).flatMap(([name, field]): MethodOption[] => {
    if (name === "name") return [];
    const union = unionOf(field);
    const own = { name, method, field: field as z.ZodType, value: defaults[name] };
    return union === null ? [plainOption(own)] : unionOptions(own, union);
  });
}

/** A field of a method's schema, with its default. */
interface OptionField {
  readonly name: string;
  readonly method: string;
  readonly field: z.ZodType;
  readonly value: unknown;
}

function plainOption({ name, method, field, value }: OptionField): MethodOption {
  const words = wordsOf(field, `${method}.${name}`);
  const values = (z.toJSONSchema(field, { io: "input" }) as { readonly enum?: readonly string[] }).enum;
  return {
    ...words,
    name,
    default: value as MethodOption["default"],
    choices: (values ?? []).map((each) => ({ value: each, ...choiceOf(words.choices?.[each] ?? each) })),
  };
}

/** The tag of a union as a choice, then the fields of each of its kinds. */
function unionOptions({ name, method, field, value }: OptionField, union: z.ZodDiscriminatedUnion): MethodOption[] {
  const words = wordsOf(field, `${method}.${name}`);
  const tag = union.def.discriminator;
  const kinds = union.options.map((kind) => {
    const { shape } = kind as OptionsSchema;
    return { shape, kind: String((shape[tag] as z.ZodLiteral).value), schema: kind as z.ZodType };
  });
  const tagName = `${name}.${tag}`;
  return [
    {
      ...words,
      name: tagName,
      default: Reflect.get(value as object, tag) as string,
      choices: kinds.map(({ kind }) => ({ value: kind, ...choiceOf(words.choices?.[kind] ?? kind) })),
    },
    ...kinds.flatMap(({ shape, kind, schema }) => {
      const defaults = schema.parse({ [tag]: kind }) as Readonly<Record<string, unknown>>;
      return Object.entries(shape)
        .filter(([key]) => key !== tag)
        .map(([key, inner]) => ({
          ...plainOption({ name: `${name}.${key}`, method, field: inner as z.ZodType, value: defaults[key] }),
          when: { name: tagName, value: kind },
        }));
    }),
  ];
}

/** The discriminated union under a field's default; null for any other field. */
function unionOf(field: unknown): z.ZodDiscriminatedUnion | null {
  if (field instanceof z.ZodPrefault || field instanceof z.ZodDefault) return unionOf(field.unwrap());
  return field instanceof z.ZodDiscriminatedUnion ? field : null;
}

/** The value of an option, whose name may have dots. */
export function optionValue(options: Readonly<Record<string, unknown>>, name: string): unknown {
  return name
    .split(".")
    .reduce<unknown>(
      (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
      options,
    );
}

/** Whether an option matters while the others are `options`. */
export function isActive({ when }: Pick<MethodOption, "when">, options: Readonly<Record<string, unknown>>): boolean {
  return when === undefined || (optionValue(options, when.name) ?? null) === when.value;
}

/**
 * Options as they would count now: what was written where it is valid, else the default. For forms, whose draft may be
 * wrong in places.
 */
export function validOptions(
  schema: OptionsSchema,
  method: string,
  written: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> & { readonly name: string } {
  const valid = Object.entries(schema.shape).filter(
    ([name, field]) => written[name] !== undefined && (field as z.ZodType).safeParse(written[name]).success,
  );
  return schema.parse({
    ...Object.fromEntries(valid.map(([name]) => [name, written[name]])),
    name: method,
  }) as Readonly<Record<string, unknown>> & { readonly name: string };
}

function wordsOf(field: z.ZodType, where: string): OptionText {
  const words = field.meta() as Partial<OptionText> | undefined;
  const { title, description } = words ?? {};
  if (title === undefined || description === undefined) throw new Error(`${where} has no title and description`);
  return { ...words, title, description };
}

function choiceOf(choice: string | Choice): Choice {
  return typeof choice === "string" ? { label: choice } : choice;
}
