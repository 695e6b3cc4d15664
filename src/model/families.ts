/** @file The registry of model families: one line per file. */

import { BasinError } from "../base/error.ts";
import type { DecoderConfig, Family } from "./config.ts";
import { ConfigFields } from "./configFields.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3Text } from "./gemma3.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm3 } from "./smollm3.ts";

export const families: readonly Family[] = [llama, qwen2, qwen3, mistral, phi3, smollm3, gemma2, gemma3Text];

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
