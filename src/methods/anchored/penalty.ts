/**
 * @file The anchored penalty as dispatches: P = Σ_m s²·‖(I - C_m) B_m A_m‖_F² and lambda times its gradient.
 *
 * Closed forms (derived; equations in shaders/penalty.wgsl, checked against the naive formula in the tests). Per group
 * of equal modules, all modules at once:
 *
 *     complement   pack B ▸ X = D B ▸ Y = D X                                         2·out²·r multiply-adds a module
 *     factor       pack B ▸ T = V̂ᵀB ▸ X = B - V̂T ▸ T = V̂ᵀX ▸ Y = X - V̂T (V̂ = V/√‖V‖)  4·out·in·r
 *     basis        pack B ▸ T = UᵀB ▸ X = B - U T, Y = X                               2·out·k·r
 *     direction    pack B, Aᵀ ▸ E = V̂Aᵀ ▸ F = V̂ᵀB ▸ c = ΣB∘E, X = Y = B (V̂ = V/‖V‖)    2·out·in·r
 *     plain        pack B, X = Y = B
 *     then         H = XᵀX, G = AAᵀ ▸ dB += 2λs²(Y G - cE), dA += 2λs²(H A - cFᵀ)      O((out + in) r²)
 *
 * With `oneSided` the direction's c is max(c, 0): only movement along +V is free. P is then once, not twice,
 * differentiable.
 *
 * and P of all modules in one last dispatch: five dispatches a group for the published form, one more in all.
 *
 * The penalty counts once per optimiser step, however many micro-batches that step has.
 */

import { type Own, allOrNothing } from "../../engine/allOrNothing.ts";
import { STATS } from "../../engine/batchScalars.ts";
import { type Gpu, createBuffer } from "../../engine/device.ts";
import { type Dispatch, dispatchOf } from "../../engine/encoder.ts";
import type { ParamsOf } from "../../engine/kernel.ts";
import { anchorFamily, penaltyFamily } from "../../engine/kernels.ts";
import type { ParameterStore } from "../../engine/parameters.ts";
import type { BufferView } from "../../engine/storage.ts";
import { regionsOf } from "../adapterWindow.ts";
import { type AnchorGroup, type AnchorPlan, type Scratch, gramBufferLength } from "./plan.ts";
import type { Anchors } from "./anchors.ts";

export interface PenaltyOptions {
  readonly gpu: Gpu;
  readonly plan: AnchorPlan;
  readonly anchors: Anchors | undefined;
  readonly parameters: ParameterStore;
  readonly stats: BufferView;
  readonly lambda: number;
  /** "ba": on B·A. "scaled": on s·B·A, so value and gradient carry s². */
  readonly penaltyScale: "ba" | "scaled";
  /** Form `direction`: only the positive half of the direction is free. */
  readonly oneSided: boolean;
}

export interface GroupProducts {
  readonly group: AnchorGroup;
  /** Only the products, without side effects on gradients or stats. */
  readonly dispatches: readonly Dispatch[];
}

export interface Penalty {
  readonly dispatches: readonly Dispatch[];
  readonly products: readonly GroupProducts[];
  /** X of the group that ran last (E for `direction`), r padded to whole vec4s. */
  readonly x: BufferView;
  readonly destroy: () => void;
}

interface Buffers {
  readonly scratch: Readonly<Record<keyof Scratch, BufferView>>;
  /** All H, all G, one c per module. */
  readonly grams: BufferView;
  readonly table: BufferView;
}

/** @throws MemoryError when the device is out of memory; nothing is held then */
export async function buildPenalty(options: PenaltyOptions): Promise<Penalty> {
  const { gpu, plan, stats } = options;
  if (stats.size < 4 * (STATS.modules + plan.modules))
    throw new Error("the stats buffer is too small for this many modules");
  return allOrNothing(async (own) => {
    const buffers = await allocateBuffers(options, own);
    gpu.device.queue.writeBuffer(buffers.table.buffer, 0, encodeTable(options));
    return {
      ...penaltyDispatches(options, buffers),
      x: buffers.scratch.x,
      destroy: () => {
        const { scratch, grams, table } = buffers;
        for (const { buffer } of [...Object.values(scratch), grams, table]) buffer.destroy();
      },
    };
  });
}

async function allocateBuffers({ gpu, plan }: PenaltyOptions, own: Own): Promise<Buffers> {
  const make = async (vec4s: number, label: string): Promise<BufferView> => {
    const size = 16 * Math.max(1, vec4s);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return { buffer: own(await createBuffer(gpu, size, usage, label)), offset: 0, size };
  };
  const { scratch } = plan;
  return {
    scratch: {
      b: await make(scratch.b, "penalty B"),
      x: await make(scratch.x, "penalty X"),
      y: await make(scratch.y, "penalty Y"),
      t: await make(scratch.t, "penalty T"),
      a: await make(scratch.a, "penalty A"),
    },
    grams: await make(gramBufferLength(plan.gram, plan.modules), "penalty Gram matrices"),
    table: await make(2 * plan.modules, "penalty table"),
  };
}

