/**
 * @file The sender's results in a link, beside the spec they belong to.
 *
 *     #x=1.<spec>&r=1.<packed JSON (packedJson.ts)>
 *
 * They are the sender's word: a checksum finds accidents, and a checksum of the spec's part finds figures that were put
 * beside other settings, but nothing in a link can prove that a run took place. That is what running it again is for.
 * Whatever is wrong with them, the spec opens as it would without them; a Basin that does not know them ignores them.
 */
import { strToU8 } from "fflate";
import { z } from "../../base/zod.ts";
import type { DataReport, Perplexity, Rate, RunReport, Scores, StepMetrics } from "../run/events.ts";
import { crc32, packJson, unpackJson } from "./packedJson.ts";
import { lossDigest, type LossDigest } from "./lossDigest.ts";

const VERSION = 1;
/** Far more than any results take. */
const MAX_CHARACTERS = 4096;

/** The figures of a report that travel; how they are called there. */
export const RATES = ["harmful_score", "task_accuracy", "benign_compliance"] as const;
export type RateName = (typeof RATES)[number];

export type SharedRate = Pick<Rate, "hits" | "count">;
export type SharedScores = Readonly<Partial<Record<RateName, SharedRate>>> & { readonly perplexity?: Perplexity };

export interface SharedResults {
  /** The first characters of the run's id: distinguishes the run itself from a repetition. */
  readonly run: string;
  readonly device: string;
  /** Basin's version. */
  readonly basin: string;
  /** When the run ended, seconds since 1970. */
  readonly ended: number;
  readonly before: SharedScores;
  readonly after: SharedScores;
  readonly losses: LossDigest;
  /** Digest of the kernels of the training steps (`KernelReport`); null in links of earlier versions. */
  readonly kernels: string | null;
  /** Digests of the rows; null in links of earlier versions. */
  readonly data: DataReport | null;
}

/** A run that went through to its end. */
export interface SharedRun {
  readonly runId: string;
  /** Milliseconds since 1970. */
  readonly endedAt: number;
  readonly steps: readonly StepMetrics[];
  readonly report: RunReport;
}

const RUN_CHARACTERS = 8;

export function resultsOf({ runId, endedAt, steps, report }: SharedRun): SharedResults {
  return {
    run: runId.slice(0, RUN_CHARACTERS),
    device: report.device.slice(0, 120),
    basin: (report.versions.basin ?? "").slice(0, 40),
    ended: Math.round(endedAt / 1000),
    before: sharedScores(report.before),
    after: sharedScores(report.after),
    losses: lossDigest(steps),
    kernels: report.kernels?.digest ?? null,
    data: report.data ?? null,
  };
}

/** Whether these results were taken from the run of this id. */
export function isOwnRun(results: SharedResults, runId: string): boolean {
  return runId.slice(0, RUN_CHARACTERS) === results.run;
}

export function sharedScores(scores: Scores): SharedScores {
  const rates = RATES.flatMap((name): [RateName, SharedRate][] => {
    const rate = scores[name];
    return rate == null || rate.count === 0 ? [] : [[name, { hits: rate.hits, count: rate.count }]];
  });
  return { ...Object.fromEntries(rates), ...(scores.perplexity == null ? {} : { perplexity: scores.perplexity }) };
}

/** `link` (encodeLink) with results. */
export function linkWithResults(link: string, results: SharedResults): string {
  const { run, device, basin, ended, before, after, losses, kernels, data } = results;
  const figures = (scores: SharedScores): unknown => ({
    ...Object.fromEntries(
      RATES.flatMap((name) =>
        scores[name] === undefined ? [] : [[name.charAt(0), [scores[name].hits, scores[name].count]]],
      ),
    ),
    ...(scores.perplexity === undefined ? {} : { p: perplexityTuple(scores.perplexity) }),
  });
  const packed = packJson({
    r: run,
    d: device,
    b: basin,
    e: ended,
    f: figures(before),
    g: figures(after),
    n: losses.steps,
    c: losses.bits,
    l: losses.sample,
    ...(kernels === null ? {} : { k: kernels }),
    ...(data === null ? {} : { o: [data.rows, data.questions] }),
    s: checksum(link),
  });
  return `${link}&r=${VERSION}.${packed}`;
}

