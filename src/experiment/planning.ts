/** @file The plan of a run with the verdict on its memory, as the runner, the lab and `basin plan` ask for it. */
import { promptCount, promptLengths } from "../eval/evaluate.ts";
import type { TokenizedExample } from "../text/example.ts";
import type { DeviceLimits } from "./deviceMemory.ts";
import type { MemoryVerdict } from "./events.ts";
import { Replanner, proposals } from "./proposals.ts";
import { memoryObstacle } from "./runFailure.ts";
import { planRun, type RunPlan } from "./runPlan.ts";
import type { Spec } from "./spec.ts";
import { requireTokenizer, type ModelFiles } from "./textModel.ts";

export interface Planned {
  readonly plan: RunPlan;
  readonly verdict: MemoryVerdict;
}

/**
 * Nothing is allocated; of the model only shapes and the tokenizer are used.
 * @throws BasinError as `planRun`, and when prompts are to be answered by a model without a tokenizer
 */
export function planWithVerdict(spec: Spec, files: ModelFiles, examples: readonly TokenizedExample[], device: DeviceLimits): Planned {
  const prompts = promptCount(spec.eval) > 0 ? promptLengths(spec.eval, requireTokenizer(files)) : [];
  const plan = planRun(spec, files, examples, { device, prompts });
  const { checkpointing, budget, fits, largestBuffer } = plan;
  const lower = fits ? [] : proposals(plan, new Replanner(spec, files, examples, { device, prompts }));
  const found = { checkpointing, budget, fits, largestBuffer, proposals: lower };
  return { plan, verdict: { ...found, obstacle: memoryObstacle(plan.memory, found, device) } };
}
