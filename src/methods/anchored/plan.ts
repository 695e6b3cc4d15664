/**
 * @file Which frozen matrix, the anchor, stands for each adapted module, which modules share a dispatch, and how many
 * bytes that takes.
 *
 * Decided from shapes alone, so that a run's memory is known before anything is allocated.
 *
 *     form        anchor of a module                      used by                                      size (floats)
 *     complement  D = I - V Vᵀ/‖V‖_F                      safe_lora, out <= in                         out · out
 *     factor      V/√‖V‖_F                                safe_lora, out > in                          out · in
 *     basis       U_k, the first k left singular vectors  rank                                         out · k
 *     direction   V/‖V‖_F                                 flat, flat_plus                              out · in
 *     plain       nothing                                 none                                         0
 *
 * An out x out matrix is used only where it is the cheaper choice: for out <= in it takes no more memory than V, and
 * X = D B, Y = D X cost 2·out²·r multiply-adds a step against the factor's 4·out·in·r.
 *
 * Modules of equal form, shape and rank are stacked, as long as the stack, the window of the flat parameter buffer that
 * it touches and its thin matrices each fit one binding. A matrix that alone exceeds a binding is cut into parts by
 * rows.
 */

import { BasinError } from "../../base/error.ts";
import type { ParameterLayout } from "../../engine/parameters.ts";
import type { RowRange } from "../../engine/storage.ts";
import { type AdapterWindow, windowOf } from "../adapterWindow.ts";
import { type AdaptedModule, DEFAULT_LIMIT, type DeviceLimit } from "../stages.ts";

export type Projector = "safe_lora" | "rank" | "flat" | "flat_plus" | "none";
export type AnchorForm = "complement" | "factor" | "basis" | "direction" | "plain";

export interface AnchorGroup {
  readonly form: AnchorForm;
  /** Members with their place among all modules. */
  readonly members: readonly { readonly module: AdaptedModule; readonly index: number }[];
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly r: number;
  /** Vec4s in a row of a thin matrix. */
  readonly r4: number;
  /** Columns of the anchor matrix; its rows are outFeatures. */
  readonly columns: number;
  /** Vec4s in one of its rows. */
  readonly stride4: number;
  /** Rows per buffer; more than one part only for a group of one module. */
  readonly parts: readonly RowRange[];
  /** AdapterWindow of the flat parameter buffers that its A and B lie in, floats. */
  readonly window: AdapterWindow;
  /** Where its matrices XᵀX begin in the Gram buffer, vec4s; one module takes 4·r4². */
  readonly gram: number;
}

/** Thin matrices, shared by all groups (which run one after the other), as vec4 counts. */
export interface Scratch {
  /** B, padded. */
  readonly b: number;
  /** X = (I - C) B, or E = V̂ Aᵀ for `direction`. */
  readonly x: number;
  /** Y = (I - C)ᵀ X. */
  readonly y: number;
  /** Vᵀ B, Uᵀ B, or F for `direction`. */
  readonly t: number;
  /** Aᵀ, padded (`direction`). */
  readonly a: number;
}

export interface AnchorPlan {
  readonly groups: readonly AnchorGroup[];
  readonly scratch: Scratch;
  /** Vec4s of all XᵀX; the Gram buffer holds as many again for A Aᵀ, then one per module for c. */
  readonly gram: number;
  readonly modules: number;
  /** Everything that will be held on the device. */
  readonly bytes: number;
}

/**
 * Stacks and thin matrices stay below this even where a binding could be larger; large enough that dispatches do not
 * matter.
 */
const STACK_BYTES = 128 * 2 ** 20;
const SCRATCH_BYTES = 16 * 2 ** 20;

export function formOf(projector: Projector, module: AdaptedModule): AnchorForm {
  switch (projector) {
    case "safe_lora":
      return module.outFeatures <= module.inFeatures ? "complement" : "factor";
    case "rank":
      return "basis";
    case "flat":
    case "flat_plus":
      return "direction";
    case "none":
      return "plain";
  }
}

/**
 * @param rank number of singular vectors (form `basis`)
 * @param layout offsets of A and B in the flat buffers; must be that of the parameter store that is used later
 */
export function planAnchors(
  projector: Projector,
  rank: number,
  modules: readonly AdaptedModule[],
  layout: ParameterLayout,
  limits: DeviceLimit,
): AnchorPlan {
  const open = new Map<string, GroupBuilder>();
  const builders: GroupBuilder[] = [];
  modules.forEach((module, index) => {
    const form = formOf(projector, module);
    const key = `${form} ${module.outFeatures} ${module.inFeatures} ${module.r}`;
    const window = windowOf(module, layout);
    const current = open.get(key);
    if (current?.accepts(window)) {
      current.add(module, index, window);
      return;
    }
    const builder = new GroupBuilder(form, module, columnsOf(form, module, rank), limits);
    builder.add(module, index, window);
    open.set(key, builder);
    builders.push(builder);
  });
  let gram = 0;
  const groups = builders.map((builder) => {
    const group = builder.build(gram);
    gram += group.members.length * 4 * group.r4 * group.r4;
    return group;
  });
  const scratch: Scratch = { b: 0, x: 0, y: 0, t: 0, a: 0 };
  const peak = groups.reduce((most, group) => largest(most, scratchOf(group)), scratch);
  return { groups, scratch: peak, gram, modules: modules.length, bytes: bytesOf(groups, peak, gram, modules.length) };
}