function penaltyDispatches(options: PenaltyOptions, buffers: Buffers): Pick<Penalty, "dispatches" | "products"> {
  const { plan, stats } = options;
  const products: GroupProducts[] = [];
  const dispatches: Dispatch[] = [];
  let entry = 0;
  for (const group of plan.groups) {
    const encoder = new GroupEncoder(options, buffers, group, entry);
    products.push({ group, dispatches: encoder.products() });
    dispatches.push(...encoder.products(), ...encoder.gradients());
    entry += group.members.length;
  }
  dispatches.push(
    dispatchOf({
      family: penaltyFamily,
      entry: "penalties",
      constants: {},
      bindings: { table: buffers.table, gramBuffer: buffers.grams, stats },
      params: { ...ZERO_PENALTY, modules: plan.modules },
      groups: 1,
      label: "penalty sum",
      flops: 8 * plan.gram,
    }),
  );
  return { dispatches, products };
}

/** Two lines of four words a module, in the groups' order; see shaders/penalty.wgsl. */
function encodeTable({ plan, parameters, penaltyScale }: PenaltyOptions): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(32 * plan.modules));
  let line = 0;
  for (const { form, members, window, gram, r4 } of plan.groups) {
    members.forEach(({ module, index }, place) => {
      const { a, b } = regionsOf(module, parameters.layout);
      const length = 4 * r4 * r4;
      const words = [b.offset - window.start, a.offset - window.start, index, 0];
      const places = [
        gram + place * length,
        plan.gram + gram + place * length,
        length,
        form === "direction" ? 2 * plan.gram + index : 0,
      ];
      [...words, ...places].forEach((word, i) => view.setUint32(32 * line + 4 * i, word, true));
      view.setFloat32(32 * line + 12, penaltyScale === "scaled" ? module.scale ** 2 : 1, true);
      line += 1;
    });
  }
  return view.buffer;
}

type PenaltyParams = ParamsOf<typeof penaltyFamily>;

const ZERO_PENALTY: PenaltyParams = {
  modules: 0,
  entry: 0,
  rows: 0,
  columns: 0,
  r: 0,
  r4: 0,
  left4: 0,
  alongRows: 0,
  alongRank: 0,
  which: 0,
  flat: 0,
  lambda: 0,
};

class GroupEncoder {
  readonly #buffers: Buffers;
  readonly #group: AnchorGroup;
  readonly #anchor: readonly BufferView[];
  readonly #values: BufferView;
  readonly #gradients: BufferView;
  readonly #common: PenaltyParams;
  readonly #count: number;
  readonly #software: boolean;

