/**
 * @file Declares a field of the spec: a zod schema with a title, help text and an optional unit.
 *
 * The texts are zod metadata: `z.toJSONSchema` includes them, so the form, error messages and an editor's completion
 * all show the same text.
 */
import type { z } from "zod";

export interface FieldText {
  readonly title: string;
  readonly help: string;
  readonly unit?: string;
  /** For numbers: the scale on which a form should step. */
  readonly scale?: "linear" | "log";
}

/** Attaches title and help to `schema`. Apply it last, outside `default` and `nullable`. */
export function field<T extends z.ZodType>(schema: T, { title, help, unit, scale }: FieldText): T {
  return schema.meta({
    title,
    description: help,
    ...(unit === undefined ? {} : { unit }),
    ...(scale === undefined ? {} : { scale }),
  });
}
