/**
 * @file Choosing the next token from logits on the host: repetition penalty, then temperature, top-k, top-p, then a
 * draw. Definitions and order are those of transformers (generation/logits_process.py):
 *
 *     RepetitionPenaltyLogitsProcessor   tokens of prompt or answer: logit / p if positive, logit · p if negative
 *     TemperatureLogitsWarper            logits / temperature
 *     TopKLogitsWarper                   keeps what is at least the k-th largest logit (equal ones all stay)
 *     TopPLogitsWarper                   keeps a token while those above it have less than top_p together
 *
 * Nothing sorts the vocabulary: top-k and top-p select their part of it (linear on average).
 */

import { BasinError } from "../base/error.ts";
import { Rng } from "../base/rng.ts";

export interface Sampling {
  /** Logits are divided by it; 0 takes the most likely token (top_k and top_p then change nothing). */
  readonly temperature: number;
  /** Keep the k most likely tokens; 0 = all. */
  readonly top_k: number;
  /** Keep the smallest set whose probability reaches top_p; 1 = all. */
  readonly top_p: number;
  /** Above 1 makes tokens that have occurred less likely; 1 = none. */
  readonly repetition_penalty: number;
  readonly seed: number;
}

/** Greedy: what is used unless something else is asked for. */
export const GREEDY: Sampling = { temperature: 0, top_k: 0, top_p: 1, repetition_penalty: 1, seed: 0 };

/** Whether the device's own argmax gives the same. */
export function isPlainGreedy({ temperature, repetition_penalty }: Sampling): boolean {
  return temperature === 0 && repetition_penalty === 1;
}

/** What may be drawn: token ids in ascending order and their weights (probabilities times a common factor). */
export interface Candidates {
  readonly tokens: readonly number[];
  readonly weights: readonly number[];
}

/** One row's choices. The row's draws depend on the seed and its stream alone. */
export class Sampler {
  readonly #sampling: Sampling;
  readonly #rng: Rng;
  readonly #seen: Set<number>;

  /**
   * @param stream names the row's random numbers
   * @param prompt the tokens so far; the repetition penalty counts them as transformers does
   */
  constructor(sampling: Sampling, stream: string, prompt: readonly number[]) {
    this.#sampling = sampling;
    this.#rng = new Rng(`sample/${sampling.seed}/${stream}`);
    this.#seen = new Set(sampling.repetition_penalty === 1 ? [] : prompt);
  }

