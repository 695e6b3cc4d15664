/**
 * @file From two checkpoints to anchor matrices on the device: streams V module by module and stores what the plan
 * says.
 *
 * Norms, singular vectors and scaling are f64 on the CPU; D = I - V Vᵀ/‖V‖_F is one GPU product per module, fed with
 * column slices of V so that no staging buffer exceeds 32 MiB. V = 0 (the pair does not differ there) makes every form
 * plain L2: D = I, or a zero factor, basis or direction.
 */

import { type Own, Replaceable, allOrNothing } from "../../engine/allOrNothing.ts";
import { workDone } from "../../engine/completion.ts";
import { type Gpu, createBuffer } from "../../engine/device.ts";
import { type Dispatch, dispatchOf } from "../../engine/encoder.ts";
import { anchorFamily } from "../../engine/kernels.ts";
import type { BufferView } from "../../engine/storage.ts";
import {
  type CheckpointPair,
  type ReadingOptions,
  checkPair,
  frobenius,
  prefetchDifferences,
  readDifference,
} from "../direction/weightDifference.ts";
import type { AnchorGroup, AnchorPlan } from "./plan.ts";
import { submitOnce } from "./submitOnce.ts";

/** What is known of one module's direction. */
export interface DirectionFacts {
  /** ‖V‖_F; null where V is not used. */
  readonly norm: number | null;
  /** s_1²/‖V‖_F, the largest eigenvalue of Chat (safe_lora); above 1, I - Chat is not positive. */
  readonly largestEigenvalue: number | null;
  /** Columns of the basis (rank); less than asked for where V has lower rank. */
  readonly basisRank: number | null;
}

export interface Anchors {
  /** Per group, one view per part. */
  readonly views: ReadonlyMap<AnchorGroup, readonly BufferView[]>;
  /** By module index. */
  readonly facts: readonly DirectionFacts[];
  readonly destroy: () => void;
}

/** Of a module whose V was not looked at. */
export const UNKNOWN_DIRECTION: DirectionFacts = { norm: null, largestEigenvalue: null, basisRank: null };

const STAGING_BYTES = 32 * 2 ** 20;
/** The largest eigenvalue is a diagnostic; its own error is the square of this over the gap. */
const EIGENVALUE_TOLERANCE = 1e-3;

/**
 * Anchors of a plan in which some group is not `plain`.
 * @throws MemoryError when the device is out of memory; nothing is held then
 */
export function buildAnchors(
  gpu: Gpu,
  plan: AnchorPlan,
  pair: CheckpointPair,
  options: ReadingOptions = {},
): Promise<Anchors> {
  const needed = plan.groups.filter(({ form }) => form !== "plain");
  const members = needed.flatMap((group) =>
    group.members.map(({ module, index }, place) => ({ group, module, index, place })),
  );
  // In the modules' order, which is that of the files.
  members.sort((a, b) => a.index - b.index);
  return allOrNothing(async (own) => {
    checkPair(
      members.map(({ module }) => module),
      pair,
    );
    const views = new Map<AnchorGroup, readonly BufferView[]>();
    for (const group of needed) views.set(group, await allocate(gpu, group, own));
    const facts = Array.from({ length: plan.modules }, () => UNKNOWN_DIRECTION);
    await storeAll({ gpu, members, views, facts }, pair, options);
    gpu.check();
    const destroy = (): void => {
      for (const view of [...views.values()].flat()) view.buffer.destroy();
    };
    return { views, facts, destroy };
  });
}

/** A module with its place in its group's stack. */
type PlacedModule = AnchorGroup["members"][number] & { readonly group: AnchorGroup; readonly place: number };

interface Stored {
  readonly gpu: Gpu;
  readonly members: readonly PlacedModule[];
  readonly views: Anchors["views"];
  /** Filled in, by module index. */
  readonly facts: DirectionFacts[];
}

/** Reads V of each module and writes what the plan says of it. */
async function storeAll(
  { gpu, members, views, facts }: Stored,
  pair: CheckpointPair,
  { onProgress, signal }: ReadingOptions,
): Promise<void> {
  const modules = members.map(({ module }) => module);
  const staging = new Staging(gpu);
  try {
    prefetchDifferences(modules, pair, signal);
    for (const [done, { group, module, index, place }] of members.entries()) {
      onProgress?.(done, members.length);
      const v = await readDifference(module, pair, signal);
      facts[index] = await store(v, { gpu, group, place, views: views.get(group) ?? [] }, staging);
      signal?.throwIfAborted();
    }
    onProgress?.(members.length, members.length);
  } finally {
    staging.destroy();
  }
}

/** A buffer for each part of a group. */
async function allocate(gpu: Gpu, group: AnchorGroup, own: Own): Promise<BufferView[]> {
  const buffers: BufferView[] = [];
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const label = `anchor ${group.form} ${group.outFeatures}x${group.inFeatures}`;
  for (const { rows } of group.parts) {
    const size = 16 * group.members.length * rows * group.stride4;
    buffers.push({ buffer: own(await createBuffer(gpu, size, usage, label)), offset: 0, size });
  }
  return buffers;
}

interface Target {
  readonly gpu: Gpu;
  readonly group: AnchorGroup;
  /** Place of the module in the stack. */
  readonly place: number;
  readonly views: readonly BufferView[];
}

