/**
 * @file The registry of kernel families: one entry per entry file of shaders/, with the parameters of its dispatches.
 *
 * Parameters are 4-byte scalars in the order of `struct Params`, which is made of them (wgsl/struct.ts); a call site
 * that leaves one out or misspells it does not compile.
 */

import type { KernelFamily } from "./kernel.ts";
import { type Fields, struct } from "./wgsl/struct.ts";

type Settings = Partial<Pick<KernelFamily, "file" | "conditions" | "constants">>;

/** A family whose file, unless `settings` name another, is its name. */
function family<const F extends Fields>(name: string, fields: F, settings: Settings = {}): KernelFamily<F> {
  return { name, file: name, params: struct(fields), ...settings };
}

/** Of families whose workgroups add up one number at a time (common/reduction.wgsl). */
const SINGLE_SUMS: Settings = { conditions: { PAIRED_SUMS: false } };

export const copyFamily = family("copy", { count: "u32" });
export const addFamily = family("add", { count: "u32" });
export const argmaxFamily = family("argmax", { rows: "u32", width: "u32" });
export const rmsNormFamily = family(
  "rms_norm",
  { rows: "u32", width: "u32", eps: "f32", offset: "f32" },
  { conditions: { PAIRED_SUMS: true } },
);
export const swigluFamily = family("swiglu", { count: "u32" });
export const adamwFamily = family("adamw", { count: "u32", slot: "u32" });
export const reduceFamily = family("reduce", { count: "u32", offset: "u32", slot: "u32" }, SINGLE_SUMS);
export const columnsFamily = family("columns", { rows: "u32", width: "u32", first: "u32", count: "u32" });
export const softcapFamily = family("softcap", { count: "u32", cap: "f32" });
export const cacheWriteFamily = family("cache_write", { tokens: "u32", width: "u32", rows: "u32" });
export const rotaryFamily = family("rotary", {
  tokens: "u32",
  heads: "u32",
  half: "u32",
  positions: "u32",
  direction: "f32",
});

export const rowsFamily = family("rows", {
  /** Entries of `rows` in this dispatch. */
  selected: "u32",
  width: "u32",
  /** First row and number of rows of the bound part of the many-rowed side. */
  first: "u32",
  count: "u32",
  /** First entry of `rows` and `targets`. */
  offset: "u32",
  useTargets: "u32",
});

export const embeddingFamily = family("embedding", {
  /** Tokens of this dispatch. */
  count: "u32",
  width: "u32",
  /** First row and number of rows of the bound part of the table. */
  first: "u32",
  rows: "u32",
  /** Rows of the whole table. */
  vocabulary: "u32",
  scale: "f32",
});

export const crossEntropyFamily = family(
  "cross_entropy",
  {
    rows: "u32",
    /** Columns of this chunk. */
    chunk: "u32",
    /** Of a row of logits. */
    stride: "u32",
    /** Vocabulary index of the chunk's first column. */
    vocabulary0: "u32",
    /** First row of this dispatch. */
    offset: "u32",
    /** 1 for the first chunk: the state is new. */
    first: "u32",
    inverseCap: "f32",
    /** With terms: 1 estimates the divergence by k3, 0 by k2. */
    k3: "u32",
  },
  { ...SINGLE_SUMS, constants: { REDUCED: 256 } },
);

// ---- attention ------------------------------------------------------------------------------------------------------

const attentionParams = {
  queries: "u32",
  keys: "u32",
  heads: "u32",
  kvHeads: "u32",
  scale: "f32",
  softcap: "f32",
  /** Lanes of a head, see attention/rows.wgsl. */
  lanes: "u32",
} as const;

export const attentionFamily = family("attention", attentionParams, {
  file: "attention/rows",
  conditions: { PAIRS: false },
});
/** For heads that are no multiple of 4: pairs of channels instead of quadruples. */
export const attentionPairsFamily = family("attention (pairs)", attentionParams, {
  file: "attention/rows",
  conditions: { PAIRS: true },
});
/** For devices with the feature and subgroups of four. */
export const attentionSubgroupFamily = family("attention_subgroup", attentionParams, {
  file: "attention/subgroup",
  conditions: { PAIRS: false },
});
export const attentionTiledFamily = family("attention_tiled", attentionParams, {
  file: "attention/tiled",
  conditions: { PAIRS: false },
});
export const attentionTiledBackwardFamily = family("attention_tiled_backward", attentionParams, {
  file: "attention/tiled_backward",
  conditions: { PAIRS: false },
});

// ---- matrix products ------------------------------------------------------------------------------------------------

const matmulParams = {
  m: "u32",
  n: "u32",
  k: "u32",
  /** Row strides of x and y, and the column at which each starts. */
  ldx: "u32",
  xColumn: "u32",
  ldy: "u32",
  yColumn: "u32",
  /** nn: 1 adds to y. */
  accumulate: "u32",
  /** 0 none, 1 f32, 2 bf16, 3 f16; 4: a residual, f32, laid out as y. */
  biasKind: "u32",
  /** 0: no LoRA term. */
  rank: "u32",
  loraScale: "f32",
  /** First row of this dispatch in the whole tensor, for the dropout mask. */
  row0: "u32",
  /** 0: no dropout. */
  dropThreshold: "u32",
  dropScale: "f32",
  stream: "u32",
} as const;

