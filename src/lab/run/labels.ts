/** @file How methods, phases and states are named and coloured, in one place. */
import type { MethodSpec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";

export { dataTitle, methodSettings, methodTitle } from "../../experiment/spec/names.ts";

/** A CSS variable (shell/app/styles.ts). */
export function methodColor(method: MethodSpec): string {
  return `--${bindMethod(method).mark.id}`;
}
