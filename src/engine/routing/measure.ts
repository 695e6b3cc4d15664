/**
 * @file Measuring which kernel is fastest on this device, problem by problem, within a budget of time.
 *
 *     for each pending problem, most work first: its candidates race (race.ts, clock.ts); the fastest becomes the
 *     route, unless it gains less than a tenth on the built-in choice (router.ts)
 *
 * A measurement allocates its own buffers and frees them. Long sides are shortened: rates hardly change then.
 */

import { allOrNothing } from "../allOrNothing.ts";
import type { Gpu } from "../device.ts";
import { Encoder } from "../encoder.ts";
import { BasinError } from "../../base/error.ts";
import { Graph } from "../graph.ts";
import { encodeLoraProduct } from "../operators/loraProduct.ts";
import { encodeMatmul } from "../operators/matmul.ts";
import { Program } from "../program.ts";
import { isQuantised } from "../quantised.ts";
import { type Storage, allocate, destroyStorage } from "../storage.ts";
import type { DType, Tensor } from "../tensor.ts";
import { PassClock } from "./clock.ts";
import { type MatmulProblem, isDense } from "./problem.ts";
import { race } from "./race.ts";
import type { Candidates, PendingProblem, Route, Timings } from "./router.ts";

/** Rows of a weight (columns for nn) and tokens beyond these measure the same. */
const MAX_SIDE = 4096;
const MAX_TOKENS = 256;

export interface MeasureOptions {
  /** No problem is begun after this many ms; the one that was begun is finished. */
  readonly budgetMs: number;
  /** Called before each problem and each timing: whether the device is needed. What was begun is discarded. */
  readonly interrupted?: () => boolean;
  /** ms, for the budget; performance.now by default (tests). */
  readonly now?: () => number;
}

export interface MeasurementSummary {
  readonly routes: readonly Route[];
  /** Problems that still wait. */
  readonly left: number;
  readonly ms: number;
}

/**
 * Measure what is pending in `gpu.router`, and record it there. The device should be idle: other work distorts times.
 * @throws BasinError when the device fails in a way that is no candidate's fault
 */
export async function measureRoutes(
  gpu: Gpu,
  { budgetMs, interrupted = () => false, now = () => performance.now() }: MeasureOptions,
): Promise<MeasurementSummary> {
  const started = now();
  const routes: Route[] = [];
  let clock: PassClock | undefined;
  try {
    for (const unmeasured of gpu.router.pending) {
      if (now() - started >= budgetMs || interrupted()) break;
      clock ??= await PassClock.open(gpu);
      const ms = await timeProblem(gpu, unmeasured, interrupted, clock);
      if (ms) routes.push(gpu.router.record(unmeasured, ms));
    }
  } finally {
    clock?.destroy();
  }
  return { routes, left: gpu.router.pending.length, ms: now() - started };
}

interface Compiled {
  readonly kernel: string;
  readonly program: Program;
}

/** ms of each candidate; undefined when it was interrupted. */
async function timeProblem(
  gpu: Gpu,
  { problem, candidates }: PendingProblem,
  interrupted: () => boolean,
  clock: PassClock,
): Promise<Timings | undefined> {
  const bench = await Workbench.open(gpu, problem);
  const programs: Compiled[] = [];
  try {
    programs.push(...(await compile(gpu, bench, candidates)));
    const contenders = programs.map(({ kernel, program }) => ({
      kernel,
      time: (runs: number) => clock.time(program, runs),
    }));
    const { error } = clock;
    const ms = await race(contenders, { error, interrupted });
    // Timestamps were found to be wrong meanwhile.
    return clock.error === error ? ms : await race(contenders, { error: clock.error, interrupted });
  } finally {
    for (const { program } of programs) program.destroy();
    bench.destroy();
  }
}

/** The candidates that compile here, compiled side by side. */
async function compile(gpu: Gpu, bench: Workbench, candidates: Candidates): Promise<Compiled[]> {
  // The scope also takes the error of a shader that the driver refuses, which would otherwise fail whatever runs next.
  gpu.device.pushErrorScope("validation");
  const settled = await Promise.allSettled(
    candidates.map(
      async (kernel): Promise<Compiled> => ({
        kernel,
        program: await Program.fromDispatches(gpu, bench.encode(kernel).dispatches),
      }),
    ),
  );
  await gpu.device.popErrorScope();
  const made = settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  // Out of memory or a lost device is no kernel's fault.
  const failure = settled.find((result) => result.status === "rejected" && result.reason instanceof BasinError);
  if (failure?.status === "rejected") {
    for (const { program } of made) program.destroy();
    throw failure.reason;
  }
  return made;
}

