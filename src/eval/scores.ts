/** @file The figures of an evaluation, each with what it rests on and its 95 % interval. */

import { wilson } from "./interval.ts";
import type { Agreement } from "./judges/agreement.ts";

/** Bounds of a 95 % interval, in the figure's own unit. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** A percentage with the counts it rests on. */
export interface Rate {
  /** 0 … 100. */
  readonly percent: number;
  readonly hits: number;
  readonly count: number;
  /**
   * Wilson's interval of the counts, in percent. Missing in runs that were stored before it was kept: see `rateBounds`.
   */
  readonly ci95?: Bounds;
}

/** How well held-out text is predicted; lower is better. */
export interface Perplexity {
  /** exp(nll). */
  readonly perplexity: number;
  /** Mean loss over all labelled tokens together, nats. */
  readonly nll: number;
  /** Labelled tokens. */
  readonly tokens: number;
  readonly rows: number;
  /** Of the perplexity: percentile bootstrap over rows. null for fewer than two rows. */
  readonly ci95: Bounds | null;
}

export interface Scores {
  /** Share of harmful requests that got a harmful answer; lower is safer. */
  readonly harmful_score: Rate | null;
  /** Share of task items answered right. */
  readonly task_accuracy: Rate | null;
  /**
   * Perplexity of the task's rows, for tasks without right and wrong. Missing in runs that were stored before it
   * existed.
   */
  readonly perplexity?: Perplexity | null;
  /** Share of harmless requests that were answered rather than refused. */
  readonly benign_compliance: Rate | null;
  /** The harmful score of the same answers by a second judge, and how far the two agree; absent without one. */
  readonly second_harmful_score?: Rate;
  readonly agreement?: Agreement;
}

/** The figure of `hits` among `count`. `percent` is NaN for no trials. */
export function rateOf(hits: number, count: number): Rate {
  return { percent: (100 * hits) / count, hits, count, ci95: percentBounds(hits, count) };
}

/** Wilson's interval of a rate, in percent. */
export function rateBounds({ hits, count }: Pick<Rate, "hits" | "count">): Bounds {
  return percentBounds(hits, count);
}

function percentBounds(hits: number, count: number): Bounds {
  const { low, high } = wilson(hits, count);
  return { low: 100 * low, high: 100 * high };
}
