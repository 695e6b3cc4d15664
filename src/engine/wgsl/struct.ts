/**
 * @file The layout of a uniform buffer, declared once: it gives the struct of the shader and the type of what a call
 * site passes.
 *
 *     const params = struct({ count: "u32", scale: "f32" });     struct Params { count: u32, scale: f32 }
 *     type Values = ValuesOf<typeof params>;                     { readonly count: number; readonly scale: number }
 */

export type Scalar = "u32" | "i32" | "f32";

export type Fields = Readonly<Record<string, Scalar>>;

/** Scalars of four bytes, one after the other without gaps. */
export interface Struct<F extends Fields = Fields> {
  readonly fields: F;
}

export type ValuesOf<S extends Struct> = Readonly<Record<keyof S["fields"] & string, number>>;

export function struct<const F extends Fields>(fields: F): Struct<F> {
  return { fields };
}

/** WGSL. */
export function structText(name: string, { fields }: Struct): string {
  const lines = Object.entries(fields).map(([field, type]) => `  ${field}: ${type},\n`);
  return `struct ${name} {\n${lines.join("")}}\n`;
}

/**
 * Write the fields' values at the beginning of `view`.
 * @param where for errors
 * @throws Error, naming the field, when one is missing or not declared
 */
export function writeStruct(
  view: DataView,
  { fields }: Struct,
  values: Readonly<Record<string, number>>,
  where: string,
): void {
  Object.entries(fields).forEach(([field, type], index) => {
    const value = values[field];
    if (value === undefined) throw new Error(`${where}: the parameter ${field} is missing`);
    if (type === "f32") view.setFloat32(4 * index, value, true);
    else if (type === "i32") view.setInt32(4 * index, value, true);
    else view.setUint32(4 * index, value, true);
  });
  for (const name of Object.keys(values))
    if (!(name in fields)) throw new Error(`${where}: there is no parameter ${name}`);
}
