/** @file Where a module's A and B lie in the flat buffers of an adapter's parameters. */

import type { ParameterLayout, ParameterRegion } from "../engine/parameters.ts";
import type { AdaptedModule } from "./stages.ts";

/** In floats. */
export interface AdapterWindow {
  readonly start: number;
  readonly count: number;
}

/** @throws Error for a module that is not in the layout */
export function regionsOf(
  { a, b, path }: AdaptedModule,
  { regions }: ParameterLayout,
): { readonly a: ParameterRegion; readonly b: ParameterRegion } {
  const [regionA, regionB] = [regions.get(a), regions.get(b)];
  if (!regionA || !regionB) throw new Error(`${path} has no A and B in the parameter layout`);
  return { a: regionA, b: regionB };
}

/** From the first to the last float of A and B; zero padding may lie between them. */
export function windowOf(module: AdaptedModule, layout: ParameterLayout): AdapterWindow {
  const { a, b } = regionsOf(module, layout);
  const start = Math.min(a.offset, b.offset);
  return { start, count: Math.max(a.offset + a.count, b.offset + b.count) - start };
}

/** The values of A and B by name, as `ParameterStore.readAll` has them. @throws Error for a module without them */
export function factorsOf(
  { a, b, path }: AdaptedModule,
  values: ReadonlyMap<string, Float32Array>,
): { readonly A: Float32Array; readonly B: Float32Array } {
  const [A, B] = [values.get(a), values.get(b)];
  if (!A || !B) throw new Error(`${path} has no A and B`);
  return { A, B };
}
