/** @file What runs are sorted and compared by. */

export const SORT_COLUMNS = ["method", "data", "harmful", "task", "benign", "steps", "ended"] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

/** Curves that runs can be compared by. */
export const CURVES = ["ce", "penalty", "learning_rate", "grad_norm", "tokens_per_second"] as const;
export type CurveName = (typeof CURVES)[number];