type MatmulFamily = KernelFamily<typeof matmulParams>;

/** Matmul kernels by how the frozen weight is read. */
export interface MatmulFamilies {
  /** f32, bf16, f16; no feature. */
  readonly plain: MatmulFamily;
  /** f16 by the feature shader-f16. */
  readonly half: MatmulFamily;
  /** int8, nf4, nf4_double; no feature. */
  readonly quantised: MatmulFamily;
}

/** The three ways of reading the weight for a file of shaders/matmul/. */
function matmulFamilies(name: string, file: string): MatmulFamilies {
  const path = `matmul/${file}`;
  return {
    plain: family(name, matmulParams, { file: path, conditions: { QUANTISED: false, NATIVE_HALVES: false } }),
    half: family(`${name}_half`, matmulParams, { file: path, conditions: { QUANTISED: false, NATIVE_HALVES: true } }),
    quantised: family(`${name}_quantised`, matmulParams, { file: path, conditions: { QUANTISED: true } }),
  };
}

export const registerFamilies = matmulFamilies("matmul", "register");
export const tileFamilies = matmulFamilies("matmul_tile", "tile");
export const vectorFamilies = matmulFamilies("matmul_vector", "vector");
/** For devices with the feature and subgroups of four. */
export const subgroupFamilies = matmulFamilies("matmul_subgroup", "subgroup");
/** For devices with the feature and 8x8 matrices of f32. */
export const subgroupMatrixFamilies = matmulFamilies("matmul_subgroup_matrix", "subgroup_matrix");

/**
 * f16 weights as f32, by integer operations or unpack2x16float and by the feature shader-f16: for the check that they
 * are exact.
 */
export const widenFamilies = {
  plain: family("widen", {}, { file: "matmul/widen", conditions: { NATIVE_HALVES: false } }),
  half: family("widen_half", {}, { file: "matmul/widen", conditions: { NATIVE_HALVES: true } }),
};

const loraParams = {
  rows: "u32",
  width: "u32",
  rank: "u32",
  scale: "f32",
  /** First row of this dispatch in the whole tensor, for the dropout mask. */
  row0: "u32",
  dropThreshold: "u32",
  dropScale: "f32",
  stream: "u32",
} as const;

export const loraFamily = family("lora", loraParams, { file: "lora/skinny" });
/** For devices with the feature and subgroups of four. */
export const loraSubgroupFamily = family("lora_subgroup", loraParams, { file: "lora/subgroup" });

// ---- methods --------------------------------------------------------------------------------------------------------

export const anchorFamily = family("anchor", {
  modules: "u32",
  /** thin: rows of M in this part; thinT: columns of M in vec4s, all; complement: rows of D in this part. */
  rows: "u32",
  /** thin: columns of M in vec4s; thinT: rows of M in this part; complement: columns of V in vec4s. */
  inner: "u32",
  /** vec4s in a row of M (of V for complement). */
  stride4: "u32",
  /** Rows in the parts before this one. */
  first: "u32",
  /** Rows of one module in X. */
  xRows: "u32",
  /** Rows of one module in Y and X0; complement: rows of V. */
  yRows: "u32",
  /** vec4s in a row of X, X0, Y; complement: vec4s in a row of D. */
  r4: "u32",
  /** complement: where D of this module begins, in vec4s. */
  base4: "u32",
  carry: "f32",
  keep: "f32",
  factor: "f32",
});

export const penaltyFamily = family(
  "penalty",
  {
    modules: "u32",
    /** First module of this group in `table`. */
    entry: "u32",
    /** Rows of the thin matrix (outFeatures for grams, inner, gradients). */
    rows: "u32",
    /** grams, gradients: inFeatures. */
    columns: "u32",
    r: "u32",
    /** vec4s in a row of a thin matrix, and of the right side of `gram`. */
    r4: "u32",
    /** gram: vec4s in a row of the left side. */
    left4: "u32",
    /** pack: distance of two rows, and of two columns, in the flat buffer. */
    alongRows: "u32",
    alongRank: "u32",
    /** pack: 0 reads B, 1 reads A. */
    which: "u32",
    /** 0: a projector on the left, 1: the direction, 2: its positive half. */
    flat: "u32",
    lambda: "f32",
  },
  SINGLE_SUMS,
);

export const proximalFamily = family(
  "proximal",
  {
    /** The bound range of the flat buffers, floats. */
    first: "u32",
    count: "u32",
    modules: "u32",
    lambda: "f32",
  },
  SINGLE_SUMS,
);

export const perturbFamily = family("perturb", {
  /** Elements of the bound part of the tensor, and the number of its first one. */
  count: "u32",
  first: "u32",
  /** The direction's factor for this tensor, in `coefficients`. */
  slot: "u32",
  /** noise: the tensor's stream. */
  key0: "u32",
  key1: "u32",
});
