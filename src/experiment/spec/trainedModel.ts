/** @file Which model of the pair is trained: the aligned one, or the unaligned one if the method starts from it. */
import { bindMethod } from "../../methods/registry.ts";
import type { Spec } from "./spec.ts";

/** Name of the model that the run trains; its adapters belong to this model. */
export function trainedModel({ method, model }: Pick<Spec, "method" | "model">): string {
  return bindMethod(method).before.twin === "trained" && model.unaligned !== null ? model.unaligned : model.aligned;
}
