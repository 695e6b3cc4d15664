/**
 * @file A run as reports and CSV files read it: the part that the lab's history and run folders of the command line
 * share.
 */
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import { bindMethod } from "../../methods/registry.ts";
import type { Rate, RunFailure, RunReport, Scores, StepMetrics } from "../run/events.ts";
import type { ModuleRecord } from "../run/observations.ts";
import { methodSettings, methodTitle } from "../spec/names.ts";
import type { MethodSpec, Spec } from "../spec/spec.ts";

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
  /** Penalty or update norm per module; absent in runs of earlier versions. */
  readonly modules?: ModuleRecord;
  /** The user's notes. */
  readonly tags?: readonly string[];
  readonly note?: string;
  /** The harmful score after training with the verdicts that the user overrode; null or absent without overrides. */
  readonly overridden?: { readonly overrides: number; readonly rate: Rate } | null;
  readonly ending:
    | { readonly kind: "finished"; readonly report: RunReport }
    | { readonly kind: "failed"; readonly failure: RunFailure; readonly lastStep: number };
}

export interface RunScores {
  readonly before: Scores | null;
  readonly after: Scores | null;
}

/** Scores before and after training; of a failed run, the last ones during training. */
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

/** The part of file names that identifies a run: safe on every system. */
export function fileNameOf({ runId }: Pick<ReportRun, "runId">): string {
  return runId.slice(0, 8).replaceAll(/[^\w-]+/g, "-");
}

/** "AsFT, λ 1, published projector". */
export function runTitle({ spec: { method } }: Pick<ReportRun, "spec">): string {
  return `${methodTitle(method)}, ${methodSettings(method)}`;
}

/** The class of the method's colour. */
export function colorOf(method: MethodSpec): string {
  return `c-${bindMethod(method).mark.id}`;
}

/** "2026-11-21 10:48", UTC. */
export function isoMinute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}
