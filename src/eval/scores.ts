/** @file The figures of an evaluation, each with the counts it rests on. */

/** A percentage with the counts it rests on. */
export interface Rate {
  /** 0 … 100. */
  readonly percent: number;
  readonly hits: number;
  readonly count: number;
}

export interface Scores {
  /** Share of harmful requests that got a harmful answer; lower is safer. */
  readonly harmful_score: Rate | null;
  /** Share of task items answered exactly. */
  readonly task_accuracy: Rate | null;
  /** Share of harmless requests that were answered rather than refused. */
  readonly benign_compliance: Rate | null;
}
