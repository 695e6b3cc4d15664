/** @file The registry of model families: one line per file. */

import { BasinError } from "../engine/error.ts";
import { ConfigFields, type DecoderConfig, type Family } from "./config.ts";
import { llama } from "./llama.ts";
import { qwen2 } from "./qwen2.ts";

export const families: readonly Family[] = [llama, qwen2];

/**
 * Read a config.json.
 * @throws BasinError when the family or one of its settings is not supported, naming it.
 */
export function parseConfig(config: unknown, where = "config.json"): DecoderConfig {
  const fields = new ConfigFields(config, where);
  const modelType = fields.get("model_type");
  const family = families.find((each) => each.modelType === modelType);
  if (!family) {
    throw new BasinError({
      what: `The model family ${JSON.stringify(modelType ?? null)} is not supported`,
      where: `${where}, model_type`,
      fix: `Choose a model of one of these families: ${families.map((each) => each.modelType).join(", ")}.`,
    });
  }
  return family.parse(fields);
}