async function store(v: Float32Array<ArrayBuffer>, target: Target, staging: Staging): Promise<DirectionFacts> {
  const { group } = target;
  const { outFeatures, inFeatures } = group;
  const norm = frobenius(v);
  switch (group.form) {
    case "direction":
      scale(v, norm > 0 ? 1 / norm : 0);
      writeMatrix(target, v);
      return { norm, largestEigenvalue: null, basisRank: null };
    case "basis": {
      const { leftSingularVectors } = await import("../direction/singularVectors.ts");
      const { vectors } = leftSingularVectors(v, outFeatures, inFeatures, group.columns);
      const basis = new Float32Array(outFeatures * group.columns);
      vectors.forEach((vector, column) =>
        vector.forEach((value, row) => (basis[row * group.columns + column] = value)),
      );
      writeMatrix(target, basis);
      return { norm, largestEigenvalue: null, basisRank: vectors.length };
    }
    case "factor": {
      const largestEigenvalue = await largest(v, group, norm);
      scale(v, norm > 0 ? 1 / Math.sqrt(norm) : 0);
      writeMatrix(target, v);
      return { norm, largestEigenvalue, basisRank: null };
    }
    case "complement":
      await writeComplement(target, v, norm > 0 ? 1 / norm : 0, staging);
      return { norm, largestEigenvalue: await largest(v, group, norm), basisRank: null };
    case "plain":
      return UNKNOWN_DIRECTION;
  }
}

async function largest(v: Float32Array, { outFeatures, inFeatures }: AnchorGroup, norm: number): Promise<number> {
  if (norm === 0) return 0;
  const { leftSingularVectors } = await import("../direction/singularVectors.ts");
  const { values } = leftSingularVectors(v, outFeatures, inFeatures, 1, {
    tolerance: EIGENVALUE_TOLERANCE,
    oversampling: 1,
  });
  return (values[0] ?? 0) ** 2 / norm;
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i += 1) values[i] = (values[i] ?? 0) * factor;
}

/** Columns [first, first + 4·width4) of some rows, padded with zeros. */
function slice(
  matrix: Float32Array<ArrayBuffer>,
  columns: number,
  rows: { readonly row: number; readonly rows: number },
  first: number,
  width4: number,
): Float32Array<ArrayBuffer> {
  const width = 4 * width4;
  if (first === 0 && width === columns) return matrix.subarray(rows.row * columns, (rows.row + rows.rows) * columns);
  const result = new Float32Array(rows.rows * width);
  const count = Math.min(width, columns - first);
  for (let i = 0; i < rows.rows; i += 1) {
    const begin = (rows.row + i) * columns + first;
    result.set(matrix.subarray(begin, begin + count), i * width);
  }
  return result;
}

function writeMatrix({ gpu, group, place, views }: Target, matrix: Float32Array<ArrayBuffer>): void {
  group.parts.forEach((part, index) => {
    const view = views[index];
    if (!view) throw new Error("a part of the anchor has no buffer");
    const bytes = 16 * part.rows * group.stride4;
    gpu.device.queue.writeBuffer(view.buffer, place * bytes, slice(matrix, group.columns, part, 0, group.stride4));
  });
}

/** D = I - inverseNorm · V Vᵀ, by column slices of V. */
async function writeComplement(
  target: Target,
  v: Float32Array<ArrayBuffer>,
  inverseNorm: number,
  staging: Staging,
): Promise<void> {
  const { gpu, group } = target;
  const { outFeatures, inFeatures } = group;
  const all4 = Math.ceil(inFeatures / 4);
  const budget = Math.min(STAGING_BYTES, gpu.maxBinding);
  const slice4 = Math.max(1, Math.min(all4, Math.floor(budget / (16 * outFeatures))));
  for (let first4 = 0; first4 < all4; first4 += slice4) {
    const width4 = Math.min(slice4, all4 - first4);
    const input = await staging.view(16 * outFeatures * width4);
    const values = slice(v, inFeatures, { row: 0, rows: outFeatures }, 4 * first4, width4);
    gpu.device.queue.writeBuffer(input.buffer, 0, values);
    const dispatches = complementDispatches(target, input, { first: first4 === 0, width4, inverseNorm });
    // The staging buffer is written again for the next slice, and a slow device must not pile up work.
    await submitOnce(gpu, dispatches, () => workDone(gpu.device));
  }
}

interface ComplementSlice {
  /** Starts from I; the further slices add to what is there. */
  readonly first: boolean;
  /** Vec4s in a row of the slice. */
  readonly width4: number;
  readonly inverseNorm: number;
}

/** What one slice of V adds to D, part by part of D's rows. */
function complementDispatches(
  { group, place, views }: Target,
  input: BufferView,
  { first, width4, inverseNorm }: ComplementSlice,
): Dispatch[] {
  const { outFeatures, stride4 } = group;
  return group.parts.map((part, index): Dispatch => {
    const y = views[index];
    if (!y) throw new Error("a part of the anchor has no buffer");
    return dispatchOf({
      family: anchorFamily,
      entry: "complement",
      constants: {},
      bindings: { m: input, y },
      params: {
        modules: 1,
        rows: part.rows,
        inner: width4,
        stride4: width4,
        first: part.row,
        xRows: 0,
        yRows: outFeatures,
        r4: stride4,
        base4: place * part.rows * stride4,
        carry: first ? 0 : 1,
        keep: first ? 1 : 0,
        factor: inverseNorm,
      },
      groups: Math.ceil((Math.ceil(part.rows / 4) * stride4) / 64),
      label: "anchor complement",
      flops: 8 * part.rows * outFeatures * width4,
    });
  });
}

/** One buffer for slices of V, grown as needed and destroyed when the anchors are built. */
class Staging {
  readonly #gpu: Gpu;
  readonly #buffer = new Replaceable<GPUBuffer>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  async view(size: number): Promise<BufferView> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const { current } = this.#buffer;
    const buffer =
      current && current.size >= size
        ? current
        : await this.#buffer.replace(() => createBuffer(this.#gpu, size, usage, "slice of V"));
    return { buffer, offset: 0, size };
  }

  destroy(): void {
    this.#buffer.destroy();
  }
}
