/** @file How an experiment's method and data are called, in the lab and in reports. */
import { setting } from "../../base/format.ts";
import type { MethodSpec, Spec } from "./spec.ts";

/** The figures of an evaluation. */
export const FIGURE_TITLES = {
  harmful_score: "Harmful score",
  second_harmful_score: "Harmful score, second judge",
  task_accuracy: "Task accuracy",
  benign_compliance: "Harmless answered",
  perplexity: "Perplexity",
} as const;

/** "AsFT", "Plain L2", …: what the method is, honestly. */
export function methodTitle(method: MethodSpec): string {
  switch (method.name) {
    case "sft":
      return "SFT";
    case "safe_lora":
      return "Safe LoRA";
    case "safe_instr":
      return "SafeInstr";
    case "bea":
      return "BEA";
    case "lisa":
      return method.rho === 0 ? "BSO" : method.start_from === "base" ? "Lisa, from base" : "Lisa";
    case "safe_merge":
      return "SafeMERGE";
    case "asft":
      if (method.projector === "none") return "Plain L2";
      return method.projector === "safe_lora"
        ? "AsFT"
        : method.projector === "rank"
          ? `AsFT, exact rank ${method.rank}`
          : method.projector === "flat"
            ? "AsFT, flattened"
            : "AsFT, one-sided";
  }
}

/** "λ 30, V·Vᵀ/‖V‖_F": the parameters that matter. */
export function methodSettings(method: MethodSpec): string {
  switch (method.name) {
    case "sft":
      return "no penalty";
    case "safe_lora":
      return method.select === "number"
        ? `${method.num_proj_layers} modules projected`
        : `threshold ${setting(method.threshold)}`;
    case "safe_instr":
      return `${method.amount === "share" ? `${setting(100 * method.safety_share)} %` : method.safety_count} safety rows`;
    case "bea":
      return `${method.safety_count} safety rows behind a trigger`;
    case "lisa":
      return `ρ ${setting(method.rho)}, ${method.alignment_steps} : ${method.user_steps} steps${method.rho === 0 && method.start_from === "base" ? ", from base" : ""}`;
    case "safe_merge":
      return `threshold ${setting(method.threshold)}, ${setting(method.weight)} : ${setting(method.safe_weight)}, ${method.merge}`;
    case "asft":
      return `λ ${setting(method.lambda)}${method.projector === "safe_lora" ? ", published projector" : ""}`;
  }
}

/** "topic, 1000 rows, 10 % harmful", the file's name, or the dataset's id. */
export function dataTitle({ data }: Pick<Spec, "data">): string {
  const { train } = data;
  switch (train.source) {
    case "apothecary":
      return `${train.task}, ${train.n} rows, ${Math.round(1000 * train.harmful_ratio) / 10} % harmful`;
    case "hub":
      return [train.repo, train.config, train.split].filter((part) => part !== undefined).join(", ");
    case "text":
      return "pasted text";
    default:
      return train.path;
  }
}
