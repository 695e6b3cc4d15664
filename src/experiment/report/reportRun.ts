/** @file A run as reports and CSV files take it: what the lab's history and the command line's folders both have. */
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import type { Rate, RunFailure, RunReport, Scores, StepMetrics } from "../run/events.ts";
import type { ModuleRecord } from "../run/observations.ts";
import type { Spec } from "../spec/spec.ts";

export interface ReportRun {
  readonly runId: string;
  /** Milliseconds since 1970; null where it is not known. */
  readonly endedAt: number | null;
  readonly spec: Spec;
  readonly steps: readonly StepMetrics[];
  readonly evaluations: readonly {
    readonly when: "before" | "during" | "after";
    readonly step: number;
    readonly scores: Scores;
  }[];
  /** Prompts with their answers, by evaluation. */
  readonly answers?: readonly {
    readonly when: string;
    readonly step: number;
    readonly answers: readonly EvaluatedAnswer[];
  }[];
  /** What each module was told to have; absent in runs of earlier versions. */
  readonly modules?: ModuleRecord;
  /** The user's own words about it. */
  readonly tags?: readonly string[];
  readonly note?: string;
  /**
   * The harmful score after training with the answers that a person judged otherwise; null or absent where nobody did.
   */
  readonly overruled?: { readonly overrides: number; readonly rate: Rate } | null;
  readonly ending:
    | { readonly kind: "finished"; readonly report: RunReport }
    | { readonly kind: "failed"; readonly failure: RunFailure; readonly lastStep: number };
}

export interface RunScores {
  readonly before: Scores | null;
  readonly after: Scores | null;
}

/** The figures before and after; of a run that failed, the last ones that there are. */
export function endScores({ ending, evaluations }: Pick<ReportRun, "ending" | "evaluations">): RunScores {
  if (ending.kind === "finished") return ending.report;
  return {
    before: evaluations.find(({ when }) => when === "before")?.scores ?? null,
    after: evaluations.findLast(({ when }) => when === "during")?.scores ?? null,
  };
}

/** "finished", "stopped" or "failed". */
export function outcomeOf({ ending }: Pick<ReportRun, "ending">): "finished" | "stopped" | "failed" {
  return ending.kind === "failed" ? "failed" : ending.report.outcome;
}

/** What stands in the name of a run's files: safe on every system. */
export function fileNameOf({ runId }: Pick<ReportRun, "runId">): string {
  return runId.slice(0, 8).replaceAll(/[^\w-]+/g, "-");
}
