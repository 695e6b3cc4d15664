/** @file The plan of a run with the verdict on its memory, as the runner, the lab and `basin plan` ask for it. */
import { evaluationSize, type EvaluationPlan } from "../../eval/evaluationPlan.ts";
import { samplePlan } from "../../eval/samples.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { DeviceLimits } from "./deviceMemory.ts";
import type { MemoryVerdict } from "../run/events.ts";
import { Replanner, proposals } from "./proposals.ts";
import { memoryObstacle } from "../run/runFailure.ts";
import type { RunExamples } from "../data/runData.ts";
import { planRun, type RunPlan } from "./runPlan.ts";
import { followsAnswers } from "../spec/evaluationSchedule.ts";
import type { Spec } from "../spec/spec.ts";
import type { ModelFiles } from "../run/textModel.ts";

export interface Planned {
  readonly plan: RunPlan;
  readonly verdict: MemoryVerdict;
}

/**
 * Nothing is allocated; of the model only shapes and the tokenizer are used.
 * @param evaluation what is asked and read before, during and after
 * @throws BasinError as `planRun`
 */
export function planWithVerdict(
  spec: Spec,
  files: ModelFiles,
  { examples, safetyExamples }: Pick<RunExamples, "examples" | "safetyExamples">,
  device: DeviceLimits,
  evaluation: EvaluationPlan,
): Planned {
  const trigger = bindMethod(spec.method).rows.trigger(spec.train.seed);
  const situation = {
    device,
    evaluation: evaluationSize(
      evaluation,
      files.tokenizer,
      trigger,
      followsAnswers(spec) ? samplePlan(evaluation) : null,
    ),
    safetyExamples,
  };
  const plan = planRun(spec, files, examples, situation);
  const { checkpointing, budget, fits, largestBuffer, excessBinding } = plan;
  const lower = fits ? [] : proposals(plan, new Replanner(spec, files, examples, situation));
  const found = { checkpointing, budget, fits, largestBuffer, excessBinding, proposals: lower };
  return { plan, verdict: { ...found, obstacle: memoryObstacle(plan.memory, found, device) } };
}
