/** @file Which checkpoint of the pair is trained: the aligned model, or for a method that starts there its unaligned twin. */
import { bindMethod } from "../../methods/registry.ts";
import type { Spec } from "./spec.ts";

/** Its name; adapters of the run belong to it. */
export function trainedModel({ method, model }: Pick<Spec, "method" | "model">): string {
  return bindMethod(method).startsFrom === "unaligned" && model.unaligned !== null ? model.unaligned : model.aligned;
}
