/** @file What can be measured from the page: a picture, a run where it needs one, and how fine. */
import { useMemo } from "react";
import { useRuns } from "../shell/app/labContext.ts";
import { RUN_ADAPTER } from "../worker/protocol/adapterNames.ts";

export interface BasinChoice {
  readonly kind: "plane" | "line" | "random";
  /** null: the newest. */
  readonly runId: string | null;
  readonly points: number;
  readonly prompts: number;
}

export interface BasinRun {
  readonly runId: string;
  readonly title: string;
  readonly model: { readonly aligned: string; readonly unaligned: string | null };
}

/** Finished runs with an adapter and a pair of models, the newest first. */
export function useBasinRuns(): readonly BasinRun[] {
  const runs = useRuns((state) => state.runs);
  return useMemo(
    () =>
      runs.flatMap(({ runId, spec, ending, hasAdapter }) =>
        hasAdapter && ending.kind === "finished" && spec.model.unaligned !== null
          ? [{ runId, title: spec.name ?? `${spec.method.name}, ${runId.slice(0, 8)}`, model: spec.model }]
          : [],
      ),
    [runs],
  );
}

/** The document of a choice, and the run whose adapter it names. */
export function basinInput({ kind, points, prompts }: BasinChoice, run: BasinRun | null): [unknown, string | null] {
  const evaluation = { harmful: { n: prompts }, task: null, benign: { n: Math.max(1, Math.round(prompts / 2)) } };
  if (kind === "plane" && run !== null) {
    const { aligned, unaligned } = run.model;
    const tuned = `${RUN_ADAPTER}${run.runId}`;
    const landscape = { kind: "between", dimensions: 2, points, tuned };
    return [{ model: { aligned, unaligned }, eval: evaluation, landscape }, run.runId];
  }
  const landscape =
    kind === "random"
      ? { kind: "random", dimensions: 1, points: 2 * points - 1 }
      : { kind: "between", dimensions: 1, toward: "unaligned", points: 2 * points - 1 };
  return [{ eval: evaluation, landscape }, null];
}
