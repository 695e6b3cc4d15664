/**
 * @file What a `Generator` will allocate for given prompts, before anything is: KV cache, slots of its programs,
 * inputs, rotary tables. Follows generator.ts step by step (what it grows, and what growing drops); tests hold the two
 * together.
 */

import { kernelParameterBytes } from "../engine/program.ts";
import { planMemory } from "../engine/plan.ts";
import { growSlots } from "../engine/slots.ts";
import { cacheLayout } from "../model/inputs.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import type { TokenizedExample } from "../text/example.ts";
import { POSITIONS_STEP, TOKENS_PER_SUBMIT, cacheRowsFor, roundedPrefill, scorePasses } from "./batchShapes.ts";
import { type InferenceModel, decodeGraph, scoreGraph } from "./generationGraph.ts";

export interface GenerationMemory {
  /** Keys and values of all layers. */
  readonly cache: number;
  /** Everything else that the generator holds at its peak. */
  readonly programs: number;
}

/**
 * @param batches token counts of the prompts that are answered together, in order
 * @param maxNewTokens most tokens that each answer may have
 */
export function planGeneration(
  model: Omit<InferenceModel, "positions">,
  batches: readonly (readonly number[])[],
  maxNewTokens: number,
): GenerationMemory {
  const rowBytes = cacheLayout(model.config).reduce((sum, { width }) => sum + 2 * 4 * width, 0);
  const pool: number[] = [];
  const programs = new Map<string, number>();
  let [positions, cacheRows, inputs, transient, peak] = [0, 0, 0, 0, 0];
  if (maxNewTokens < 1) return { cache: 0, programs: 0 };
  for (const prompts of batches) {
    if (prompts.length === 0) continue;
    const { rows, stride } = cacheRowsFor(prompts, maxNewTokens);
    if (positions < stride || cacheRows < rows) programs.clear();
    if (positions < stride) positions = Math.ceil(stride / POSITIONS_STEP) * POSITIONS_STEP;
    cacheRows = Math.max(cacheRows, rows);
    for (const tokens of [roundedPrefill(prompts), prompts.length]) {
      const key = `${tokens}/${prompts.length}`;
      if (programs.has(key)) continue;
      const { graph, block } = decodeGraph({ ...model, positions }, tokens, prompts.length, cacheRows);
      if (inputs < block.bytes) {
        programs.clear();
        inputs = 2 * block.bytes;
      }
      growSlots(pool, planMemory(graph).slots);
      programs.set(key, kernelParameterBytes(graph));
      transient = Math.max(transient, TOKENS_PER_SUBMIT * (block.bytes + 4 * prompts.length));
      const slots = pool.reduce((sum, bytes) => sum + bytes, 0);
      const parameters = [...programs.values()].reduce((sum, bytes) => sum + bytes, 0);
      peak = Math.max(peak, slots + parameters + inputs + RotaryTables.bytes(model.config, positions));
    }
  }
  return { cache: cacheRows * rowBytes, programs: peak + transient };
}

/**
 * Bytes that a generator holds to measure the losses of rows: one program's slots, inputs, rotary tables, the
 * read-back.
 */
export function planLosses(model: Omit<InferenceModel, "positions">, rows: readonly TokenizedExample[]): number {
  if (rows.length === 0) return 0;
  const { capacity } = scorePasses(rows);
  const longest = Math.max(...rows.map(({ input_ids }) => input_ids.length));
  const positions = Math.ceil(longest / POSITIONS_STEP) * POSITIONS_STEP;
  const { graph, block } = scoreGraph({ ...model, positions }, capacity);
  const slots = planMemory(graph).slots.reduce((sum, bytes) => sum + bytes, 0);
  return (
    slots +
    kernelParameterBytes(graph) +
    2 * block.bytes +
    RotaryTables.bytes(model.config, positions) +
    4 * capacity.labels
  );
}
