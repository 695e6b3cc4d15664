/**
 * @file Bindings as a text declares them, so that a call site names them (`bindings: { x, w, y }`) and can never
 * disagree with the shader about order or access: a read-only declaration bound as writable computes silently wrong
 * numbers on some drivers.
 */

import { type Item, parseModule } from "./module.ts";

export interface BindingInfo {
  readonly name: string;
  readonly binding: number;
  readonly access: "uniform" | "read" | "read_write";
}

const BINDING =
  /^(?:\s*\/\/[^\n]*\n)*\s*@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>/;

/**
 * The bindings that an entry point uses, itself or through the functions it calls, in the order of their declarations.
 * @param text plain WGSL, as linked
 */
export function reflectBindings(text: string, entry: string): BindingInfo[] {
  const { items } = parseModule("a linked text", text);
  const reached = reachedFrom(entry, new Map(items.map((item) => [item.name, item])));
  return items.flatMap((item) => {
    const match = reached.has(item) ? BINDING.exec(text.slice(item.span.start, item.span.end)) : null;
    if (!match) return [];
    const [, binding, space, mode] = match;
    const access = space === "uniform" ? "uniform" : mode === "read_write" ? "read_write" : "read";
    return [{ name: item.name, binding: Number(binding), access }];
  });
}

function reachedFrom(entry: string, declared: ReadonlyMap<string, Item>): ReadonlySet<Item> {
  const first = declared.get(entry);
  if (!first) throw new Error(`no entry point ${entry}`);
  // A set that grows while it is walked: each item once.
  const reached = new Set([first]);
  for (const { references } of reached) {
    for (const name of references) {
      const item = declared.get(name);
      if (item) reached.add(item);
    }
  }
  return reached;
}
