/**
 * @file How a field of the spec is declared: a zod schema with a title, help text and, where it has one, a unit.
 *
 * The texts are zod metadata, so that `z.toJSONSchema` carries them and the form, the documents and an editor's
 * completion show the same words.
 */
import type { z } from "zod";

export interface FieldText {
  readonly title: string;
  readonly help: string;
  readonly unit?: string;
  /** For numbers: how a form should step. */
  readonly scale?: "linear" | "log";
}

/** `schema` with its explanation. Apply it last, outside `default` and `nullable`. */
export function field<T extends z.ZodType>(schema: T, { title, help, unit, scale }: FieldText): T {
  return schema.meta({
    title,
    description: help,
    ...(unit === undefined ? {} : { unit }),
    ...(scale === undefined ? {} : { scale }),
  });
}
