/**
 * @file Whether the device's subgroups may be used: a small product on it, against 64-bit sums on the host.
 *
 * The kernels for processors that play a GPU (matmul_subgroup.wgsl, lora_subgroup.wgsl) share registers among subgroups of exactly four
 * invocations. Where subgroups have another size, or the product comes out wrong, the device does without them.
 */

import type { KernelCache } from "./kernel.ts";
import { matmulSubgroupFamily } from "./kernels.ts";

/** Multiples of no tile; rows end in the middle of a subgroup's sixteen, columns in the middle of an invocation's eight. */
const [ROWS, COLUMNS, INNER] = [21, 44, 24];
const TOLERANCE = 1e-5;

export async function subgroupsOfFour(device: GPUDevice, kernels: KernelCache, info: GPUAdapterInfo): Promise<boolean> {
  if (!device.features.has("subgroups") || info.subgroupMinSize !== 4 || info.subgroupMaxSize !== 4) return false;
  try {
    return (await productError(device, kernels)) <= TOLERANCE;
  } catch {
    // A driver that cannot compile it; the other kernels need no feature.
    return false;
  }
}

/** The largest difference, relative to the largest entry. */
async function productError(device: GPUDevice, kernels: KernelCache): Promise<number> {
  const kernel = await kernels.get({ family: matmulSubgroupFamily, entry: "subgroupRows", constants: { WEIGHT: 0, VEC: true, NN: false } });
  const values = (count: number, phase: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: count }, (_, i) => Math.sin(phase + 0.7 * i + 0.01 * i * i));
  const x = values(ROWS * INNER, 0.3);
  const w = values(COLUMNS * INNER, 1.1);
  const given: Readonly<Record<string, number>> = { m: ROWS, n: COLUMNS, k: INNER, ldx: INNER, ldy: COLUMNS, dropScale: 1 };
  const params = new ArrayBuffer(4 * Math.ceil(kernel.params.length / 4) * 4);
  kernel.params.forEach(({ name, type }, index) => {
    const view = new DataView(params, 4 * index, 4);
    if (type === "f32") view.setFloat32(0, given[name] ?? 0, true);
    else view.setUint32(0, given[name] ?? 0, true);
  });
  const buffers: GPUBuffer[] = [];
  const upload = (data: ArrayBuffer, usage: GPUBufferUsageFlags): GPUBuffer => {
    const buffer = device.createBuffer({ size: data.byteLength, usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
    device.queue.writeBuffer(buffer, 0, data);
    buffers.push(buffer);
    return buffer;
  };
  const bytes = 4 * ROWS * COLUMNS;
  const y = upload(new ArrayBuffer(bytes), GPUBufferUsage.STORAGE);
  const [xBuffer, wBuffer, unused] = [upload(x.buffer, GPUBufferUsage.STORAGE), upload(w.buffer, GPUBufferUsage.STORAGE), upload(new ArrayBuffer(16), GPUBufferUsage.STORAGE)];
  const bound: Readonly<Record<string, GPUBuffer>> = { params: upload(params, GPUBufferUsage.UNIFORM), x: xBuffer, x4: xBuffer, w: wBuffer, w2: wBuffer, y };
  const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const bindGroup = device.createBindGroup({ layout: kernel.layout, entries: kernel.bindings.map(({ name, binding }) => ({ binding, resource: { buffer: bound[name] ?? unused } })) });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(kernel.pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(y, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const got = new Float32Array(staging.getMappedRange().slice(0));
  for (const buffer of [...buffers, staging]) buffer.destroy();
  let [worst, largest] = [0, 0];
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      let sum = 0;
      for (let k = 0; k < INNER; k += 1) sum += (x[row * INNER + k] ?? 0) * (w[column * INNER + k] ?? 0);
      const difference = Math.abs(sum - (got[row * COLUMNS + column] ?? Number.NaN));
      if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
      worst = Math.max(worst, difference);
      largest = Math.max(largest, Math.abs(sum));
    }
  }
  return worst / largest;
}
