/** @file How an experiment's method and data are called, in the lab and in reports. */
import { bindMethod } from "../../methods/registry.ts";
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
  return bindMethod(method).title;
}

/** "λ 30, published projector": the options that matter. */
export function methodSettings(method: MethodSpec): string {
  return bindMethod(method).settings;
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
