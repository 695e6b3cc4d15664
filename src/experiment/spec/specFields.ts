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
  /** Labels of the values of a choice, where the value alone says too little. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The control, where it does not follow from the type. lines: texts, one a line. model: a name or a folder. */
  readonly control?: "lines" | "model";
  /** Lines of the control. */
  readonly rows?: number;
}

/** `schema` with its explanation. Apply it last, outside `default` and `nullable`. */
export function field<T extends z.ZodType>(schema: T, { help, ...text }: FieldText): T {
  return schema.meta({ ...text, description: help });
}
