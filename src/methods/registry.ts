/** @file Which method a spec means: the schema of all methods, and a method by its name. list.ts has the methods. */

import { z } from "../base/zod.ts";
import { METHODS } from "./list.ts";
import type { BoundMethod, Method } from "./method.ts";

export const methods: readonly Method[] = METHODS;

type Schemas<Methods extends readonly Method[]> = { -readonly [Index in keyof Methods]: Methods[Index]["schema"] };

function schemasOf<Methods extends readonly Method[]>(list: Methods): Schemas<Methods> {
  return list.map((method) => method.schema) as Schemas<Methods>;
}

/** `method` in a spec: one strict object per method, discriminated by `name`. */
export const methodSchema = z.discriminatedUnion("name", schemasOf(METHODS));

/** Options with every default resolved. */
export type MethodOptions = z.output<typeof methodSchema>;

/** Options as somebody may write them. */
export type MethodInput = z.input<typeof methodSchema>;

export function methodNamed(name: string): Method | undefined {
  return methods.find((method) => method.name === name);
}

/** The method that adds nothing, with which the others are compared. */
export const PLAIN = { name: "sft" } as const satisfies MethodInput;

/** The method that these options name. */
export function bindMethod(options: MethodInput): BoundMethod {
  const method = methodNamed(options.name);
  if (!method) throw new Error(`no method is called ${options.name}`);
  return method.bind(options);
}
