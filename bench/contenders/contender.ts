/**
 * @file What a library must do to be measured. Each has its own device on the same adapter; work is enqueued and the
 * end of the queue awaited, nothing is read back while the clock runs.
 */

import type { RouteRow } from "../../src/experiment/measure/routeRows.ts";
import type { Operands, Product } from "../workload/products.ts";
import type { StepWork } from "../workload/loraStep.ts";

export interface Runnable {
  /** Enqueue the work once. */
  run(): void | Promise<void>;
  /**
   * Enqueue it many times in few submissions, as a step does that has hundreds of products. Absent: a run is a
   * submission, or the library sees to it.
   */
  runMany?(calls: number): void;
  /** Everything enqueued so far is done. */
  settle(): Promise<void>;
  /** Of work in a process of its own, which measures itself: ms of `calls` runs and the end of their queue. */
  sample?(calls: number): Promise<number>;
  destroy(): void;
}

/** Dispatches of a submission. */
const BATCH = 64;

/** `runMany` by a function that submits some runs at once. */
export function inBatches(submit: (runs: number) => void): (calls: number) => void {
  return (calls) => {
    for (let left = calls; left > 0; left -= BATCH) submit(Math.min(left, BATCH));
  };
}

export interface ProductRunnable extends Runnable {
  /** The product of one run, row by row. */
  result(): Promise<Float32Array>;
}

/** What a library does that cannot do the step which the others do. */
export interface OtherWork {
  readonly flops: number;
  /** The first step's loss of this work in 64-bit arithmetic. */
  readonly reference: number;
  /** A sentence: in what it differs. */
  readonly note: string;
}

/** A training step; `run` moves the adapters. */
export interface StepRunnable extends Runnable {
  /** Absent where it is the benchmark's own step. */
  readonly other?: OtherWork;
  /** Loss of the latest step, before it moved the adapters. */
  loss(): Promise<number>;
}

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Of its arithmetic, which all libraries but one have in 32 bits. */
  readonly precision?: "bf16";
  /** Undefined: it cannot do this. */
  product(product: Product, operands: Operands): Promise<ProductRunnable | undefined>;
  step(work: StepWork): Promise<StepRunnable | undefined>;
  /** Of Basin: which kernels were measured on this device, and which was taken. */
  kernels?(): readonly RouteRow[];
  destroy(): void;
}

/** Why a library takes no part on this device. */
export interface Refusal {
  readonly name: string;
  readonly version: string;
  readonly refused: string;
}

export type OpenContender = (api: GPU) => Promise<Contender | Refusal>;
