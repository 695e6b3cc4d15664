/**
 * @file The module `host`, which a shader imports from: what TypeScript declares for both sides, so that no number
 * stands twice.
 *
 *     import host::{Params, IGNORED_TARGET};
 */

import { BATCH, STATS } from "../batchScalars.ts";
import { IGNORED_TARGET, SKIPPED_CACHE_ROW } from "../marks.ts";
import { DOUBLE_HEADER, NF4_VALUES } from "../quantised.ts";
import { type Struct, structText } from "./struct.ts";

/** Indices and marks, u32. */
const CONSTANTS: Readonly<Record<string, number>> = {
  IGNORED_TARGET,
  SKIPPED_CACHE_ROW,
  BATCH_SEED: BATCH.seed,
  BATCH_COUNTER: BATCH.counter,
  BATCH_LOSS_SCALE: BATCH.lossScale,
  STATS_CROSS_ENTROPY: STATS.crossEntropy,
  STATS_PENALTY: STATS.penalty,
  STATS_MODULES: STATS.modules,
  DOUBLE_MEAN: DOUBLE_HEADER.mean,
  DOUBLE_CODES_BEGIN: DOUBLE_HEADER.codesBegin,
  DOUBLE_GROUPS: DOUBLE_HEADER.groups,
};

/** Text of the module for a family with these parameters. */
export function hostText(params: Struct): string {
  const marks = Object.entries(CONSTANTS).map(([name, value]) => `const ${name}: u32 = ${value}u;\n`);
  const table = `const NF4: array<f32, 16> = array<f32, 16>(${NF4_VALUES.join(", ")});\n`;
  return `${structText("Params", params)}\n${marks.join("")}${table}`;
}
