/**
 * @file The rotary embedding's settings, in both spellings: `rope_theta` / `rope_scaling` of the hub and
 * `rope_parameters` of transformers 5.
 */

import { describeValue } from "../base/describe.ts";
import type { ConfigFields } from "./configFields.ts";

/** Rotary scaling of Llama 3.1 and later (transformers, `_compute_llama3_parameters`). */
export interface Llama3RopeScaling {
  readonly type: "llama3";
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalMaxPositions: number;
}

/** One rotary embedding. */
export interface RopeConfig {
  readonly theta: number;
  readonly scaling: Llama3RopeScaling | undefined;
}

/**
 * The rotary embedding of a model that has one. As in transformers, `rope_scaling` wins where both spellings are there.
 * @throws BasinError for an unsupported kind of scaling, or for a rotation of only a part of each head
 */
export function ropeConfig(fields: ConfigFields, defaultTheta = 10000): RopeConfig {
  fields.require("partial_rotary_factor", [1]);
  const parameters = fields.object("rope_scaling") ?? fields.object("rope_parameters");
  const theta = fields.number("rope_theta", defaultTheta);
  return parameters ? ropeOf(parameters, theta) : { theta, scaling: undefined };
}

/** @param theta where the parameters have none of their own */
export function ropeOf(parameters: ConfigFields, theta: number): RopeConfig {
  parameters.require("partial_rotary_factor", [1]);
  const base = parameters.number("rope_theta", theta);
  const type = parameters.get("rope_type") ?? parameters.get("type") ?? "default";
  if (type === "default") return { theta: base, scaling: undefined };
  if (type !== "llama3")
    parameters.fail("rope_type", `${describeValue(type)} is not supported (supported: "default", "llama3")`);
  return {
    theta: base,
    scaling: {
      type: "llama3",
      factor: parameters.number("factor"),
      lowFreqFactor: parameters.number("low_freq_factor"),
      highFreqFactor: parameters.number("high_freq_factor"),
      originalMaxPositions: parameters.count("original_max_position_embeddings"),
    },
  };
}
