/**
 * @file Grouped-query attention over packed sequences, flash style (Dao et al. 2022, arXiv 2205.14135).
 *
 * Which keys a query sees is data, not shape: `bounds[t] = (kvStart, kvEnd, qStart, qEnd)`. Query t sees keys
 * [kvStart, kvEnd), which expresses causality, packed segments, padding (a padding token sees itself alone) and rows
 * of a cache; key t is seen by the queries [qStart, qEnd) and no others, which the reverse pass searches. Rows that a
 * query does not see contribute nothing, whatever they hold: other sequences, stale rows of a cache, later tokens.
 *
 *     packed batch   a a a b b | bounds of the 2nd b: keys [3, 5), queries [4, 5)
 *
 * From the forward to the reverse pass only the log-sum-exp of each query and head is stored, never a tokens × tokens
 * matrix. The reverse pass recomputes probabilities: ∂q by query, ∂k and ∂v by key over all heads of the group,
 * without atomics.
 *
 *     forward    q, k, v ─▶ o [T, heads · headDim], logSum [T, heads]
 *     reverse    o, logSum, ∂o ─▶ pairs [T, heads, 2] = (logSum, ∂o·o)
 *                q, k, v, pairs, ∂o ─▶ ∂q        q, k, v, pairs, ∂o ─▶ ∂k, ∂v
 *
 * With a softcap (Gemma 2, arXiv 2408.00118) scores are cap · tanh(scale · q·k / cap), which lie in (−cap, cap). The
 * kernels are other variants then; without it the code folds away.
 */

import type { DispatchRequest, Encoder } from "../encoder.ts";
import type { Graph, Operator } from "../graph.ts";
import type { attentionFamily } from "../kernels.ts";
import type { Tensor } from "../tensor.ts";
import { type AttentionEntry, attentionKernel } from "./attentionKernels.ts";
import { checkCap } from "./softcap.ts";

export interface AttentionSettings {
  readonly heads: number;
  readonly kvHeads: number;
  /** Even, at most 256. */
  readonly headDim: number;
  /** Factor of q·k, usually 1 / sqrt(headDim). */
  readonly scale: number;
  /** Above 0; none by default. */
  readonly softcap?: number;
  readonly name: string;
}

interface Operands extends AttentionSettings {
  /** [T, heads · headDim] */
  readonly q: Tensor;
  /** [S, kvHeads · headDim] */
  readonly k: Tensor;
  /** [S, kvHeads · headDim] */
  readonly v: Tensor;
  /** u32[T, 4] */
  readonly bounds: Tensor;
  /** [T, heads · headDim] */
  readonly o: Tensor;
  /** log Σ exp(score), [T, heads] */
  readonly logSum: Tensor;
}

interface PairsAttributes extends Operands {
  /** Like o. */
  readonly dOut: Tensor;
  /** (log-sum-exp, ∂o·o) of each query and head, [T, 2 · heads] */
  readonly pairs: Tensor;
}

interface QueryGradient extends PairsAttributes {
  /** Like q. */
  readonly dq: Tensor;
}

interface KeyGradient extends Operands {
  /** Like o. */
  readonly dOut: Tensor;
  /** As in PairsAttributes; not needed for ∂v alone. */
  readonly pairs: Tensor | undefined;
  /** Like k; undefined where only ∂v is wanted. */
  readonly dk: Tensor | undefined;
  /** Like v. */
  readonly dv: Tensor;
}

/**
 * Softmax(scale · q kᵀ) v within the bounds.
 * @param q [T, heads · headDim]
 * @param k [S, kvHeads · headDim]: of the batch (S = T, trainable) or a cache of S rows
 * @param v like k
 * @param bounds u32[T, 4]
 * @returns [T, heads · headDim]
 * @throws Error when shapes disagree, headDim is odd or above 256, or the softcap is not above 0
 */
export function attention(
  graph: Graph,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  bounds: Tensor,
  settings: AttentionSettings,
): Tensor {
  const { heads, kvHeads, headDim, softcap, name } = settings;
  const fits =
    q.shape[1] === heads * headDim &&
    k.shape[1] === kvHeads * headDim &&
    v.shape[1] === k.shape[1] &&
    v.shape[0] === k.shape[0];
  if (!fits || heads % kvHeads !== 0 || headDim % 2 !== 0 || headDim > 256) {
    const shapes = [q, k, v].map(({ name: operand, shape }) => `${operand} [${shape.join(", ")}]`).join(", ");
    throw new Error(`${name}: ${shapes} do not fit ${heads}/${kvHeads} heads of ${headDim}`);
  }
  checkCap(name, softcap);
  const [tokens = 1] = q.shape;
  const o = graph.value(name, q.shape);
  const logSum = graph.value(`log-sum-exp of ${name}`, [tokens, heads]);
  graph.add(attentionOperator, { ...settings, q, k, v, bounds, o, logSum }, [q, k, v, bounds], [o, logSum]);
  return o;
}

