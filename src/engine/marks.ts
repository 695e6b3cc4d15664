/** @file Entries of index buffers that name no row: host and kernels agree on them (wgsl/host.ts). */

/** The target of a row without a label: loss 0, gradient 0. */
export const IGNORED_TARGET = 0xffffffff;

/** The cache slot of a token that is not written (padding). */
export const SKIPPED_CACHE_ROW = 0xffffffff;
