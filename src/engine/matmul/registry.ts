/** @file The registry of matmul kernels, one line each, and the choice among them. */

import type { KernelFamily } from "../kernel.ts";
import { roundedTokens } from "../routing/problem.ts";
import type { Candidates } from "../routing/router.ts";
import type { FastPath, FastPaths } from "./fastPath.ts";
import type {
  DenseFacts,
  DenseKernel,
  DenseSituation,
  KernelRecord,
  LoraFacts,
  LoraKernel,
  LoraSituation,
  MatmulKernel,
} from "./matmulKernel.ts";
import { loraRegisterKernel, registerKernel } from "./register.ts";
import { loraSharedKernel, portableKernel, sharedKernel, splitKernel } from "./shared.ts";
import { loraSubgroupKernel, subgroupKernel } from "./subgroup.ts";
import { subgroupMatrixKernel } from "./subgroupMatrix.ts";
import { VECTOR_ROWS, vectorKernel } from "./vector.ts";

/** In the order in which they are listed. The first of each family fits every product. */
const KERNELS: readonly MatmulKernel[] = [
  registerKernel,
  subgroupKernel,
  sharedKernel,
  portableKernel,
  splitKernel,
  vectorKernel,
  subgroupMatrixKernel,
  loraRegisterKernel,
  loraSubgroupKernel,
  loraSharedKernel,
];

export type KernelDescription = Pick<MatmulKernel, "family" | "name" | "why">;

/** The matmul kernels of a device. */
export class MatmulKernels {
  readonly dense: readonly DenseKernel[];
  readonly lora: readonly LoraKernel[];
  readonly all: readonly MatmulKernel[];

  /** @param all by default those of Basin; tests add to them */
  constructor(all: readonly MatmulKernel[] = KERNELS) {
    this.all = all;
    this.dense = all.filter((kernel) => kernel.family === "dense");
    this.lora = all.filter((kernel) => kernel.family === "lora");
  }

  /** Each once. */
  get names(): readonly string[] {
    return [...new Set(this.all.map(({ name }) => name))];
  }

  /** What each is, for the device panel and the documents. */
  get descriptions(): readonly KernelDescription[] {
    return this.all.map(({ family, name, why }) => ({ family, name, why }));
  }

  /** The kernel families whose text they compile, each once. */
  get families(): readonly KernelFamily[] {
    const dense = this.dense.flatMap(({ source }): KernelFamily[] => [source.plain, source.half, source.quantised]);
    return [...new Set([...dense, ...this.lora.map(({ source }) => source)])];
  }

  /** What some of them build on, each once. */
  get fastPaths(): readonly FastPath[] {
    return [...new Set(this.all.flatMap(({ probe }) => (probe ? [probe.fastPath] : [])))];
  }

  /**
   * The kernel of a product with a frozen weight. It depends on the number of rows rounded as the router rounds it, so
   * that what was measured for a problem holds for every product that shares its key.
   * @param forced a name; where that kernel does not fit, the first one is taken
   * @param route chooses among the candidates
   */
  chooseDense(facts: DenseFacts, forced: string | undefined, route: (candidates: Candidates) => string): DenseKernel {
    const rounded = { ...facts, m: roundedTokens(facts.m) };
    return choose(this.dense, rounded, denseSituation(rounded), forced, route);
  }

  /** The kernel of a skinny product; parameters as for `chooseDense`. */
  chooseLora(facts: LoraFacts, forced: string | undefined, route: (candidates: Candidates) => string): LoraKernel {
    return choose(this.lora, facts, loraSituation(facts), forced, route);
  }
}

/** The kernels of Basin. */
export const matmulKernels = new MatmulKernels();

/**
 * Fewer tiles of 64×64 than this leave a GPU idle, and smaller ones come first (other libraries choose 16 to 64; the
 * router measures).
 */
const FEW_TILES = 32;

function denseSituation({ software, m, n }: DenseFacts): DenseSituation {
  if (software) return "software";
  if (m <= VECTOR_ROWS) return "fewRows";
  return Math.ceil(m / 64) * Math.ceil(n / 64) < FEW_TILES ? "fewTiles" : "manyTiles";
}

function loraSituation({ software }: LoraFacts): LoraSituation {
  return software ? "software" : "gpu";
}

function choose<
  Facts extends { fastPaths: FastPaths },
  Situation extends string,
  K extends KernelRecord<Facts, Situation>,
>(
  kernels: readonly K[],
  facts: Facts,
  situation: Situation,
  forced: string | undefined,
  route: (candidates: Candidates) => string,
): K {
  const fits = ({ probe, fits: fitsFacts = () => true }: K): boolean =>
    (probe === undefined || facts.fastPaths.passed.has(probe.fastPath.name)) && fitsFacts(facts);
  const [fallback] = kernels;
  if (!fallback) throw new Error("no matmul kernel is registered");
  const rank = (kernel: K): number => kernel.rank[situation] ?? Infinity;
  const wanted = (): string => {
    const [first = fallback, ...others] = kernels
      .filter((kernel) => rank(kernel) < Infinity && fits(kernel))
      .sort((a, b) => rank(a) - rank(b));
    return route([first.name, ...others.map(({ name }) => name)]);
  };
  const name = forced ?? wanted();
  return kernels.find((kernel) => kernel.name === name && fits(kernel)) ?? fallback;
}
