/** @file The registry of kernel families: one line per WGSL file. */

import copySource from "../../shaders/copy.wgsl?raw";
import addSource from "../../shaders/add.wgsl?raw";
import argmaxSource from "../../shaders/argmax.wgsl?raw";
import crossEntropySource from "../../shaders/cross_entropy.wgsl?raw";
import loraSource from "../../shaders/lora.wgsl?raw";
import loraSubgroupSource from "../../shaders/lora_subgroup.wgsl?raw";
import matmulSource from "../../shaders/matmul.wgsl?raw";
import matmulSubgroupSource from "../../shaders/matmul_subgroup.wgsl?raw";
import matmulQuantisedSource from "../../shaders/matmul_quantised.wgsl?raw";
import matmulHalfSource from "../../shaders/matmul_half.wgsl?raw";
import matmulSubgroupMatrixSource from "../../shaders/matmul_subgroup_matrix.wgsl?raw";
import matmulTileSource from "../../shaders/matmul_tile.wgsl?raw";
import matmulVectorSource from "../../shaders/matmul_vector.wgsl?raw";
import rowsSource from "../../shaders/rows.wgsl?raw";
import anchorSource from "../../shaders/anchor.wgsl?raw";
import penaltySource from "../../shaders/penalty.wgsl?raw";
import proximalSource from "../../shaders/proximal.wgsl?raw";
import embeddingSource from "../../shaders/embedding.wgsl?raw";
import rmsNormSource from "../../shaders/rms_norm.wgsl?raw";
import rotarySource from "../../shaders/rotary.wgsl?raw";
import attentionSubgroupSource from "../../shaders/attention_subgroup.wgsl?raw";
import attentionSource from "../../shaders/attention.wgsl?raw";
import gatedUnitSource from "../../shaders/gated_unit.wgsl?raw";
import cacheWriteSource from "../../shaders/cache_write.wgsl?raw";
import adamwSource from "../../shaders/adamw.wgsl?raw";
import reduceSource from "../../shaders/reduce.wgsl?raw";
import columnsSource from "../../shaders/columns.wgsl?raw";
import softcapSource from "../../shaders/softcap.wgsl?raw";
import attentionTiledSource from "../../shaders/attention_tiled.wgsl?raw";
import type { KernelFamily } from "./kernel.ts";

/**
 * Which invocations are active is uniform in a subgroup by the kernels' layout, which WGSL's analysis, being one of whole workgroups,
 * cannot see.
 */
const SUBGROUPS = "enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n";

/** What a subgroup does is decided by its number, which that analysis does not follow through calls either. */
const SUBGROUP_MATRICES =
  "enable subgroups;\nenable chromium_experimental_subgroup_matrix;\ndiagnostic(off, chromium.subgroup_matrix_uniformity);\n";

export const copyFamily: KernelFamily = { name: "copy", source: copySource };
export const addFamily: KernelFamily = { name: "add", source: addSource };
export const argmaxFamily: KernelFamily = { name: "argmax", source: argmaxSource };
export const crossEntropyFamily: KernelFamily = { name: "cross_entropy", source: crossEntropySource };
export const loraFamily: KernelFamily = { name: "lora", source: loraSource };

/** Product kernels by how the frozen weight is read. */
export interface ProductFamilies {
  /** f32, bf16, f16; no feature. */
  readonly plain: KernelFamily;
  /** f16 by the feature shader-f16. */
  readonly half: KernelFamily;
  /** int8, nf4, nf4_double; no feature. */
  readonly quantised: KernelFamily;
}

/** The kernels of `text`, which follow matmul.wgsl and share its parameters, loads and epilogues. */
function productFamilies(name: string, text: string, enable = ""): ProductFamilies {
  const half = `${matmulSource.replaceAll(/(?<!fn )halves4\(/g, "nativeHalves4(")}\n${matmulHalfSource}`;
  const quantised = text
    .replaceAll("loadW(", "loadQuantised(")
    .replaceAll("weight4(", "codes4(")
    .replaceAll("scaleW(", "scaleAt(");
  return {
    plain: { name, source: `${enable}${matmulSource}\n${text}` },
    half: { name: `${name}_half`, source: `enable f16;\n${enable}${half}\n${text}` },
    quantised: {
      name: `${name}_quantised`,
      source: `${enable}${matmulSource}\n${matmulQuantisedSource}\n${quantised}`,
    },
  };
}

export const registerFamilies: ProductFamilies = productFamilies("matmul", "");
export const tileFamilies: ProductFamilies = productFamilies("matmul_tile", matmulTileSource);
export const vectorFamilies: ProductFamilies = productFamilies("matmul_vector", matmulVectorSource);
/** Shares the parameters and dropout of lora.wgsl; for devices with the feature and subgroups of four. */
export const loraSubgroupFamily: KernelFamily = {
  name: "lora_subgroup",
  source: `${SUBGROUPS}${loraSource}\n${loraSubgroupSource}`,
};
/** For devices with the feature and subgroups of four. */
export const subgroupFamilies: ProductFamilies = productFamilies("matmul_subgroup", matmulSubgroupSource, SUBGROUPS);
/** For devices with the feature and 8x8 matrices of f32. */
export const subgroupMatrixFamilies: ProductFamilies = productFamilies(
  "matmul_subgroup_matrix",
  matmulSubgroupMatrixSource,
  SUBGROUP_MATRICES,
);
export const rowsFamily: KernelFamily = { name: "rows", source: rowsSource };
export const anchorFamily: KernelFamily = { name: "anchor", source: anchorSource };
export const penaltyFamily: KernelFamily = { name: "penalty", source: penaltySource };
export const proximalFamily: KernelFamily = { name: "proximal", source: proximalSource };
export const embeddingFamily: KernelFamily = { name: "embedding", source: embeddingSource };
export const rmsNormFamily: KernelFamily = { name: "rms_norm", source: rmsNormSource };
export const rotaryFamily: KernelFamily = { name: "rotary", source: rotarySource };
export const attentionFamily: KernelFamily = { name: "attention", source: attentionSource };
/** Shares the parameters and maths of attention.wgsl; for devices with the feature and subgroups of four. */
export const attentionSubgroupFamily: KernelFamily = {
  name: "attention_subgroup",
  source: `${SUBGROUPS}${attentionSource}\n${attentionSubgroupSource}`,
};
export const attentionTiledFamily: KernelFamily = { name: "attention_tiled", source: attentionTiledSource };
export const gatedUnitFamily: KernelFamily = { name: "gated_unit", source: gatedUnitSource };
export const cacheWriteFamily: KernelFamily = { name: "cache_write", source: cacheWriteSource };
export const adamwFamily: KernelFamily = { name: "adamw", source: adamwSource };
export const reduceFamily: KernelFamily = { name: "reduce", source: reduceSource };
export const columnsFamily: KernelFamily = { name: "columns", source: columnsSource };
export const softcapFamily: KernelFamily = { name: "softcap", source: softcapSource };
