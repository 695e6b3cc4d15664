/**
 * @file What a batch is: the arrays that one pass of a decoder reads. T tokens of several sequences, one after the
 * other; L labels; B sequences.
 *
 *     TokenBatch       ids [T]   positions [T]   bounds [T, 4]          every pass
 *     LabelledBatch    + labelRows [L]   labelTargets [L]  (terms [L, 4])  training and scoring (packBatch.ts)
 *     CachedBatch      + cacheRows [T]   last [B]                       decoding with a KV cache (cachedBatch.ts)
 *
 * `bounds` is attention's mask. Row t holds keyBegin, keyEnd, queryBegin, queryEnd: token t attends to the keys
 * [keyBegin, keyEnd), and the queries [queryBegin, queryEnd) attend to it. These are rows of the batch itself, or, with
 * a cache, rows of the cache; the last two are read in the reverse pass only.
 *
 * A batch is filled up to a planned shape. A filler is a sequence of its own that attends only to itself, so that its
 * softmax is defined, and no other token attends to it.
 */

export interface TokenBatch {
  /** [T] */
  readonly ids: Uint32Array;
  /** [T] position within the sequence, for the rotary embedding. */
  readonly positions: Uint32Array;
  /** [T, 4] */
  readonly bounds: Uint32Array;
}

export interface LabelledBatch extends TokenBatch {
  /** T, fillers included. */
  readonly tokens: number;
  /** [L] rows of which logits are needed; fillers are row 0. */
  readonly labelRows: Uint32Array;
  /** [L] the token expected there; fillers are IGNORED_TARGET. */
  readonly labelTargets: Uint32Array;
  /** [L, 4] weight, coefficient and reference of each label (LabelTerms); null: the cross-entropy of each. */
  readonly labelTerms: Float32Array | null;
  /** Labels without fillers and what only the divergence reaches: the denominator of the mean. */
  readonly labelCount: number;
  /** Tokens of the examples, without padding and fillers. */
  readonly realTokens: number;
  readonly examples: number;
}

export interface CachedBatch extends TokenBatch {
  /** [T] row of the cache that each token's key and value go to; fillers are SKIPPED_CACHE_ROW. */
  readonly cacheRows: Uint32Array;
  /** [B] row of each sequence's last token: where its next one is predicted. */
  readonly last: Uint32Array;
}

/** A planned shape: every batch that is filled up to it has T = tokens and L = labels. */
export interface BatchCapacity {
  readonly tokens: number;
  readonly labels: number;
}
