/**
 * @file Perplexity: how well the model predicts what stands in the rows. Nothing is generated.
 *
 *     nll = Σ_rows Σ_t loss_t / Σ_rows tokens,   perplexity = exp(nll)
 *
 * over the labelled tokens: all of a free text, the response of an instruction or a conversation, as in training. Every
 * token counts alike, so long rows count for more.
 *
 * The 95 % interval is a percentile bootstrap over rows (2000 resamples, seeded): tokens of one row hang together, so
 * rows are what is drawn, and the ratio is formed anew in each resample.
 */
import { Rng } from "../../base/rng.ts";
import type { LossEvaluator } from "../evaluator.ts";
import type { Perplexity } from "../scores.ts";

export const perplexity = {
  kind: "perplexity",
  title: "Perplexity",
  choice: "Perplexity (nothing is generated)",
  counts: "how well the rows are predicted",
  needs: "losses",
  options: {},
  rule:
    "perplexity: exp of the mean loss over the labelled tokens; nothing " +
    "is generated; interval by bootstrap over rows",
} as const satisfies LossEvaluator;

const RESAMPLES = 2000;

/** The figure of rows whose losses (nats, one per labelled token) are given. NaN where there is no token. */
export function perplexityOf(rows: readonly (readonly number[])[]): Perplexity {
  const sums = Float64Array.from(rows, (losses) => losses.reduce((sum, loss) => sum + loss, 0));
  const counts = Float64Array.from(rows, (losses) => losses.length);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  const nll = sums.reduce((sum, loss) => sum + loss, 0) / tokens;
  return {
    perplexity: Math.exp(nll),
    nll,
    tokens,
    rows: rows.length,
    ci95: rows.length < 2 ? null : bootstrap(sums, counts),
  };
}

function bootstrap(sums: Float64Array, counts: Float64Array): { low: number; high: number } {
  const rng = new Rng(`bootstrap/${sums.length}`);
  const means = new Float64Array(RESAMPLES);
  for (let i = 0; i < RESAMPLES; i += 1) {
    let [loss, tokens] = [0, 0];
    for (let drawn = 0; drawn < sums.length; drawn += 1) {
      const row = rng.below(sums.length);
      loss += sums[row] ?? 0;
      tokens += counts[row] ?? 0;
    }
    means[i] = loss / tokens;
  }
  means.sort();
  const at = (share: number): number =>
    means[Math.min(RESAMPLES - 1, Math.max(0, Math.round(share * RESAMPLES) - 1))] ?? Number.NaN;
  return { low: Math.exp(at(0.025)), high: Math.exp(at(0.975)) };
}
