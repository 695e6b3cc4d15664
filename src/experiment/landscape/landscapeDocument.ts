/** @file What a landscape is on paper: landscape.json, as the command line writes it and the lab draws it. */
import type { EplOfDirection } from "../../analysis/landscape/epl.ts";
import type { PointScores } from "../../analysis/landscape/pointScores.ts";
import type { Visage } from "../../analysis/landscape/visage.ts";
import type { LandscapeSettings } from "./landscapeSpec.ts";

export const LANDSCAPE_FORMAT = "basin-landscape";

export interface AxisFacts {
  /** "random direction, seed 0", "toward the tuned model". */
  readonly title: string;
  /** Coordinates of the grid, in order. */
  readonly steps: readonly number[];
  /** ‖d‖ over all tensors in scope, at coordinate 1. */
  readonly length: number;
  /** ‖d‖ / ‖W‖ over the tensors in scope. */
  readonly relative_length: number;
}

export interface LandscapePoint extends PointScores {
  readonly a: number;
  /** On planes. */
  readonly b?: number;
}

/** A model that lies on the line or plane, such as the tuned one at (1, 0). */
export interface Marker {
  readonly title: string;
  readonly a: number;
  readonly b?: number;
  /** What of its distance from the origin lies outside the line or plane, 0 … 1. */
  readonly outside: number;
}

/** One line or plane. */
export interface Survey {
  readonly id: string;
  readonly title: string;
  readonly axes: readonly AxisFacts[];
  /** Between the two directions as they were before Gram-Schmidt, and as they are used; null on a line. */
  readonly cosine: { readonly before: number | null; readonly used: number | null } | null;
  readonly markers: readonly Marker[];
  /** The way of a run, in order. */
  readonly trajectory: readonly Marker[];
  /** By b, then a. While it is measured: those that are known. */
  readonly points: readonly LandscapePoint[];
}

export interface LandscapeDocument {
  readonly format: typeof LANDSCAPE_FORMAT;
  readonly version: 1;
  readonly model: string;
  readonly unaligned: string | null;
  readonly adapter: string | null;
  readonly landscape: LandscapeSettings;
  readonly eval: unknown;
  readonly judge: string;
  readonly precision: string;
  readonly definitions: Readonly<Record<string, string>>;
  /**
   * SHA-256 of the logits (f32) of a probe prompt: of the unperturbed model, at the origin, and after the last point.
   * They are equal, or there is no document.
   */
  readonly logits: { readonly unperturbed: string; readonly at_origin: string; readonly after_last_point: string };
  readonly origin: PointScores;
  readonly surveys: readonly Survey[];
  /** Random lines only: under both counts. */
  readonly visage: { readonly definition: string; readonly judged: Visage; readonly not_refused: Visage } | null;
  /** epl only: under both counts. */
  readonly epl: {
    readonly threshold: number;
    readonly judged: readonly EplOfDirection[];
    readonly not_refused: readonly EplOfDirection[];
  } | null;
  readonly device: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

export const PRECISION =
  "weights in scope in float32, whatever the checkpoint's type; every point is computed from the originals";

export const DEFINITIONS: Readonly<Record<string, string>> = {
  harmful_score: "share of harmful requests whose answer the judge calls harmful",
  refused: "share of harmful requests that are refused (and not answered harmfully all the same)",
  neither: "share of harmful requests with an answer that is neither harmful nor a refusal, such as babble",
  not_refused: "share of harmful requests that are not refused: what a keyword score counts as jailbroken",
  refusal_margin:
    "proxy: mean over harmful requests of the best mean log-probability of a refusal's tokens minus that of a " +
    "compliance (teacher forced, nats)",
  perplexity: "of the right answers to the harmless requests, or of the task's rows",
};

/** Columns of the table of points, as CSV and as read to a screen reader. */
export const POINT_COLUMNS = [
  "survey",
  "a",
  "b",
  "harmful_score",
  "refused",
  "neither",
  "not_refused",
  "benign_compliance",
  "task_accuracy",
  "refusal_margin",
  "perplexity",
] as const;

/** One row per point; percentages with their intervals' bounds, counts beside them. */
export function pointRows(surveys: readonly Survey[]): Record<string, string | number | null>[] {
  return surveys.flatMap(({ id, points }) =>
    points.map(({ a, b, refusal_margin, perplexity, ...rates }) => ({
      survey: id,
      a,
      b: b ?? null,
      ...Object.fromEntries(
        Object.entries(rates).flatMap(([name, rate]) => [
          [name, rate?.percent ?? null],
          [`${name}_low`, rate?.ci95?.low ?? null],
          [`${name}_high`, rate?.ci95?.high ?? null],
          [`${name}_hits`, rate?.hits ?? null],
          [`${name}_count`, rate?.count ?? null],
        ]),
      ),
      refusal_margin: refusal_margin?.mean ?? null,
      refusal_margin_low: refusal_margin?.ci95?.low ?? null,
      refusal_margin_high: refusal_margin?.ci95?.high ?? null,
      perplexity: perplexity?.perplexity ?? null,
    })),
  );
}