/** Operands of one problem, all zero: on known devices the time of a matmul does not depend on its numbers. */
class Workbench {
  readonly #gpu: Gpu;
  readonly #problem: MatmulProblem;
  readonly #storage = new Map<Tensor, Storage>();
  readonly #operands: Operands;

  private constructor(gpu: Gpu, problem: MatmulProblem, operands: Operands) {
    this.#gpu = gpu;
    this.#problem = problem;
    this.#operands = operands;
  }

  static open(gpu: Gpu, problem: MatmulProblem): Promise<Workbench> {
    const cut = shortened(problem);
    const operands = operandsOf(cut);
    return allOrNothing(async (own) => {
      const bench = own(new Workbench(gpu, cut, operands));
      for (const tensor of [operands.x, operands.w, operands.y])
        bench.#storage.set(tensor, await allocate(gpu, tensor));
      return bench;
    });
  }

  encode(kernel: string): Encoder {
    const { x, w, y } = this.#operands;
    const { form, m, n, k } = this.#problem;
    const encoder = new Encoder({ storageOf: (tensor) => this.#find(tensor), device: this.#gpu });
    if (isDense(form)) {
      const view = {
        view: encoder.whole(w),
        dtype: w.dtype,
        ...(isQuantised(w.dtype) ? { scales: encoder.scales(w) } : {}),
      };
      encodeMatmul(encoder, {
        form,
        size: { m, n, k },
        x: { view: encoder.whole(x), ld: k },
        w: view,
        y: { view: encoder.whole(y), ld: n },
        kernel,
      });
    } else {
      encodeLoraProduct(encoder, { form, z: x, s: w, y, scale: 1, kernel });
    }
    return encoder;
  }

  destroy(): void {
    for (const storage of this.#storage.values()) destroyStorage(storage);
    this.#storage.clear();
  }

  #find(tensor: Tensor): Storage {
    const storage = this.#storage.get(tensor);
    if (!storage) throw new Error(`${tensor.name} has no storage`);
    return storage;
  }
}

interface Operands {
  /** The tall operand. */
  readonly x: Tensor;
  /** The weight, the factor, or the other tall side of a gradient. */
  readonly w: Tensor;
  readonly y: Tensor;
}

function operandsOf({ form, dtype, m, n, k }: MatmulProblem): Operands {
  const graph = new Graph();
  const tensor = (name: string, rows: number, columns: number, type: DType = "f32"): Tensor =>
    graph.input(name, [rows, columns], type);
  switch (form) {
    case "nt":
      return { x: tensor("x", m, k), w: tensor("W", n, k, dtype), y: tensor("y", m, n) };
    case "nn":
      return { x: tensor("x", m, k), w: tensor("W", k, n, dtype), y: tensor("y", m, n) };
    case "down":
      return { x: tensor("x", m, k), w: tensor("A", n, k), y: tensor("h", m, n) };
    case "hidden":
      return { x: tensor("∂y", m, k), w: tensor("B", k, n), y: tensor("∂h", m, n) };
    case "gradientA":
      return { x: tensor("x", k, n), w: tensor("∂h", k, m), y: tensor("∂A", m, n) };
    case "gradientB":
      return { x: tensor("∂y", k, m), w: tensor("h", k, n), y: tensor("∂B", m, n) };
  }
}

/** The same problem with shorter sides, at multiples of every block of quantised weights. */
function shortened(problem: MatmulProblem): MatmulProblem {
  const { form, m, n, k } = problem;
  const side = (length: number): number => Math.min(length, MAX_SIDE);
  const tokens = (length: number): number => Math.min(length, MAX_TOKENS);
  switch (form) {
    case "gradientA":
    case "gradientB":
      return { ...problem, m: side(m), n: side(n), k: tokens(k) };
    default:
      return { ...problem, m: tokens(m), n: side(n), k: side(k) };
  }
}
