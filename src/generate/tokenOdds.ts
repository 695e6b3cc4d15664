/**
 * @file How likely a chosen token was, and what else was likely: the model's own distribution, before temperature,
 * top-k, top-p and repetition penalty.
 *
 *     log p(t) = z_t − max z − log Σ exp(z − max z)            in 64 bits, from logits in 32
 */

export interface TokenLogProb {
  readonly token: number;
  /** Natural logarithm. */
  readonly logProb: number;
}

export interface TokenOdds extends TokenLogProb {
  /** The most likely tokens, most likely first; the chosen one may be among them. */
  readonly top: readonly TokenLogProb[];
}

/** @param logits [vocabSize] of one row; not changed. @param most how many of the likeliest to name */
export function tokenOdds(logits: Float32Array, token: number, most: number): TokenOdds {
  // The likeliest so far, in order; of equal ones the lower id first, as argmax has it.
  const best: { token: number; logit: number }[] = [];
  let least = -Infinity;
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? -Infinity;
    if (!(logit > least) && best.length >= most) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1]?.logit ?? Infinity) < logit) at -= 1;
    best.splice(at, 0, { token: id, logit });
    if (best.length > most) best.pop();
    if (best.length === most) least = best[most - 1]?.logit ?? -Infinity;
  }
  const max = best[0]?.logit ?? 0;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  const normaliser = max + Math.log(sum);
  return {
    token,
    logProb: (logits[token] ?? Number.NaN) - normaliser,
    top: best.map((one) => ({ token: one.token, logProb: one.logit - normaliser })),
  };
}