  /** The next token. `logits` is overwritten. */
  next(logits: Float32Array): number {
    penalise(logits, this.#seen, this.#sampling.repetition_penalty);
    const token =
      this.#sampling.temperature === 0
        ? argmax(logits)
        : draw(candidates(logits, this.#sampling), this.#rng.uint32() / 2 ** 32);
    this.#seen.add(token);
    return token;
  }
}

/**
 * One name of a stream per row: from the prompt's tokens and the number of equal prompts before it. So a prompt gets
 * the same draws whatever stands beside it, and the same prompt twice gets two answers.
 */
export function rowStreams(prompts: readonly (readonly number[])[]): string[] {
  const times = new Map<string, number>();
  return prompts.map((prompt) => {
    const name = prompt.join(",");
    const before = times.get(name) ?? 0;
    times.set(name, before + 1);
    return `${name}/${before}`;
  });
}

/** In place: the logits of tokens that have occurred, moved towards less likely (for a penalty above 1). */
export function penalise(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const token of seen) {
    const logit = logits[token];
    if (logit !== undefined) logits[token] = logit < 0 ? logit * penalty : logit / penalty;
  }
}

/**
 * After the penalty: what temperature, top-k and top-p leave. `logits` is overwritten.
 * @throws BasinError when they are not finite
 */
export function candidates(
  logits: Float32Array,
  { temperature, top_k, top_p }: Pick<Sampling, "temperature" | "top_k" | "top_p">,
): Candidates {
  for (let i = 0; i < logits.length; i += 1) logits[i] = (logits[i] ?? 0) / temperature;
  const top = logits[argmax(logits)] ?? 0;
  let tokens: number[] = [];
  if (top_k > 0 && top_k < logits.length) {
    const least = kthLargest(Float32Array.from(logits), top_k);
    logits.forEach((logit, token) => logit >= least && tokens.push(token));
  } else {
    tokens = Array.from(logits.keys());
  }
  if (top_p < 1) tokens = nucleus(logits, tokens, top, top_p);
  return { tokens, weights: tokens.map((token) => Math.exp((logits[token] ?? 0) - top)) };
}

/**
 * The most likely of `tokens` that together reach `share`; at least one. Ascending ids. Of equal ones the lower ids
 * come first.
 *
 * A selection by mass: the tokens are parted around a logit, and the part in which the share is reached is parted
 * again.
 */
function nucleus(logits: Float32Array, tokens: readonly number[], top: number, share: number): number[] {
  const logit = (token: number): number => logits[token] ?? 0;
  const weight = (token: number): number => Math.exp(logit(token) - top);
  const goal = share * tokens.reduce((sum, token) => sum + weight(token), 0);
  let part: readonly number[] = tokens;
  let above = 0; // the mass of what is more likely than every token of `part`
  let threshold = -Infinity;
  while (part.length > 0) {
    const pivot = medianOfThree(
      logit(part[0] ?? 0),
      logit(part[part.length >> 1] ?? 0),
      logit(part[part.length - 1] ?? 0),
    );
    const [higher, lower]: [number[], number[]] = [[], []];
    let [massHigher, massEqual] = [0, 0];
    for (const token of part) {
      const value = logit(token);
      if (value > pivot) {
        higher.push(token);
        massHigher += weight(token);
      } else if (value < pivot) lower.push(token);
      else massEqual += weight(token);
    }
    if (higher.length > 0 && above + massHigher >= goal) {
      part = higher;
    } else if (above + massHigher + massEqual >= goal) {
      threshold = pivot;
      break;
    } else {
      above += massHigher + massEqual;
      part = lower;
    }
  }
  const kept = tokens.filter((token) => logit(token) > threshold);
  let mass = kept.reduce((sum, token) => sum + weight(token), 0);
  for (const token of tokens) {
    if (logit(token) !== threshold) continue;
    if (kept.length > 0 && mass >= goal) break;
    kept.push(token);
    mass += weight(token);
  }
  return kept.sort((x, y) => x - y);
}

/** @param share in [0, 1) */
export function draw({ tokens, weights }: Candidates, share: number): number {
  let rest = share * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return tokens[index] ?? 0;
  }
  return tokens[weights.findLastIndex((weight) => weight > 0)] ?? 0;
}

/** The lowest index of the largest value. @throws BasinError when a value is NaN or +infinite */
function argmax(logits: Float32Array): number {
  let best = 0;
  let most = -Infinity;
  for (let i = 0; i < logits.length; i += 1) {
    const logit = logits[i] ?? 0;
    if (logit > most) [best, most] = [i, logit];
    else if (Number.isNaN(logit)) most = Number.NaN;
    if (Number.isNaN(most) || most === Infinity) {
      throw new BasinError({
        what: `The logit of token ${i} is ${logit}`,
        where: "sampling",
        fix:
          "The model or the adapter is broken: nothing can be drawn from it. Fetch it again, or use an adapter whose " +
          "training did not diverge.",
      });
    }
  }
  return best;
}

/**
 * The k-th largest of `values` (k from 1), which are reordered: Hoare's selection with the median of three as pivot.
 */
function kthLargest(values: Float32Array, k: number): number {
  const at = (i: number): number => values[i] ?? 0;
  let [from, to] = [0, values.length - 1];
  const wanted = k - 1;
  while (from < to) {
    const pivot = medianOfThree(at(from), at((from + to) >> 1), at(to));
    let [i, j] = [from, to];
    while (i <= j) {
      while (at(i) > pivot) i += 1;
      while (at(j) < pivot) j -= 1;
      if (i > j) break;
      const kept = at(i);
      values[i] = at(j);
      values[j] = kept;
      i += 1;
      j -= 1;
    }
    if (wanted <= j) to = j;
    else if (wanted >= i) from = i;
    else break;
  }
  return at(wanted);
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