/** What a dispatch of one pass needs beside its bindings. */
function kernel(
  encoder: Encoder,
  { q, k, heads, kvHeads, headDim, scale, softcap }: Operands,
  entry: AttentionEntry,
): Pick<DispatchRequest<typeof attentionFamily>, "family" | "entry" | "constants" | "params" | "groups"> {
  const [queries = 1] = q.shape;
  const [keys = 1] = k.shape;
  const lanes = headDim / (headDim % 4 === 0 ? 4 : 2);
  return {
    ...attentionKernel({ entry, queries, keys, heads, kvHeads, headDim }, encoder),
    constants: { HEAD_DIM: headDim, ...(softcap === undefined || entry === "row_delta" ? {} : { SOFTCAP: true }) },
    params: { queries, keys, heads, kvHeads, scale, softcap: softcap ?? 0, lanes },
  };
}

function operands(encoder: Encoder, { q, k, v, bounds }: Operands): Record<string, ReturnType<Encoder["whole"]>> {
  return { q: encoder.whole(q), k: encoder.whole(k), v: encoder.whole(v), bounds: encoder.whole(bounds) };
}

const attentionOperator: Operator<Operands> = {
  name: "attention",
  encode: ({ attributes }, encoder) => {
    const { o, logSum } = attributes;
    encoder.dispatch({
      ...kernel(encoder, attributes, "forward"),
      bindings: { ...operands(encoder, attributes), o: encoder.whole(o), logSum: encoder.whole(logSum) },
    });
  },
  backward: ({ attributes }, tape) => {
    const { q, k, v, o, logSum, bounds, heads, name } = attributes;
    const dOut = tape.gradient(o);
    if (!dOut) return;
    const wantQ = tape.needsGradient(q);
    const wantK = tape.needsGradient(k);
    const wantV = tape.needsGradient(v);
    if ((wantK || wantV) && k.shape[0] !== q.shape[0])
      throw new Error(`${name}: the gradient of keys needs as many queries as keys`);
    const { graph } = tape;
    let pairs: Tensor | undefined;
    if (wantQ || wantK) {
      pairs = graph.value(`∂o·o of ${name}`, [q.shape[0] ?? 1, 2 * heads]);
      graph.add(pairsOperator, { ...attributes, dOut, pairs }, [o, logSum, dOut], [pairs]);
    }
    if (wantK || wantV) {
      const dv = graph.value(`∂ ${v.name}`, v.shape);
      const dk = wantK ? graph.value(`∂ ${k.name}`, k.shape) : undefined;
      graph.add(
        keyOperator,
        { ...attributes, dOut, pairs, dk, dv },
        [q, k, v, bounds, dk && pairs ? pairs : logSum, dOut],
        dk ? [dk, dv] : [dv],
      );
      if (dk) tape.addGradient(k, dk);
      if (wantV) tape.addGradient(v, dv);
    }
    if (wantQ && pairs) {
      const dq = graph.value(`∂ ${q.name}`, q.shape);
      graph.add(queryOperator, { ...attributes, dOut, pairs, dq }, [q, k, v, bounds, pairs, dOut], [dq]);
      tape.addGradient(q, dq);
    }
  },
};

const pairsOperator: Operator<PairsAttributes> = {
  name: "attentionDelta",
  encode: ({ attributes }, encoder) => {
    const { q, o, logSum, dOut, pairs, heads, headDim } = attributes;
    encoder.dispatch({
      ...kernel(encoder, attributes, "row_delta"),
      bindings: {
        out: encoder.whole(o),
        dOut: encoder.whole(dOut),
        lse: encoder.whole(logSum),
        pairs: encoder.whole(pairs),
      },
      flops: 2 * heads * headDim * (q.shape[0] ?? 1),
    });
  },
};

const queryOperator: Operator<QueryGradient> = {
  name: "attentionQueryGradient",
  encode: ({ attributes }, encoder) => {
    const { dOut, pairs, dq } = attributes;
    encoder.dispatch({
      ...kernel(encoder, attributes, "backward_queries"),
      bindings: {
        ...operands(encoder, attributes),
        dOut: encoder.whole(dOut),
        pair: encoder.whole(pairs),
        dq: encoder.whole(dq),
      },
    });
  },
};

const keyOperator: Operator<KeyGradient> = {
  name: "attentionKeyGradient",
  encode: ({ attributes }, encoder) => {
    const { dOut, logSum, pairs, dk, dv } = attributes;
    encoder.dispatch({
      ...kernel(encoder, attributes, dk ? "backward_keys_values" : "backward_values"),
      bindings: {
        ...operands(encoder, attributes),
        dOut: encoder.whole(dOut),
        lse: dk ? undefined : encoder.whole(logSum),
        pair: dk && pairs && encoder.whole(pairs),
        dk: dk && encoder.whole(dk),
        dv: encoder.whole(dv),
      },
    });
  },
};
