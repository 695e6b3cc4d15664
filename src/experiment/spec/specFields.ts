/**
 * @file Declares a field of the spec: a zod schema with a title, help text and an optional unit.
 *
 * The texts are zod metadata: `z.toJSONSchema` includes them, so the form, error messages and an editor's completion
 * all show the same text.
 */
import type { z } from "../../base/zod.ts";

/**
 * Controls that do not follow from a field's type.
 *
 * - `name`: a name that is looked up on a server when it is complete
 * - `model`: such a name, or a folder
 * - `text`: a long text
 * - `lines`: a list of texts, one per line
 * - `modules`: a list of module names, or a pattern
 * - `pattern`: values by module, as JSON
 * - `auto_number`: "auto" or a number
 * - `auto_switch`: "auto", true or false
 */
export type FieldControl = "name" | "model" | "text" | "lines" | "modules" | "pattern" | "auto_number" | "auto_switch";

/** How a form shows a field. */
export interface FieldDisplay {
  readonly unit?: string;
  /** For numbers: the scale on which a form should step. */
  readonly scale?: "linear" | "log";
  /** Labels of a choice's values, if the values alone are not clear. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The control, if the type does not determine it. */
  readonly control?: FieldControl;
  /** Shown in an empty text field. */
  readonly example?: string;
  /** Height of the control in lines. */
  readonly rows?: number;
}

export interface FieldText extends FieldDisplay {
  readonly title: string;
  readonly help: string;
}

/** Attaches title, help and form settings to `schema`. Apply it last, outside `default` and `nullable`. */
export function field<T extends z.ZodType>(schema: T, { help, ...text }: FieldText): T {
  return schema.meta({ ...text, description: help });
}
