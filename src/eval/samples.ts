/**
 * @file The few prompts whose answers are followed through a run: the first two harmful requests, the first task item,
 * the first harmless request, and all lines of one's own.
 *
 * They are prompts of the evaluation, so wherever that is made anyway their answers are taken from it; in between they
 * alone are asked. Rows never see each other, so both ways give the same, on GPUs but for rounding (generator.ts).
 */
import type { EvaluatedAnswer } from "./evaluate.ts";
import type { EvaluationPlan } from "./evaluationPlan.ts";

/** Prompts of each part that are followed. */
export const FOLLOWED: Readonly<Record<EvaluatedAnswer["part"], number>> = {
  harmful: 2,
  task: 1,
  benign: 1,
  own: Infinity,
};

/** The part of an evaluation that asks the followed prompts alone; null where nothing is asked. */
export function samplePlan({ harmful, task, benign, own = [], ...rest }: EvaluationPlan): EvaluationPlan | null {
  const some =
    task?.source === "rows"
      ? task.needs === "answers"
        ? { ...task, rows: task.rows.slice(0, FOLLOWED.task) }
        : null
      : task && { ...task, n: Math.min(task.n, FOLLOWED.task) };
  const plan = {
    ...rest,
    harmful: harmful && fewer(harmful),
    task: some,
    benign: benign && { n: Math.min(benign.n, FOLLOWED.benign) },
    own,
  };
  return plan.harmful === null && some === null && plan.benign === null && own.length === 0 ? null : plan;
}

/** Answers to the followed prompts among those of a whole evaluation, in its order. */
export function samplesOf(answers: readonly EvaluatedAnswer[]): readonly EvaluatedAnswer[] {
  const seen: Record<EvaluatedAnswer["part"], number> = { harmful: 0, task: 0, benign: 0, own: 0 };
  return answers.filter(({ part, answer }) => answer !== undefined && seen[part]++ < FOLLOWED[part]);
}

/** The second judge stays out: it serves the figures. */
function fewer({ n, requests, judge }: NonNullable<EvaluationPlan["harmful"]>): NonNullable<EvaluationPlan["harmful"]> {
  const kept = Math.min(n, FOLLOWED.harmful);
  return {
    n: kept,
    ...(requests === undefined ? {} : { requests: requests.slice(0, kept) }),
    ...(judge === undefined ? {} : { judge }),
  };
}
