/**
 * @file Where a tensor's bytes live on the device.
 *
 * A tensor larger than one binding (or one buffer) may be is split into parts along its first dimension. Part
 * boundaries are multiples of 128 rows, so that every part starts at a multiple of 256 bytes, WebGPU's offset
 * alignment, whatever the row length and type. A quantised tensor is split at multiples of 512 rows, so that no block
 * straddles two parts; its scales are one more buffer.
 */

import { allOrNothing } from "./allOrNothing.ts";
import { mapForReading } from "./completion.ts";
import { type Gpu, createBuffer } from "./device.ts";
import { type BasinErrorDetails, MemoryError } from "../base/error.ts";
import { isQuantised, scaleBytes } from "./quantised.ts";
import { type Tensor, rowBytes, tensorBytes } from "./tensor.ts";

export interface BufferView {
  readonly buffer: GPUBuffer;
  /** Bytes; a multiple of 256. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

export interface Part {
  readonly view: BufferView;
  readonly row: number;
  readonly rows: number;
}

export interface RowRange {
  readonly row: number;
  readonly rows: number;
}

export interface Storage {
  readonly parts: readonly Part[];
  /** Of a quantised tensor, all of it. */
  readonly scales?: BufferView;
}

const PART_ROWS = 128;
/** With 512 rows of 4 bits every part begins at a multiple of 256 bytes and of a block. */
const QUANTISED_PART_ROWS = 512;

/** A tensor, or the smallest part of one, is larger than one binding may be. */
export class BindingError extends MemoryError {
  /** Bytes that one binding would have to cover. */
  readonly bytes: number;

  constructor(details: BasinErrorDetails, bytes: number) {
    super(details);
    this.bytes = bytes;
  }
}

/**
 * Split rows into ranges of at most `limit` bytes, each but the last a multiple of `unit` rows.
 * @throws BindingError when `unit` rows are more than that
 */
export function splitRows(
  rows: number,
  bytesPerRow: number,
  limit: number,
  name: string,
  unit = PART_ROWS,
): RowRange[] {
  if (rows * bytesPerRow <= limit) return [{ row: 0, rows }];
  const perPart = Math.floor(limit / bytesPerRow / unit) * unit;
  if (perPart < 1) {
    throw new BindingError(
      {
        what: `${unit} rows of ${bytesPerRow} bytes do not fit one binding of ${limit} bytes`,
        where: name,
        fix: "This device cannot hold this model; choose one with a smaller width.",
      },
      unit * bytesPerRow,
    );
  }
  const ranges: RowRange[] = [];
  for (let row = 0; row < rows; row += perPart) ranges.push({ row, rows: Math.min(perPart, rows - row) });
  return ranges;
}

/** The region of a buffer that begins at `offset` (bytes) as a tensor's storage, in parts of at most `maxBinding`. */
export function storageIn(buffer: GPUBuffer, offset: number, tensor: Tensor, maxBinding: number): Storage {
  const perRow = rowBytes(tensor);
  const rows = tensor.shape[0] ?? 1;
  return {
    parts: splitRows(rows, perRow, maxBinding, tensor.name, partRows(tensor)).map(({ row, rows: count }) => ({
      row,
      rows: count,
      view: { buffer, offset: offset + row * perRow, size: Math.ceil((count * perRow) / 4) * 4 },
    })),
  };
}

function partRows({ dtype }: Tensor): number {
  return isQuantised(dtype) ? QUANTISED_PART_ROWS : PART_ROWS;
}

/**
 * Allocate a tensor: one buffer, or one per part where it exceeds the largest buffer, and one for scales if it is
 * quantised.
 * @throws MemoryError when the device is out of memory; nothing is held then
 */
export function allocate(gpu: Gpu, tensor: Tensor, usage = 0): Promise<Storage> {
  const flags = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC | usage;
  return allOrNothing(async (own) => {
    const make: MakeBuffer = async (size, label) => own(await createBuffer(gpu, size, flags, label));
    const storage = await allocateParts(gpu, tensor, make);
    if (!isQuantised(tensor.dtype)) return storage;
    const size = scaleBytes(tensor);
    return { ...storage, scales: { buffer: await make(size, `${tensor.name} scales`), offset: 0, size } };
  });
}

type MakeBuffer = (size: number, label: string) => Promise<GPUBuffer>;

async function allocateParts(gpu: Gpu, tensor: Tensor, make: MakeBuffer): Promise<Storage> {
  const bytes = tensorBytes(tensor);
  if (bytes <= gpu.maxBuffer) {
    return storageIn(await make(bytes, tensor.name), 0, tensor, gpu.maxBinding);
  }
  const perRow = rowBytes(tensor);
  const parts: Part[] = [];
  for (const { row, rows } of splitRows(
    tensor.shape[0] ?? 1,
    perRow,
    Math.min(gpu.maxBinding, gpu.maxBuffer),
    tensor.name,
    partRows(tensor),
  )) {
    const size = Math.ceil((rows * perRow) / 4) * 4;
    parts.push({ row, rows, view: { buffer: await make(size, tensor.name), offset: 0, size } });
  }
  return { parts };
}

/** Write bytes across parts. @param perRow bytes of a row @param offset bytes into the tensor, a multiple of 4 */
export function writeStorage(gpu: Gpu, storage: Storage, perRow: number, offset: number, data: Uint8Array): void {
  for (const part of storage.parts) {
    const begin = part.row * perRow;
    const end = begin + part.view.size;
    const from = Math.max(offset, begin);
    const to = Math.min(offset + data.byteLength, end);
    if (from >= to) continue;
    const slice = data.subarray(from - offset, to - offset);
    const padded = slice.byteLength % 4 === 0 ? slice : padTo4(slice);
    gpu.device.queue.writeBuffer(part.view.buffer, part.view.offset + from - begin, padded as Uint8Array<ArrayBuffer>);
  }
}

/** Write the scales of a quantised tensor. @throws Error when their number does not fit */
export function writeScales(gpu: Gpu, { scales }: Storage, data: Uint8Array<ArrayBuffer>): void {
  if (!scales || scales.size !== data.byteLength)
    throw new Error(`${data.byteLength} bytes of scales do not fit ${scales?.size ?? 0}`);
  gpu.device.queue.writeBuffer(scales.buffer, scales.offset, data);
}

function padTo4(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
  padded.set(bytes);
  return padded;
}

/** Read a tensor back: its parts, one after the other. @throws MemoryError when the device is out of memory */
export async function readStorage(gpu: Gpu, storage: Storage): Promise<ArrayBuffer> {
  const total = storage.parts.reduce((sum, part) => sum + part.view.size, 0);
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = await createBuffer(gpu, total, usage, "read-back");
  try {
    const encoder = gpu.device.createCommandEncoder();
    let at = 0;
    for (const { view } of storage.parts) {
      encoder.copyBufferToBuffer(view.buffer, view.offset, staging, at, view.size);
      at += view.size;
    }
    gpu.device.queue.submit([encoder.finish()]);
    await mapForReading(gpu.device, staging);
    return staging.getMappedRange().slice(0, total);
  } finally {
    staging.destroy();
  }
}

export function destroyStorage(storage: Storage): void {
  for (const { view } of storage.parts) view.buffer.destroy();
  storage.scales?.buffer.destroy();
}
