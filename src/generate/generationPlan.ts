/**
 * @file What a `Generator` will allocate for given prompts, before anything is: KV cache, slots of its programs,
 * inputs, rotary tables. Both ask the same functions: generatorSizes.ts for what grows, slots.ts for what is shared.
 */

import { kernelParameterBytes } from "../engine/program.ts";
import { planMemory } from "../engine/plan.ts";
import { assignSlots } from "../engine/slots.ts";
import { cacheLayout } from "../model/inputs.ts";
import { RotaryTables } from "../model/rotaryTables.ts";
import type { TokenizedExample } from "../text/example.ts";
import { TOKENS_PER_SUBMIT, cacheRowsFor, roundedPrefill, scorePasses } from "./batchShapes.ts";
import { type GeneratorNeeds, GeneratorSizes } from "./generatorSizes.ts";
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
  const sizes = new GeneratorSizes();
  const programs = new Map<string, number>();
  let pool: readonly number[] = [];
  let [transient, peak] = [0, 0];
  const grow = (needs: GeneratorNeeds): void => {
    if (sizes.grow(needs).any) programs.clear();
  };
  if (maxNewTokens < 1) return { cache: 0, programs: 0 };
  for (const prompts of batches) {
    if (prompts.length === 0) continue;
    const { rows, stride } = cacheRowsFor(prompts, maxNewTokens);
    grow({ positions: stride, cacheRows: rows });
    for (const tokens of [roundedPrefill(prompts), prompts.length]) {
      const key = `${tokens}/${prompts.length}`;
      if (programs.has(key)) continue;
      const { positions, cacheRows } = sizes;
      const { graph, block } = decodeGraph({ ...model, positions }, tokens, prompts.length, cacheRows);
      grow({ inputBytes: block.bytes });
      pool = assignSlots(pool, planMemory(graph).slots).pool;
      programs.set(key, kernelParameterBytes(graph));
      transient = Math.max(transient, TOKENS_PER_SUBMIT * (block.bytes + 4 * prompts.length));
      const buffers = sizes.inputBytes + RotaryTables.bytes(model.config, positions);
      peak = Math.max(peak, sumOf(pool) + sumOf(programs.values()) + buffers);
    }
  }
  return { cache: sizes.cacheRows * rowBytes, programs: peak + transient };
}

/**
 * Bytes that a generator holds to measure the losses of rows: one program's slots, inputs, rotary tables, the
 * read-back.
 */
export function planLosses(model: Omit<InferenceModel, "positions">, rows: readonly TokenizedExample[]): number {
  if (rows.length === 0) return 0;
  const { capacity } = scorePasses(rows);
  const longest = Math.max(...rows.map(({ input_ids }) => input_ids.length));
  const sizes = new GeneratorSizes();
  sizes.grow({ positions: longest });
  const { graph, block } = scoreGraph({ ...model, positions: sizes.positions }, capacity);
  sizes.grow({ inputBytes: block.bytes });
  return (
    sumOf(assignSlots([], planMemory(graph).slots).pool) +
    kernelParameterBytes(graph) +
    sizes.inputBytes +
    RotaryTables.bytes(model.config, sizes.positions) +
    4 * capacity.labels
  );
}

function sumOf(bytes: Iterable<number>): number {
  return [...bytes].reduce((sum, each) => sum + each, 0);
}