/** @throws BasinError where A and B of a module, or the Gram matrices of all, cannot be bound whole */
export function refuseTooHighRank({ groups, gram, modules }: AnchorPlan, device: DeviceLimit): void {
  // Every device that Basin opens binds as much as WebGPU promises.
  const limits = { maxBinding: Math.max(device.maxBinding, DEFAULT_LIMIT.maxBinding) };
  for (const { window, members } of groups) {
    const bytes = 4 * window.count;
    if (bytes > limits.maxBinding)
      throw tooHighRank(`A and B have ${bytes} bytes`, members[0]?.module.path ?? "", limits);
  }
  const bytes = 16 * gramBufferLength(gram, modules);
  if (bytes > limits.maxBinding) throw tooHighRank(`The Gram matrices have ${bytes} bytes`, "penalty", limits);
}

function tooHighRank(what: string, where: string, { maxBinding }: DeviceLimit): BasinError {
  return new BasinError({
    what: `${what}, and this device binds ${maxBinding} at once`,
    where,
    fix: "Lower r or target fewer modules.",
  });
}

function columnsOf(form: AnchorForm, { outFeatures, inFeatures }: AdaptedModule, rank: number): number {
  switch (form) {
    case "complement":
      return outFeatures;
    case "factor":
    case "direction":
      return inFeatures;
    case "basis":
      return Math.min(rank, outFeatures, inFeatures);
    case "plain":
      return 0;
  }
}

/** Vec4s that a group needs of each thin matrix. */
export function scratchOf(group: Omit<AnchorGroup, "window" | "gram">): Scratch {
  const { form, outFeatures, inFeatures, r4, stride4, members } = group;
  const out = members.length * outFeatures * r4;
  const input = members.length * inFeatures * r4;
  switch (form) {
    case "complement":
      return { b: out, x: out, y: out, t: 0, a: 0 };
    case "factor":
      return { b: out, x: out, y: out, t: input, a: 0 };
    case "basis":
      return { b: out, x: out, y: 0, t: members.length * 4 * stride4 * r4, a: 0 };
    case "direction":
      return { b: out, x: out, y: 0, t: input, a: input };
    case "plain":
      return { b: out, x: 0, y: 0, t: 0, a: 0 };
  }
}

function largest(a: Scratch, b: Scratch): Scratch {
  return {
    b: Math.max(a.b, b.b),
    x: Math.max(a.x, b.x),
    y: Math.max(a.y, b.y),
    t: Math.max(a.t, b.t),
    a: Math.max(a.a, b.a),
  };
}

/** Vec4s of the Gram buffer. */
export function gramBufferLength(gram: number, modules: number): number {
  return 2 * gram + modules;
}

function bytesOf(groups: readonly AnchorGroup[], scratch: Scratch, gram: number, modules: number): number {
  const anchors = groups.reduce(
    (sum, { members, outFeatures, stride4 }) => sum + 16 * members.length * outFeatures * stride4,
    0,
  );
  const thin = Object.values(scratch).reduce((sum: number, vec4s: number) => sum + 16 * vec4s, 0);
  return anchors + thin + 16 * gramBufferLength(gram, modules) + 32 * modules;
}

class GroupBuilder {
  readonly #form: AnchorForm;
  readonly #shape: AdaptedModule;
  readonly #columns: number;
  readonly #limits: DeviceLimit;
  readonly #members: { module: AdaptedModule; index: number }[] = [];
  #window: AdapterWindow = { start: 0, count: 0 };

  constructor(form: AnchorForm, shape: AdaptedModule, columns: number, limits: DeviceLimit) {
    this.#form = form;
    this.#shape = shape;
    this.#columns = columns;
    this.#limits = limits;
  }

  accepts(window: AdapterWindow): boolean {
    const { maxBinding } = this.#limits;
    const count = this.#members.length + 1;
    const r4 = Math.ceil(this.#shape.r / 4);
    const stack = 16 * count * this.#shape.outFeatures * Math.ceil(this.#columns / 4);
    const thin = 16 * count * Math.max(this.#shape.outFeatures, this.#shape.inFeatures) * r4;
    const joined = join(this.#window, window);
    return (
      stack <= Math.min(maxBinding, STACK_BYTES) &&
      thin <= Math.min(maxBinding, SCRATCH_BYTES) &&
      4 * joined.count <= maxBinding
    );
  }

  add(module: AdaptedModule, index: number, window: AdapterWindow): void {
    this.#window = this.#members.length === 0 ? window : join(this.#window, window);
    this.#members.push({ module, index });
  }

  build(gram: number): AnchorGroup {
    const { outFeatures, inFeatures, r } = this.#shape;
    const stride4 = Math.ceil(this.#columns / 4);
    return {
      form: this.#form,
      members: this.#members,
      outFeatures,
      inFeatures,
      r,
      r4: Math.ceil(r / 4),
      columns: this.#columns,
      stride4,
      parts: this.#parts(16 * stride4),
      window: this.#window,
      gram,
    };
  }

  /** One part, or ranges of rows of a single matrix that exceeds a binding. */
  #parts(rowBytes: number): RowRange[] {
    const { outFeatures, path } = this.#shape;
    const { maxBinding } = this.#limits;
    if (rowBytes * outFeatures * this.#members.length <= maxBinding) return [{ row: 0, rows: outFeatures }];
    const rows = Math.floor(maxBinding / rowBytes);
    if (rows < 1) {
      throw new BasinError({
        what: `One row of the anchor (${rowBytes} bytes) does not fit one binding of ${maxBinding} bytes`,
        where: path,
        fix: "This device cannot hold this anchor; target smaller modules or use the projector none.",
      });
    }
    const parts: RowRange[] = [];
    for (let row = 0; row < outFeatures; row += rows) parts.push({ row, rows: Math.min(rows, outFeatures - row) });
    return parts;
  }
}

function join(a: AdapterWindow, b: AdapterWindow): AdapterWindow {
  const start = Math.min(a.start, b.start);
  return { start, count: Math.max(a.start + a.count, b.start + b.count) - start };
}
