/**
 * @file From nodes to dispatches: what an operator's `encode` writes to.
 *
 * Nothing is recorded on the device here. `encode` runs once per program and leaves a list of dispatches; pipelines are
 * then compiled together, bind groups created once, and each step only replays the list.
 */

import type { Constants, KernelFamily, ParamsOf } from "./kernel.ts";
import { BindingError, type BufferView, type RowRange, type Storage } from "./storage.ts";
import { type Shape, type Tensor, elementCount, rowBytes, tensorBytes } from "./tensor.ts";
import { copyFamily } from "./kernels.ts";
import type { FastPaths } from "./matmul/fastPath.ts";
import type { MatmulKernels } from "./matmul/registry.ts";
import type { MatmulProblem } from "./routing/problem.ts";
import type { Candidates, Router } from "./routing/router.ts";

export interface Dispatch<F extends KernelFamily = KernelFamily> {
  readonly family: F;
  readonly entry: string;
  readonly constants: Constants;
  /** Storage bindings by their WGSL names. A read-only binding that a variant does not touch may be left out. */
  readonly bindings: Readonly<Record<string, BufferView>>;
  /** Fields of the family's parameters by name; all must be given. */
  readonly params: ParamsOf<F>;
  /**
   * Number of workgroups, folded into two dimensions where it exceeds the device's limit: kernels flatten
   * `workgroup_id` with `num_workgroups`.
   */
  readonly groups: number;
  /** Operator and tensor, for profiles and errors. */
  readonly label: string;
  /** Of the operator's first output; none for dispatches outside of a graph. */
  readonly shape?: Shape;
  /** Floating-point operations, for the profile (0 = not counted). */
  readonly flops: number;
}

/** A dispatch that belongs to no graph (optimiser, penalty): its parameters are checked against its family's. */
export function dispatchOf<F extends KernelFamily>(dispatch: Dispatch<F>): Dispatch {
  return dispatch;
}

export interface DispatchRequest<F extends KernelFamily = KernelFamily> {
  readonly family: F;
  readonly entry: string;
  readonly constants?: Constants;
  readonly bindings: Readonly<Record<string, BufferView | undefined>>;
  readonly params: ParamsOf<F>;
  readonly groups: number;
  readonly flops?: number;
}

/** What an encoder needs to know about a device. */
export interface EncoderDevice {
  readonly adapter: { readonly software: boolean };
  readonly fastPaths: FastPaths;
  readonly matmulKernels: MatmulKernels;
  readonly router: Router;
}

export interface EncoderOptions {
  readonly storageOf: (tensor: Tensor) => Storage;
  readonly device: EncoderDevice;
}

export class Encoder {
  readonly dispatches: Dispatch[] = [];
  /** A software adapter: prefer kernels without shared memory. */
  readonly software: boolean;
  readonly fastPaths: FastPaths;
  readonly matmulKernels: MatmulKernels;
  readonly #router: Router;
  readonly #storageOf: (tensor: Tensor) => Storage;
  #label = "";
  #shape: Shape | undefined;

  constructor({ storageOf, device: { adapter, fastPaths, matmulKernels, router } }: EncoderOptions) {
    this.#storageOf = storageOf;
    this.software = adapter.software;
    this.fastPaths = fastPaths;
    this.matmulKernels = matmulKernels;
    this.#router = router;
  }

  /** The kernel of a matmul: the fastest one measured on this device, or the first candidate. */
  route(problem: MatmulProblem, candidates: Candidates): string {
    return this.#router.choose(problem, candidates);
  }

  /** Labels the dispatches that follow with their operator and its first output. */
  begin(operator: string, output: Tensor | undefined): void {
    this.#label = `${operator} ${output?.name ?? ""}`;
    this.#shape = output?.shape;
  }

  dispatch<F extends KernelFamily>(request: DispatchRequest<F>): void {
    const bindings: Record<string, BufferView> = {};
    for (const [name, view] of Object.entries(request.bindings)) if (view) bindings[name] = view;
    this.dispatches.push({
      family: request.family,
      entry: request.entry,
      constants: request.constants ?? {},
      bindings,
      params: request.params,
      groups: Math.max(1, Math.ceil(request.groups)),
      label: this.#label,
      ...(this.#shape ? { shape: this.#shape } : {}),
      flops: request.flops ?? 0,
    });
  }

  /** Row ranges in which every one of these tensors (same first dimension) can be bound. Usually one. */
  ranges(...tensors: readonly Tensor[]): RowRange[] {
    const total = tensors[0]?.shape[0] ?? 1;
    const cuts = new Set<number>();
    for (const tensor of tensors) for (const part of this.#storageOf(tensor).parts) cuts.add(part.row);
    const starts = [...cuts].sort((a, b) => a - b);
    return starts.map((row, index) => ({ row, rows: (starts[index + 1] ?? total) - row }));
  }

  /** The bytes of rows `range` of a tensor. The range must come from `ranges` with this tensor among its arguments. */
  rows(tensor: Tensor, range: RowRange): BufferView {
    const perRow = rowBytes(tensor);
    for (const part of this.#storageOf(tensor).parts) {
      if (range.row >= part.row && range.row + range.rows <= part.row + part.rows) {
        return {
          buffer: part.view.buffer,
          offset: part.view.offset + (range.row - part.row) * perRow,
          size: Math.ceil((range.rows * perRow) / 4) * 4,
        };
      }
    }
    throw new Error(`rows ${range.row}+${range.rows} of ${tensor.name} are not in one part`);
  }

  /** The whole tensor as one binding. @throws BindingError when it is larger than one binding may be. */
  whole(tensor: Tensor): BufferView {
    const { parts } = this.#storageOf(tensor);
    const [only] = parts;
    if (!only || parts.length > 1) {
      throw new BindingError(
        {
          what: `A tensor of ${elementCount(tensor.shape)} elements does not fit one binding of this device`,
          where: `${this.#label}, tensor ${tensor.name} [${tensor.shape.join(", ")}]`,
          fix: "Lower per_device_train_batch_size or max_length.",
        },
        tensorBytes(tensor),
      );
    }
    return only.view;
  }

  /** The scales of a quantised weight, those of all its rows; undefined for any other tensor. */
  scales(tensor: Tensor): BufferView | undefined {
    return this.#storageOf(tensor).scales;
  }

  /** For operators with `inPlace`: where the output did not take over the input's storage, copies the input there. */
  ensureInPlace(input: Tensor, output: Tensor): void {
    for (const range of this.ranges(input, output)) {
      const from = this.rows(input, range);
      const to = this.rows(output, range);
      if (from.buffer === to.buffer && from.offset === to.offset) continue;
      const words = from.size / 4;
      this.dispatch({
        family: copyFamily,
        entry: "copy",
        bindings: { x: from, y: to },
        params: { count: words },
        groups: words / 256,
      });
    }
  }
}
