/**
 * @file STAR-DSS (arXiv 2505.17196): a guard scores every response chunk by chunk, and the loss of a chunk blends
 * learning it with staying at the model before training.
 *
 *     V_k: the guard's probability that the response is safe up to the end of chunk k (5 words)
 *     loss = 1/T Σ_k Σ_{t in k}  V_k · CE_t + (1 - V_k) · λ · KL_t         KL_t: k2 or k3, at the target token
 *
 * Both terms are the cross-entropy's gradient times a number (cross_entropy.wgsl), so a step costs what it costs
 * without them; log p_ref of each label is found once, before training, by the model without adapter.
 *
 * T counts the labels that have a term. With λ > 0 these are all, as in the released code. With λ = 0 a label with V =
 * 0 has none and is as if it were masked; the released code would count it.
 *
 * The released code maps the ends of chunks by the lengths of tokenised prefixes, whose template ends the turn each
 * time, so its chunks reach a few tokens into the next. Here a token belongs to the first chunk that it does not reach
 * beyond, and the end of the turn to the last.
 */

import { z } from "../base/zod.ts";
import { setting } from "../base/format.ts";
import { isRecord } from "../base/records.ts";
import { frac, i, lines, n, o, paren, row, space, sub, text } from "./formula.ts";
import { defineMethod } from "./method.ts";
import { option } from "./options.ts";

const NO_PROBE =
  "the guard probe is the one that DSA trains, which this version does not have. Use another guard, or bring its " +
  "scores in the rows";

const guard = z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("rows") })], {
  error: ({ input }) => (isRecord(input) && input.kind === "probe" ? NO_PROBE : undefined),
});

const schema = z.strictObject({
  name: z.literal("star_dss"),
  guard: option(guard.prefault({ kind: "rows" }), {
    title: "Guard",
    description:
      "Where the scores come from. rows: safety_scores of each row, one a chunk (one a token for token IDs), or 0 " +
      "and 1 by its harmful mark.",
    choices: { rows: "scores in the rows" },
  }),
  kl_coefficient: option(z.number().min(0).max(1000).default(0.5), {
    title: "KL coefficient",
    description: "λ: how strongly unsafe chunks are held to the model before training.",
  }),
  estimator: option(z.enum(["k2", "k3"]).default("k2"), {
    title: "KL estimator",
    description: "From the target token alone, d = log p_ref − log p. k2: d²/2, as released. k3: exp(d) − 1 − d.",
    choices: { k2: "k2: d²/2", k3: "k3: exp(d) − 1 − d" },
  }),
  kl_tokens: option(z.enum(["response", "all"]).default("response"), {
    title: "KL on",
    description:
      "response: tokens that are trained. all: the prompt's too, with the first chunk's score; so the released code " +
      "computes where its log-probabilities do not leave out masked tokens.",
    choices: { response: "the response", all: "prompt and response" },
    advanced: true,
  }),
  chunk_words: option(z.int().min(1).max(1000).default(5), {
    title: "Words of a chunk",
    description: "Words between white space that share a score.",
    advanced: true,
  }),
  rejection_sampling: option(z.boolean().default(false), {
    title: "Rejection sampling",
    description: "The paper's baseline: one score a row, that of the whole response, and no KL.",
    advanced: true,
  }),
});

export type StarDssOptions = z.output<typeof schema>;

const V = i("V");
const k = sub(V, i("k"));

export const starDss = defineMethod({
  name: "star_dss",
  title: "STAR-DSS",
  kind: "loss",
  summary: "Safe parts of a response are learnt; unsafe parts are held to the model before training.",
  about:
    "A guard gives every chunk of five words the probability V that the response is safe up to there. Each chunk's " +
    "loss is V times the cross-entropy plus (1 − V) times a KL term, which holds the model to what it was before " +
    "training. So a response that turns harmful halfway is learnt up to there.",
  citation: {
    text: "Shape it Up! Restoring LLM Safety during Finetuning, NeurIPS 2025, arXiv 2505.17196",
    url: "https://arxiv.org/abs/2505.17196",
  },
  evidence: {
    grade: "primary code",
    note:
      "Loss, chunks and coefficient from the released code; k3 from a re-implementation. Chunk ends are mapped " +
      "exactly, where the released code reaches a few tokens into the next chunk.",
  },
  cautions: [
    "Everything depends on the guard: the figures are those of this guard. A harmful chunk that it misses is learnt.",
    "Scores by the harmful mark are those of a guard that never errs, with one score for a whole row: the most " +
      "favourable case.",
    "The released code leaves its mask of the KL term commented out. With flash-attention's cross-entropy its " +
      "log-probabilities of masked tokens are 0, and nothing changes; KL on all tokens is the other case.",
    "Text without white space, such as Chinese, is one chunk.",
    "The k2 and k3 terms look at the target token only: they are estimates of the divergence, not the divergence.",
  ],
  marks: [{ id: "star-dss", light: "#1c1d01", dark: "#ce1242", shape: "chevron" }],
  schema,
  variantTitle: ({ rejection_sampling }) => (rejection_sampling ? "Rejection sampling" : "STAR-DSS"),
  settings: ({ kl_coefficient, estimator, rejection_sampling, guard: { kind } }) =>
    `${rejection_sampling ? "one score a row" : `λ ${setting(kl_coefficient)}, ${estimator}`}, guard ${kind}`,
  formula: ({ rejection_sampling }) => ({
    label: rejection_sampling
      ? "Loss is the mean over tokens of V times the cross-entropy, with one V a row"
      : "Loss is the mean over tokens of V of the token's chunk times the cross-entropy plus one minus V times " +
        "lambda times the divergence from the model before training",
    formula: rejection_sampling
      ? row(i("L"), o("="), frac(n("1"), i("T")), o("∑"), V, sub(text("CE"), i("t")))
      : lines([
          row(
            i("L"),
            o("="),
            frac(n("1"), i("T")),
            o("∑"),
            k,
            sub(text("CE"), i("t")),
            o("+"),
            paren(n("1"), o("−"), k),
            i("λ"),
            space(),
            sub(text("KL"), i("t")),
          ),
        ]),
    letters:
      "V: the guard's score of the response up to the end of the chunk, from 0 (unsafe) to 1; T: labels of the step " +
      "that have a term; KL: from the model before training, estimated at the target token.",
  }),
  log: {
    facts: {
      guard: { title: "Guard" },
      chunks: { title: "Chunks", as: "count" },
      mean_score: { title: "Mean score of a token" },
      unsafe_share: { title: "Tokens with a score below 0.5", as: "share" },
      rows_without_loss: { title: "Rows without a loss", as: "count" },
      reference_tokens: { title: "Reference log-probabilities", as: "count" },
    },
    modules: {},
  },
  replay: { module: null, files: {} },
  rows: ({ kl_coefficient, estimator, kl_tokens, chunk_words, rejection_sampling }) => ({
    shaping: {
      guard: { kind: "rows" },
      chunkWords: chunk_words,
      per: rejection_sampling ? "row" : "chunk",
      terms: (score) => ({ weight: score, kl: rejection_sampling ? 0 : (1 - score) * kl_coefficient }),
      estimator,
      prompt: kl_tokens === "all" && !rejection_sampling,
    },
  }),
});
