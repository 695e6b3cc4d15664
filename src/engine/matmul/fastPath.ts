/** @file Fast paths: what kernels may build on beyond the default, once it was tried on the device (fastPaths.ts). */

/** One optional capability. */
export interface FastPath {
  readonly name: string;
  /** For the device panel: "subgroups of four, which share registers". */
  readonly description: string;
  /** Whether the adapter says that it has it. It is used only if the kernels' probes come out right, too. */
  readonly offered: (adapter: OfferedFeatures) => boolean;
}

export interface OfferedFeatures {
  readonly features: Pick<GPUSupportedFeatures, "has">;
  readonly info: AdapterInfo;
}

/** The part of GPUAdapterInfo that fast paths ask for; matrices are not in the types of WebGPU yet. */
export interface AdapterInfo extends Pick<GPUAdapterInfo, "subgroupMinSize" | "subgroupMaxSize"> {
  readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig>;
}

export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * How weights stored in f16 are read, exactly in every case: by the type f16 (`native`), by unpack2x16float, or by
 * integer operations.
 */
export type F16Loading = "native" | "unpack" | "integers";

/** What was found on a device. */
export interface FastPaths {
  /** Names of the fast paths that passed. */
  readonly passed: ReadonlySet<string>;
  readonly f16Loading: F16Loading;
  /** The largest size of a subgroup. */
  readonly subgroupSize: number;
}

/** A device without any. */
export const NO_FAST_PATHS: FastPaths = { passed: new Set(), f16Loading: "integers", subgroupSize: 0 };
