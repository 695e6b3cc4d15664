/**
 * @file Masked cross-entropy of a language model's head. Logits are computed only for labelled rows, in chunks of the
 * vocabulary, so that memory grows neither with tokens × vocabulary nor with labels × vocabulary.
 *
 *     g = hidden[rows]                          [L, d]
 *     for each chunk:  l = g headᵀ              [L, chunk], folded into a running maximum and sum (arXiv 1805.02867)
 *     rowLoss = logsumexp(l) - l[target]        stats[0] += Σ rowLoss · lossScale
 *     for each chunk:  l once more (not if there is only one), ∂l = (softmax(l) - onehot) · lossScale, ∂g += ∂l head
 *     ∂hidden = scatter(∂g)                     zero in rows without a label
 *
 * With a softcap (Gemma 2) l is cap · tanh(g headᵀ / cap), capped in place chunk by chunk, and ∂l gets the factor
 * 1 − (l / cap)².
 *
 * With terms, a label's loss is w · CE + c · KL(p ‖ p_ref) at the label, by an estimator of the divergence; rowLoss
 * stays the cross-entropy. Both terms have the gradient of CE times a number (cross_entropy.wgsl).
 *
 * The head is frozen. The gradient is computed in the forward node, while the logits are in memory, and handed over by
 * backward().
 * A target of IGNORED_TARGET marks a padding entry of `rows`: loss 0, gradient 0.
 */

import type { Encoder } from "../encoder.ts";
import type { Graph, GraphNode, Operator } from "../graph.ts";
import { crossEntropyFamily } from "../kernels.ts";
import type { RowRange } from "../storage.ts";
import type { Tensor } from "../tensor.ts";
import { encodeMatmul } from "./matmul.ts";
import { encodeGather, encodeScatter } from "./rows.ts";
import { checkCap, encodeSoftcap } from "./softcap.ts";

/** Bytes of one chunk of logits, by default. */
const LOGITS_BYTES = 16 * 2 ** 20;

export interface CrossEntropyOptions {
  /** [V, d], f32, bf16 or f16; may be stored in several parts. */
  readonly head: Tensor;
  readonly labels: Labels;
  /** The `batch` input: lossScale. */
  readonly batch: Tensor;
  /** f32 input; [0] receives Σ rowLoss · lossScale, added. */
  readonly stats?: Tensor;
  /** Vocabulary entries per chunk (rounded up to a multiple of 128); default: 16 MiB of logits. */
  readonly chunk?: number;
  /** `final_logit_softcapping`, above 0; none by default. */
  readonly softcap?: number;
  /** Compute ∂hidden; needed if backward() is to pass through. */
  readonly withGradient: boolean;
  /** Force a matmul kernel (tests, benchmarks). */
  readonly kernel?: string;
}

/** Which rows are labelled, and with what. */
export interface Labels {
  /** u32[L]: rows of `hidden`; distinct, apart from ignored entries. */
  readonly rows: Tensor;
  /** u32[L]: the label of each, or IGNORED_TARGET. */
  readonly targets: Tensor;
  /** What the loss of each label is made of; the cross-entropy alone by default. */
  readonly terms?: LabelTerms;
}

export interface LabelTerms {
  /** f32[L, 4]: weight w of the cross-entropy, coefficient c of the divergence, log p_ref of the label, unused. */
  readonly values: Tensor;
  readonly estimator: KlEstimator;
}

/** Of KL(p ‖ p_ref) from the log-probabilities of one label, d = log p_ref - log p: k2 d²/2, k3 exp(d) - 1 - d. */
export type KlEstimator = "k2" | "k3";

interface CrossEntropyAttributes {
  readonly options: CrossEntropyOptions;
  /** [T, d] */
  readonly hidden: Tensor;
  /** The labelled rows of `hidden`, [L, d] */
  readonly gathered: Tensor;
  /** Of one chunk, [L, chunk] */
  readonly logits: Tensor;
  /** [L, 4]: running maximum, running sum, the target's logit */
  readonly state: Tensor;
  /** [L] */
  readonly rowLoss: Tensor;
  /** [L, d] */
  readonly gatheredGradient: Tensor | undefined;
  /** [T, d] */
  readonly hiddenGradient: Tensor | undefined;
}

