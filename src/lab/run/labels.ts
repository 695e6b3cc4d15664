/** @file How methods, phases and states are named and coloured, in one place. */
import type { MethodSpec } from "../../experiment/spec/spec.ts";

export { dataTitle, methodSettings, methodTitle } from "../../experiment/spec/names.ts";

/** A CSS variable. */
export function methodColor(method: MethodSpec): string {
  switch (method.name) {
    case "sft":
      return "--sft";
    case "safe_lora":
      return "--safe-lora";
    case "safe_instr":
      return "--safe-instr";
    case "bea":
      return "--bea";
    case "lisa":
      return "--lisa";
    case "safe_merge":
      return "--safe-merge";
    case "asft":
      return method.projector === "none" ? "--l2" : "--asft";
  }
}

/** Where colours alone would have to be told apart. */
export type MethodShape = "circle" | "square" | "diamond" | "up" | "down" | "plus" | "cross" | "star";

export function methodShape(method: MethodSpec): MethodShape {
  switch (method.name) {
    case "sft":
      return "circle";
    case "safe_lora":
      return "up";
    case "safe_instr":
      return "down";
    case "bea":
      return "plus";
    case "lisa":
      return "cross";
    case "safe_merge":
      return "star";
    case "asft":
      return method.projector === "none" ? "diamond" : "square";
  }
}

export function hasPenalty(method: MethodSpec): boolean {
  return method.name === "asft" || (method.name === "lisa" && method.rho > 0);
}
