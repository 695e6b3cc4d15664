/**
 * @file Measuring which kernel is fastest on this device, problem by problem, within a budget of time.
 *
 *     for each pending problem, most work first:
 *       every candidate once, to warm up; those far behind are out
 *       the others in turns, so that a device that slows down slows all; the least of ROUNDS, which other work disturbs
 *       least; the fastest becomes the route, unless it gains less than a tenth on the built-in choice (router.ts)
 *
 * A measurement allocates its own buffers and frees them. Long sides are shortened: rates hardly change then.
 */

import { allOrNothing } from "../allOrNothing.ts";
import { workDone } from "../completion.ts";
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
import { type MatmulProblem, isDense } from "./problem.ts";
import type { Candidates, PendingProblem, Route, Timings } from "./router.ts";

/** Rows of a weight (columns for nn) and tokens beyond these measure the same. */
const MAX_SIDE = 4096;
const MAX_TOKENS = 256;
const WARM_UPS = 3;
const ROUNDS = 5;
/** A candidate that is slower than the best by this factor when both warm up is not measured further. */
const HOPELESS = 3;
/** One timing lasts at least this long, or the clock and the submission would be what is measured. */
const LEAST_MS = 2;
const MOST_DISPATCHES = 64;

export interface MeasureOptions {
  /** No problem is begun after this many ms; the one that was begun is finished. */
  readonly budgetMs: number;
  /** Called before each problem and each timing: whether the device is needed. What was begun is discarded. */
  readonly interrupted?: () => boolean;
  /** ms; performance.now by default (tests). */
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
  for (const unmeasured of gpu.router.pending) {
    if (now() - started >= budgetMs || interrupted()) break;
    const ms = await timeProblem(gpu, unmeasured, interrupted, now);
    if (ms) routes.push(gpu.router.record(unmeasured, ms));
  }
  return { routes, left: gpu.router.pending.length, ms: now() - started };
}

interface Contender {
  readonly kernel: string;
  readonly program: Program;
}

interface Trial extends Contender {
  readonly warmUp: number;
}

/** ms of each candidate; undefined when it was interrupted. */
async function timeProblem(
  gpu: Gpu,
  { problem, candidates }: PendingProblem,
  interrupted: () => boolean,
  now: () => number,
): Promise<Timings | undefined> {
  const bench = await Workbench.open(gpu, problem);
  const programs: Contender[] = [];
  const trials: Trial[] = [];
  try {
    programs.push(...(await compile(gpu, bench, candidates)));
    for (const { kernel, program } of programs) {
      if (interrupted()) return undefined;
      trials.push({ kernel, program, warmUp: await warmUp(gpu, program, now) });
    }
    const least = Math.min(...trials.map((trial) => trial.warmUp));
    const contenders = trials.filter((trial) => trial.warmUp <= HOPELESS * least);
    const dispatches = Math.max(1, Math.min(MOST_DISPATCHES, Math.ceil(LEAST_MS / Math.max(least, 1e-3))));
    const times = new Map<string, number[]>(contenders.map(({ kernel }) => [kernel, []]));
    for (let round = 0; contenders.length > 1 && round < ROUNDS; round += 1) {
      for (const { kernel, program } of contenders) {
        if (interrupted()) return undefined;
        times.get(kernel)?.push(await time(gpu, program, dispatches, now));
      }
    }
    return Object.fromEntries(
      trials.map(({ kernel, warmUp: once }) => {
        const measured = times.get(kernel) ?? [];
        return [kernel, Math.min(once, ...measured)];
      }),
    );
  } finally {
    for (const { program } of programs) program.destroy();
    bench.destroy();
  }
}

/** ms of a kernel that runs for the first times. */
async function warmUp(gpu: Gpu, program: Program, now: () => number): Promise<number> {
  const once: number[] = [];
  for (let i = 0; i < WARM_UPS; i += 1) once.push(await time(gpu, program, 1, now));
  // The least: other work on the machine must not rule a candidate out.
  return Math.min(...once);
}

/** The candidates that compile here, compiled side by side. */
async function compile(gpu: Gpu, bench: Workbench, candidates: Candidates): Promise<Contender[]> {
  // The scope also takes the error of a shader that the driver refuses, which would otherwise fail whatever runs next.
  gpu.device.pushErrorScope("validation");
  const settled = await Promise.allSettled(
    candidates.map(
      async (kernel): Promise<Contender> => ({
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

/** ms of one dispatch, from `count` of them. */
async function time(gpu: Gpu, program: Program, count: number, now: () => number): Promise<number> {
  const commands = gpu.device.createCommandEncoder();
  const pass = commands.beginComputePass();
  for (let i = 0; i < count; i += 1) program.record(pass);
  pass.end();
  const started = now();
  gpu.device.queue.submit([commands.finish()]);
  await workDone(gpu.device);
  gpu.check();
  return (now() - started) / count;
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