/**
 * @param hidden [T, d], f32, after the final norm
 * @returns rowLoss [L] in nats, unscaled: minus the log-probability of each label
 * @throws Error when shapes do not fit or the softcap is not above 0
 */
export function crossEntropy(graph: Graph, hidden: Tensor, options: CrossEntropyOptions): { readonly rowLoss: Tensor } {
  const { head, batch, stats, withGradient } = options;
  const { rows, targets, terms } = options.labels;
  const [vocabulary = 1, width = 1] = head.shape;
  const count = rows.shape[0] ?? 1;
  if (hidden.shape[1] !== width || targets.shape[0] !== count || (terms && terms.values.shape[0] !== count)) {
    throw new Error(
      `the head [${head.shape.join(", ")}] or ${count} labels do not fit hidden [${hidden.shape.join(", ")}]`,
    );
  }
  checkCap("cross-entropy", options.softcap);
  const requested = options.chunk ?? Math.max(128, Math.floor(LOGITS_BYTES / 4 / count / 128) * 128);
  const chunk = Math.min(vocabulary, Math.ceil(requested / 128) * 128);
  const gathered = graph.value("labelled rows", [count, width]);
  // A row stride that is a multiple of 4 keeps vector loads possible for any vocabulary.
  const logits = graph.value("logits", [count, Math.ceil(chunk / 4) * 4]);
  const state = graph.value("softmax state", [count, 4]);
  const rowLoss = graph.value("row loss", [count]);
  const gatheredGradient = withGradient ? graph.value("∂ labelled rows", [count, width]) : undefined;
  const hiddenGradient = withGradient ? graph.value(`∂ ${hidden.name}`, hidden.shape) : undefined;
  graph.add(
    crossEntropyOperator,
    { options, hidden, gathered, logits, state, rowLoss, gatheredGradient, hiddenGradient },
    [hidden, head, rows, targets, batch, ...(terms ? [terms.values] : [])],
    [
      rowLoss,
      gathered,
      logits,
      state,
      ...(gatheredGradient ? [gatheredGradient] : []),
      ...(hiddenGradient ? [hiddenGradient] : []),
      ...(stats ? [stats] : []),
    ],
  );
  return { rowLoss };
}

const crossEntropyOperator: Operator<CrossEntropyAttributes> = {
  name: "crossEntropy",
  encode,
  backward: ({ attributes: { hidden, hiddenGradient } }, tape) => {
    if (!tape.needsGradient(hidden)) return;
    if (!hiddenGradient) throw new Error(`the cross-entropy of ${hidden.name} was built without its gradient`);
    tape.addGradient(hidden, hiddenGradient);
  },
};

function encode({ attributes }: GraphNode<CrossEntropyAttributes>, encoder: Encoder): void {
  const { options, hidden, gathered, logits, gatheredGradient, hiddenGradient } = attributes;
  encodeGather(encoder, hidden, options.labels.rows, gathered);
  const chunks = splitVocabulary(encoder.ranges(options.head), logits.shape[1] ?? 1);
  const single = chunks.length === 1;
  for (const chunk of chunks) {
    encodeLogits(encoder, attributes, chunk);
    encodeSoftmax(encoder, attributes, chunk, "online");
  }
  encodeLoss(encoder, attributes);
  if (!gatheredGradient || !hiddenGradient) return;
  for (const chunk of chunks) {
    if (!single) encodeLogits(encoder, attributes, chunk);
    encodeSoftmax(encoder, attributes, chunk, "gradient");
    encodeRowGradient(encoder, attributes, gatheredGradient, chunk);
  }
  encodeScatter(encoder, gatheredGradient, options.labels.rows, options.labels.targets, hiddenGradient);
}

/** Split the parts of the head into chunks. None crosses a part, and each starts at a multiple of 128 rows. */
function splitVocabulary(parts: readonly RowRange[], size: number): RowRange[] {
  const chunks: RowRange[] = [];
  for (const part of parts) {
    for (let row = 0; row < part.rows; row += size)
      chunks.push({ row: part.row + row, rows: Math.min(size, part.rows - row) });
  }
  return chunks;
}

