/** @file What can be measured from the page: a picture, a run where it needs one, and how fine. */
import { useMemo } from "react";
import type { Spec } from "../../experiment/spec/spec.ts";
import { useRuns } from "../shell/app/labContext.ts";
import { RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";

export interface BasinChoice {
  readonly kind: "plane" | "line" | "random";
  /** null: the newest. */
  readonly runId: string | null;
  /** On each axis; null: as many as suit the picture. */
  readonly points: number | null;
  readonly prompts: number;
}

export const FIRST_CHOICE = { runId: null, points: null, prompts: 20 } as const satisfies Partial<BasinChoice>;

export function pointsOf({ kind, points }: Pick<BasinChoice, "kind" | "points">): number {
  return points ?? (kind === "plane" ? 9 : 21);
}

/** What a picture takes from an experiment. */
export type BasinSubject = Pick<Spec, "model" | "eval">;

export interface BasinRun {
  readonly runId: string;
  readonly title: string;
  readonly spec: BasinSubject;
}

/** Finished runs with an adapter and a pair of models, the newest first. */
export function useBasinRuns(): readonly BasinRun[] {
  const runs = useRuns((state) => state.runs);
  return useMemo(
    () =>
      runs.flatMap(({ runId, spec, ending, hasAdapter }) =>
        hasAdapter && ending.kind === "finished" && spec.model.unaligned !== null
          ? [{ runId, title: spec.name ?? `${spec.method.name}, ${runId.slice(0, 8)}`, spec }]
          : [],
      ),
    [runs],
  );
}

/**
 * The document of a choice, and the run whose adapter it names.
 * @param run whose update spans the plane
 * @param subject whose models and evaluation the other pictures take; null: the bundled pair's
 */
export function basinInput(
  choice: BasinChoice,
  run: BasinRun | null,
  subject: BasinSubject | null,
): [unknown, string | null] {
  const { kind, prompts } = choice;
  const points = pointsOf(choice);
  if (kind === "plane" && run !== null) {
    const tuned = `${RUN_ADAPTER}${run.runId}`;
    return [{ ...subjectOf(run.spec, prompts), landscape: { kind: "between", points, tuned } }, run.runId];
  }
  const landscape =
    kind === "random"
      ? { kind: "random", dimensions: 1, points }
      : { kind: "between", dimensions: 1, toward: "unaligned", points };
  return [{ ...subjectOf(subject, prompts), landscape }, null];
}

function subjectOf(subject: BasinSubject | null, prompts: number): Readonly<Record<string, unknown>> {
  const benign = { n: Math.max(1, Math.round(prompts / 2)) };
  if (subject === null) return { eval: { harmful: { n: prompts }, task: null, benign } };
  const { model, eval: evaluation } = subject;
  return {
    model,
    eval: {
      ...evaluation,
      harmful: { ...evaluation.harmful, n: prompts },
      task: null,
      benign: evaluation.benign === null ? null : { ...evaluation.benign, ...benign },
    },
  };
}
