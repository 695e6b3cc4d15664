/**
 * @file The kernels of a profile by name, and their texts once each: many rows share one (a text has several entry
 * points, and an operator several shapes).
 */

import type { ProfileRow } from "../../engine/profile.ts";

/** A row that names its kernel's text instead of holding it. */
export type SourcedRow = Omit<ProfileRow, "wgsl"> & {
  /** A key of `sources`. */
  readonly source: string;
};

export interface SourcedRows {
  /** In the order in which they came. */
  readonly rows: readonly SourcedRow[];
  /**
   * WGSL as it was compiled, by a file's name: "rows.wgsl", or "matmul-1.wgsl", "matmul-2.wgsl" where constants make
   * several of one family.
   */
  readonly sources: Readonly<Record<string, string>>;
}

/** The rows of one profile or of several together. */
export function sourced(rows: readonly ProfileRow[]): SourcedRows {
  const families = new Map<string, string[]>();
  for (const { kernel, wgsl } of rows) {
    const texts = families.get(kernel) ?? [];
    if (!texts.includes(wgsl)) families.set(kernel, [...texts, wgsl]);
  }
  const name = (kernel: string, wgsl: string): string => {
    const texts = families.get(kernel) ?? [];
    return (
      `${kernel.replaceAll(/\W+/g, "_").replace(/_$/, "")}` +
      `${texts.length > 1 ? `-${texts.indexOf(wgsl) + 1}` : ""}.wgsl`
    );
  };
  return {
    rows: rows.map(({ wgsl, ...row }) => ({ ...row, source: name(row.kernel, wgsl) })),
    sources: Object.fromEntries(
      [...families].flatMap(([kernel, texts]) => texts.map((wgsl) => [name(kernel, wgsl), wgsl])),
    ),
  };
}

/** What a kernel is called: "matmul · ntShared". */
export function kernelName({ kernel, entry }: Pick<ProfileRow, "kernel" | "entry">): string {
  return `${kernel} · ${entry}`;
}

/** What the text was specialised to, in words: "HEAD_DIM 64, SOFTCAP"; "" where nothing was. */
export function constantsText(constants: ProfileRow["constants"]): string {
  return Object.entries(constants)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name} ${value}`))
    .join(", ");
}

/**
 * Where in a text an entry point begins, its attributes included: an index of a line's first character; 0 where it is
 * not found.
 */
export function entryAt(wgsl: string, entry: string): number {
  const fn = new RegExp(`\\bfn\\s+${entry}\\s*\\(`).exec(wgsl)?.index ?? 0;
  const attribute = wgsl.lastIndexOf("@compute", fn);
  // Another function's attribute, should this one have none.
  const own = attribute >= 0 && !/\bfn\b/.test(wgsl.slice(attribute, fn)) ? attribute : fn;
  return wgsl.lastIndexOf("\n", own) + 1;
}