function encodeLogits(encoder: Encoder, attributes: CrossEntropyAttributes, chunk: RowRange): void {
  const { options, gathered, logits } = attributes;
  const width = gathered.shape[1] ?? 1;
  for (const range of encoder.ranges(gathered, logits)) {
    encodeMatmul(encoder, {
      form: "nt",
      size: { m: range.rows, n: chunk.rows, k: width },
      x: { view: encoder.rows(gathered, range), ld: width },
      w: { view: encoder.rows(options.head, chunk), dtype: options.head.dtype },
      y: { view: encoder.rows(logits, range), ld: logits.shape[1] ?? 1 },
      kernel: options.kernel,
    });
    // Whole rows: nobody reads what is left of the chunk before.
    if (options.softcap !== undefined)
      encodeSoftcap(encoder, encoder.rows(logits, range), range.rows * (logits.shape[1] ?? 1), options.softcap);
  }
}

function encodeSoftmax(
  encoder: Encoder,
  attributes: CrossEntropyAttributes,
  chunk: RowRange,
  entry: "online" | "gradient",
): void {
  const { options, logits, state } = attributes;
  const { targets, terms } = options.labels;
  const stride = logits.shape[1] ?? 1;
  const byRow = options.kernel === undefined ? encoder.software : options.kernel !== "shared";
  for (const range of encoder.ranges(logits)) {
    encoder.dispatch({
      family: crossEntropyFamily,
      entry: softmaxEntry(entry, byRow, terms !== undefined),
      bindings: {
        logits: encoder.rows(logits, range),
        targets: encoder.whole(targets),
        state: encoder.whole(state),
        batch: encoder.whole(options.batch),
        ...(terms && entry === "gradient" ? { terms: encoder.whole(terms.values) } : {}),
      },
      params: {
        rows: range.rows,
        chunk: chunk.rows,
        stride,
        vocabulary0: chunk.row,
        offset: range.row,
        first: chunk.row === 0 ? 1 : 0,
        inverseCap: options.softcap === undefined ? 0 : 1 / options.softcap,
        k3: isK3(options.labels),
      },
      groups: entry === "online" ? (byRow ? range.rows / 8 : range.rows) : (range.rows * stride) / 256,
      flops: 4 * range.rows * chunk.rows,
    });
  }
}

function softmaxEntry(entry: "online" | "gradient", byRow: boolean, terms: boolean): string {
  if (entry === "online") return byRow ? "onlineRow" : "online";
  return terms ? "gradientTerms" : "gradient";
}

function isK3({ terms }: Labels): 0 | 1 {
  return terms?.estimator === "k3" ? 1 : 0;
}

function encodeLoss(encoder: Encoder, { options, state, rowLoss }: CrossEntropyAttributes): void {
  const { stats, labels } = options;
  const rows = rowLoss.shape[0] ?? 1;
  encoder.dispatch({
    family: crossEntropyFamily,
    entry: stats ? (labels.terms ? "finishTerms" : "finish") : "finishRows",
    bindings: {
      targets: encoder.whole(labels.targets),
      state: encoder.whole(state),
      batch: encoder.whole(options.batch),
      loss: encoder.whole(rowLoss),
      stats: stats && encoder.whole(stats),
      ...(stats && labels.terms ? { terms: encoder.whole(labels.terms.values) } : {}),
    },
    params: {
      rows,
      chunk: 0,
      stride: 0,
      vocabulary0: 0,
      offset: 0,
      first: 0,
      inverseCap: 0,
      k3: isK3(labels),
    },
    groups: stats ? 1 : rows / 256,
  });
}

function encodeRowGradient(
  encoder: Encoder,
  attributes: CrossEntropyAttributes,
  gatheredGradient: Tensor,
  chunk: RowRange,
): void {
  const { options, logits } = attributes;
  const width = gatheredGradient.shape[1] ?? 1;
  for (const range of encoder.ranges(gatheredGradient, logits)) {
    encodeMatmul(encoder, {
      form: "nn",
      size: { m: range.rows, n: width, k: chunk.rows },
      x: { view: encoder.rows(logits, range), ld: logits.shape[1] ?? 1 },
      w: { view: encoder.rows(options.head, chunk), dtype: options.head.dtype },
      y: { view: encoder.rows(gatheredGradient, range), ld: width, accumulate: chunk.row > 0 },
      kernel: options.kernel,
    });
  }
}
