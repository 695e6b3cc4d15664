/**
 * @file Examples whose loss depends on how safe their responses are: scores by position become weights of the
 * cross-entropy and coefficients of the divergence from the reference (text/lossTerms.ts).
 *
 * An example in which every label counts as without scores has no terms, so that a run with scores of 1 is bit for bit
 * the run without the method. One in which nothing has a loss is left out.
 */
import { BasinError } from "../../base/error.ts";
import type { MethodLog, Shaping } from "../../methods/stages.ts";
import type { TokenizedExample } from "../../text/example.ts";
import { type LossTerms, lossTarget, NO_LABEL } from "../../text/lossTerms.ts";

/** Rows whose loss was shaped. */
export interface Shaped {
  readonly examples: readonly TokenizedExample[];
  /** examples[i] was number kept[i]. */
  readonly kept: readonly number[];
  /** For the run's report. */
  readonly account: MethodLog;
  readonly notes: readonly string[];
}

/** Below it a token counts as unsafe in the report. */
const UNSAFE = 0.5;

/**
 * @param where names an example
 * @throws BasinError for an example without scores, or where no example has a loss
 */
export function shapeExamples(
  examples: readonly TokenizedExample[],
  shaping: Shaping,
  where: (example: number) => string,
): Shaped {
  const tally = { scores: 0, sum: 0, unsafe: 0, chunks: 0, held: 0 };
  const shaped: TokenizedExample[] = [];
  const kept: number[] = [];
  examples.forEach((example, index) => {
    const scores = effectiveScores(example, shaping, () => where(index));
    const terms = termsOf(example, scores, shaping);
    count(tally, example, scores, terms);
    const result = withTerms(example, terms);
    if (!result.input_ids.some((_, t) => t > 0 && lossTarget(result, t) !== undefined)) return;
    shaped.push({ ...result, scores });
    kept.push(index);
  });
  if (shaped.length === 0) throw nothingToLearn(examples.length);
  const without = examples.length - shaped.length;
  return {
    examples: shaped,
    kept,
    account: {
      guard: shaping.guard.kind,
      chunks: tally.chunks,
      mean_score: tally.sum / Math.max(1, tally.scores),
      unsafe_share: tally.unsafe / Math.max(1, tally.scores),
      rows_without_loss: without,
      reference_tokens: tally.held,
    },
    notes:
      without === 0 ? [] : [`${without} of ${examples.length} rows left out: their scores leave nothing to learn.`],
  };
}

/** Scores by position, as the shaping wants them: of each chunk, or the last label's for all. */
function effectiveScores({ labels, scores }: TokenizedExample, { per }: Shaping, where: () => string): number[] {
  if (scores === undefined)
    throw new BasinError({
      what: "The row has no safety scores",
      where: where(),
      fix:
        "Give each row safety_scores, one number from 0 to 1 a chunk (rows of tokens: one a token), or a column that " +
        "marks harmful rows, or choose another guard (method.guard).",
    });
  if (per === "chunk") return [...scores];
  const last = scores[labels.findLastIndex((label) => label !== NO_LABEL)] ?? Number.NaN;
  return labels.map((label) => (label === NO_LABEL ? Number.NaN : last));
}

function termsOf(example: TokenizedExample, scores: readonly number[], shaping: Shaping): Required<Kl> {
  const { labels, terms } = example;
  const first = scores[labels.findIndex((label) => label !== NO_LABEL)] ?? 1;
  const weights: number[] = [];
  const kl: number[] = [];
  labels.forEach((label, t) => {
    const score = label === NO_LABEL ? first : (scores[t] ?? Number.NaN);
    const { weight, kl: coefficient } = shaping.terms(score);
    weights.push(label === NO_LABEL ? 0 : weight * (terms?.weights[t] ?? 1));
    kl.push(label === NO_LABEL && !shaping.prompt ? 0 : coefficient);
  });
  return { weights, kl };
}

type Kl = Pick<LossTerms, "weights" | "kl">;

/** Without terms where they say nothing; labels that have no loss are masked. */
function withTerms({ terms: _, ...example }: TokenizedExample, { weights, kl }: Required<Kl>): TokenizedExample {
  const labels = example.labels.map((label, t) => (weights[t] === 0 && kl[t] === 0 ? NO_LABEL : label));
  const held = kl.some((coefficient) => coefficient !== 0);
  const plain = weights.every((weight, t) => labels[t] === NO_LABEL || weight === 1);
  if (plain && !held) return { ...example, labels };
  return { ...example, labels, terms: { weights, ...(held ? { kl } : {}) } };
}

interface Tally {
  scores: number;
  sum: number;
  unsafe: number;
  chunks: number;
  held: number;
}

function count(
  tally: Tally,
  { labels, chunks }: TokenizedExample,
  scores: readonly number[],
  { kl }: Required<Kl>,
): void {
  labels.forEach((label, t) => {
    if (t > 0 && kl[t] !== 0) tally.held += 1;
    if (label === NO_LABEL) return;
    const score = scores[t] ?? Number.NaN;
    tally.scores += 1;
    tally.sum += score;
    if (score < UNSAFE) tally.unsafe += 1;
    if (chunks !== undefined && chunks[t] !== chunks[t - 1]) tally.chunks += 1;
  });
}

function nothingToLearn(rows: number): BasinError {
  return new BasinError({
    what: `The scores leave nothing to learn of any of the ${rows} rows: all are 0, and the KL coefficient is too`,
    where: "method.guard",
    fix: "Raise method.kl_coefficient above 0, or give rows with scores above 0.",
  });
}