  constructor(options: PenaltyOptions, buffers: Buffers, group: AnchorGroup, entry: number) {
    const { gpu, parameters, anchors, lambda, oneSided } = options;
    this.#software = gpu.adapter.software;
    this.#buffers = buffers;
    this.#group = group;
    this.#anchor = anchors?.views.get(group) ?? [];
    const range = { offset: 4 * group.window.start, size: 4 * group.window.count };
    this.#values = { buffer: parameters.buffers.values, ...range };
    this.#gradients = { buffer: parameters.buffers.gradients, ...range };
    this.#count = group.members.length;
    this.#common = {
      ...ZERO_PENALTY,
      modules: this.#count,
      entry,
      r: group.r,
      r4: group.r4,
      flat: group.form !== "direction" ? 0 : oneSided ? 2 : 1,
      lambda,
    };
  }

  /** Everything up to X and Y. */
  products(): Dispatch[] {
    const { form } = this.#group;
    const { b, x, y, t, a } = this.#buffers.scratch;
    const { outFeatures, inFeatures } = this.#group;
    const packB = this.#pack("b", b, outFeatures);
    switch (form) {
      case "complement":
        // D is symmetric, and read along rows by neighbouring threads it is read as its transpose.
        return [packB, ...this.#thinT(b, x), ...this.#thinT(x, y)];
      case "factor":
        return [
          packB,
          ...this.#thinT(b, t),
          ...this.#thin(t, x, inFeatures, -1, b),
          ...this.#thinT(x, t),
          ...this.#thin(t, y, inFeatures, -1, x),
        ];
      case "basis": {
        const project = this.#group.parts.length === 1 ? [this.#basisProduct(b, t)] : this.#thinT(b, t);
        return [packB, ...project, ...this.#thin(t, x, 4 * this.#group.stride4, -1, b)];
      }
      case "direction":
        return [
          packB,
          this.#pack("a", a, inFeatures),
          ...this.#thin(a, x, inFeatures, 1),
          ...this.#thinT(b, t),
          this.#penalty(
            "inner",
            { left: b, right: x, result: this.#buffers.grams },
            { rows: outFeatures },
            this.#count,
            2 * outFeatures,
          ),
        ];
      case "plain":
        return [packB];
    }
  }

  /** Gram matrices and gradients. */
  gradients(): Dispatch[] {
    const { form, outFeatures, inFeatures, r, r4 } = this.#group;
    const { scratch, grams } = this.#buffers;
    const { b, x, y, t } = scratch;
    const direction = form === "direction";
    const anchoredX = direction || form === "plain" ? b : x;
    const anchoredY = form === "complement" || form === "factor" ? y : anchoredX;
    const along: Record<string, BufferView> = direction ? { right: x, alongA: t } : {};
    const size = { rows: outFeatures, columns: inFeatures };
    const flops = 2 * (outFeatures + inFeatures) * r;
    const tiles = 2 * this.#count * r4 * r4;
    return [
      this.#penalty(
        this.#software ? "gramsAlone" : "grams",
        { values: this.#values, left: anchoredX, result: grams },
        size,
        this.#software ? tiles / 16 : tiles,
        flops,
      ),
      this.#penalty(
        "gradients",
        { values: this.#values, gradientBuffer: this.#gradients, left: anchoredY, gramBuffer: grams, ...along },
        size,
        (this.#count * (outFeatures + inFeatures) * r4) / 64,
        flops,
      ),
    ];
  }

  #pack(which: "a" | "b", result: BufferView, rows: number): Dispatch {
    const { r, r4, inFeatures } = this.#group;
    const along =
      which === "b" ? { alongRows: r, alongRank: 1, which: 0 } : { alongRows: 1, alongRank: inFeatures, which: 1 };
    return this.#penalty(
      "pack",
      { values: this.#values, result },
      { rows, ...along },
      (this.#count * rows * r4) / 64,
      0,
    );
  }

  /** T = UᵀB by 64 threads a tile: too few results for `thinT`. */
  #basisProduct(b: BufferView, t: BufferView): Dispatch {
    const { outFeatures, stride4, r4, columns } = this.#group;
    const [u] = this.#anchor;
    if (!u) throw new Error("the basis has no buffer");
    const groups = this.#count * stride4 * r4;
    return this.#penalty(
      "gram",
      { left: u, right: b, result: t },
      { rows: outFeatures, left4: stride4 },
      groups,
      2 * outFeatures * columns,
    );
  }

  /** `flops` per module and column of the thin matrix. */
  #penalty(
    entry: string,
    bindings: Record<string, BufferView>,
    params: Partial<PenaltyParams>,
    groups: number,
    flops: number,
  ): Dispatch {
    return dispatchOf({
      family: penaltyFamily,
      entry,
      constants: {},
      bindings: { table: this.#buffers.table, ...bindings },
      params: { ...this.#common, ...params },
      groups: Math.max(1, Math.ceil(groups)),
      label: `penalty ${this.#group.form} ${entry}`,
      flops: flops * this.#group.r * this.#count,
    });
  }

  /** result = keep·x0 + factor · M source, part by part of M's rows. */
  #thin(source: BufferView, result: BufferView, sourceRows: number, factor: number, x0?: BufferView): Dispatch[] {
    const { stride4, outFeatures, r4, parts, columns, r } = this.#group;
    return parts.map((part, index) =>
      dispatchOf({
        family: anchorFamily,
        entry: "thin",
        constants: {},
        bindings: { m: this.#part(index), x: source, y: result, ...(x0 ? { x0 } : {}) },
        params: {
          modules: this.#count,
          rows: part.rows,
          inner: stride4,
          stride4,
          first: part.row,
          xRows: sourceRows,
          yRows: outFeatures,
          r4,
          base4: 0,
          carry: 0,
          keep: x0 ? 1 : 0,
          factor,
        },
        groups: Math.ceil((this.#count * Math.ceil(part.rows / 4) * r4) / 64),
        label: `penalty ${this.#group.form} thin`,
        flops: 2 * this.#count * part.rows * columns * r,
      }),
    );
  }

  /** result = Mᵀ source, parts of M's rows added up. */
  #thinT(source: BufferView, result: BufferView): Dispatch[] {
    const { form, stride4, outFeatures, r4, parts, columns, r } = this.#group;
    return parts.map((part, index) =>
      dispatchOf({
        family: anchorFamily,
        entry: "thinT",
        constants: {},
        bindings: { m: this.#part(index), x: source, y: result },
        params: {
          modules: this.#count,
          rows: stride4,
          inner: part.rows,
          stride4,
          first: part.row,
          xRows: outFeatures,
          yRows: form === "basis" ? 4 * stride4 : columns,
          r4,
          base4: 0,
          carry: index === 0 ? 0 : 1,
          keep: 0,
          factor: 1,
        },
        groups: Math.ceil((this.#count * stride4 * r4) / 64),
        label: `penalty ${form} thinT`,
        flops: 2 * this.#count * part.rows * columns * r,
      }),
    );
  }

  #part(index: number): BufferView {
    const view = this.#anchor[index];
    if (!view) throw new Error("a part of the anchor has no buffer");
    return view;
  }
}