export type ReceivedResults =
  | { readonly kind: "none" }
  | { readonly kind: "read"; readonly results: SharedResults }
  /** There are some and they cannot be used. */
  | { readonly kind: "unreadable"; readonly why: string };

/** The results in a fragment (with or without "#"). Never throws. */
export function readResults(fragment: string): ReceivedResults {
  const parts = new URLSearchParams(fragment.replace(/^#/, ""));
  const [link, value] = [parts.get("x"), parts.get("r")];
  if (link === null || value === null) return { kind: "none" };
  try {
    const match = /^(\d+)\.(.*)$/s.exec(value);
    if (!match) throw new Unreadable("their version is missing");
    if (Number(match[1]) !== VERSION)
      throw new Unreadable(`they have version ${match[1] ?? ""}, and this Basin reads version ${VERSION}`);
    if (value.length > MAX_CHARACTERS) throw new Unreadable("they are too long");
    const json = unpackJson(
      match[2] ?? "",
      (why) => new Unreadable(why.replace(/^it /, "the text ").replace(/^its /, "the text’s ")),
    );
    const wire = wireSchema.safeParse(json);
    if (!wire.success) throw new Unreadable("they are not in Basin’s format");
    if (wire.data.s !== checksum(`x=${link}`))
      throw new Unreadable("they belong to other settings, not those in the link");
    const { r, d, b, e, f, g, n, c, l, k, o } = wire.data;
    return {
      kind: "read",
      results: {
        run: r,
        device: d,
        basin: b,
        ended: e,
        before: scoresOf(f),
        after: scoresOf(g),
        losses: { steps: n, bits: c, sample: l },
        kernels: k ?? null,
        data: o === undefined ? null : { rows: o[0], questions: o[1] },
      },
    };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: "unreadable", why: error.message };
    throw error;
  }
}

class Unreadable extends Error {}

const count = z.int().min(0).max(10_000_000);
const rate = z.tuple([count, count.min(1)]).refine(([hits, of]) => hits <= of);
const figure = z.number().min(0);
const perplexity = z.tuple([figure, figure, count, count, z.nullable(z.tuple([figure, figure]))]);
const scores = z.strictObject({ h: rate.optional(), t: rate.optional(), b: rate.optional(), p: perplexity.optional() });
const digest = z.string().regex(/^[0-9a-f]{8}$/);
const wireSchema = z.strictObject({
  r: z.string().min(1).max(RUN_CHARACTERS),
  d: z.string().max(120),
  b: z.string().max(40),
  e: z.int().min(0).max(100_000_000_000),
  f: scores,
  g: scores,
  n: count,
  c: z.int().min(0).max(0xffffffff),
  l: z.array(z.number()).max(8),
  k: digest.optional(),
  o: z.tuple([digest, digest]).optional(),
  s: z.int().min(0).max(0xffffffff),
});

function scoresOf({ h, t, b, p }: z.output<typeof scores>): SharedScores {
  const of = (pair: readonly [number, number]): SharedRate => ({ hits: pair[0], count: pair[1] });
  return {
    ...(h ? { harmful_score: of(h) } : {}),
    ...(t ? { task_accuracy: of(t) } : {}),
    ...(b ? { benign_compliance: of(b) } : {}),
    ...(p
      ? {
          perplexity: {
            perplexity: p[0],
            nll: p[1],
            tokens: p[2],
            rows: p[3],
            ci95: p[4] && { low: p[4][0], high: p[4][1] },
          },
        }
      : {}),
  };
}

function perplexityTuple({ perplexity: value, nll, tokens, rows, ci95 }: Perplexity): z.output<typeof perplexity> {
  const short = (number: number): number => Number(number.toPrecision(7));
  return [short(value), short(nll), tokens, rows, ci95 && [short(ci95.low), short(ci95.high)]];
}

function checksum(text: string): number {
  return crc32(strToU8(text));
}
