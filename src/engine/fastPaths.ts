/**
 * @file What kernels may build on beyond the default path, found by trying it on the device: the numbers have to come out right.
 *
 *     subgroups of four    registers shared among the four invocations that a processor computes side by side
 *     f16 weights          the device's own conversion, exact for all 65536 values
 *     subgroup matrices    8x8 products by hardware, in f32 and not in something shorter
 *
 * Whatever is missing, does not compile or comes out wrong is done without.
 */

import type { FastPaths, F16Loading } from "./encoder.ts";
import type { CompiledKernel, KernelCache, KernelVariant } from "./kernel.ts";
import { registerFamilies, subgroupFamilies, subgroupMatrixFamilies } from "./kernels.ts";
import { writeStruct } from "./wgsl/struct.ts";

/** Of a product's largest difference to its largest entry. */
const TOLERANCE = 1e-5;

/** Not in the types of WebGPU yet. */
export const SUBGROUP_MATRIX_FEATURE = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

interface AdapterInfo extends GPUAdapterInfo {
  readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig>;
}

export async function findFastPaths(device: GPUDevice, kernels: KernelCache, info: GPUAdapterInfo): Promise<FastPaths> {
  // A text that the driver refuses is told to the scope, too, and would otherwise count as an error of whatever runs next.
  device.pushErrorScope("validation");
  const [four, f16Loading, matrices] = await Promise.all([
    subgroupsOfFour(device, kernels, info),
    halfReading(device, kernels),
    subgroupMatrices(device, kernels, info),
  ]);
  await device.popErrorScope();
  return { subgroupsOfFour: four, f16Loading, matrixSubgroup: matrices };
}

/** What of it is in use, in words. */
export function describeFastPaths({ subgroupsOfFour: four, f16Loading, matrixSubgroup }: FastPaths): readonly string[] {
  return [
    ...(four ? ["subgroups of four, which share registers"] : []),
    ...(f16Loading === "native"
      ? ["f16 weights read by the type f16"]
      : f16Loading === "unpack"
        ? ["f16 weights read by unpack2x16float"]
        : []),
    ...(matrixSubgroup === undefined ? [] : ["8x8 subgroup matrices in f32"]),
  ];
}

async function subgroupsOfFour(device: GPUDevice, kernels: KernelCache, info: GPUAdapterInfo): Promise<boolean> {
  if (!device.features.has("subgroups") || info.subgroupMinSize !== 4 || info.subgroupMaxSize !== 4) return false;
  // Rows end in the middle of a subgroup's sixteen, columns in the middle of an invocation's eight.
  const shape: ProductShape = { form: "nt", m: 21, n: 44, k: 24, tile: [128, 64] };
  return rightProduct(
    device,
    kernels,
    { family: subgroupFamilies.plain, entry: "subgroupRows", constants: { WEIGHT: 0, VEC: true, NN: false } },
    shape,
  );
}

/** The largest size of a subgroup, where 8x8 matrices of f32 work. */
async function subgroupMatrices(
  device: GPUDevice,
  kernels: KernelCache,
  info: AdapterInfo,
): Promise<number | undefined> {
  const size = info.subgroupMaxSize;
  if (!device.features.has(SUBGROUP_MATRIX_FEATURE) || size % 4 !== 0 || size > 64) return undefined;
  const offered = [...(info.subgroupMatrixConfigs ?? [])];
  if (
    !offered.some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === "f32" && resultComponentType === "f32" && M === 8 && N === 8 && K === 8,
    )
  )
    return undefined;
  for (const form of ["nt", "nn"] as const) {
    const variant: KernelVariant = {
      family: subgroupMatrixFamilies.plain,
      entry: `${form}SubgroupMatrix`,
      constants: { WEIGHT: 0, VEC: true, SUBGROUP: size },
    };
    // Four tiles, three of them in part, and a last round with fewer than 16 of k.
    if (!(await rightProduct(device, kernels, variant, { form, m: 77, n: 84, k: 44, tile: [64, 64] })))
      return undefined;
  }
  return size;
}

/** The fastest way of reading f16 that is exact here. */
async function halfReading(device: GPUDevice, kernels: KernelCache): Promise<F16Loading> {
  if (
    device.features.has("shader-f16") &&
    (await widensExactly(device, kernels, { family: registerFamilies.half, entry: "widenHalves", constants: {} }))
  )
    return "native";
  if (
    await widensExactly(device, kernels, {
      family: registerFamilies.plain,
      entry: "widenHalves",
      constants: { UNPACK: true },
    })
  )
    return "unpack";
  return "integers";
}

async function widensExactly(device: GPUDevice, kernels: KernelCache, variant: KernelVariant): Promise<boolean> {
  const all = Uint16Array.from({ length: 65_536 }, (_, half) => half);
  try {
    const got = await run(
      device,
      await kernels.get(variant),
      { w2: all.buffer },
      {},
      all.length / 4 / 64,
      4 * all.length,
    );
    return got.every((value, half) => Object.is(value, widened(half)));
  } catch {
    return false;
  }
}

/** The value of an f16; any NaN is NaN. */
function widened(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = (half & 1023) / 1024;
  if (exponent === 31) return fraction > 0 ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

/** Sizes are multiples of no tile; `tile`: rows and columns of y that a workgroup makes. */
interface ProductShape {
  readonly form: "nt" | "nn";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly tile: readonly [number, number];
}

/** Whether a product of f32 operands agrees with 64-bit sums on the host. */
async function rightProduct(
  device: GPUDevice,
  kernels: KernelCache,
  variant: KernelVariant,
  { form, m, n, k, tile }: ProductShape,
): Promise<boolean> {
  const values = (count: number, phase: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(phase + 0.7 * i + 0.01 * i * i));
  const x = values(m * k, 0.3);
  const w = values(n * k, 1.1);
  const params = { m, n, k, ldx: k, ldy: n, dropScale: 1 };
  const groups = Math.ceil(m / tile[0]) * Math.ceil(n / tile[1]);
  try {
    const got = await run(
      device,
      await kernels.get(variant),
      { x: x.buffer, x4: x.buffer, w: w.buffer, w2: w.buffer },
      params,
      groups,
      4 * m * n,
    );
    let [worst, largest] = [0, 0];
    for (let row = 0; row < m; row += 1) {
      for (let column = 0; column < n; column += 1) {
        let sum = 0;
        for (let i = 0; i < k; i += 1)
          sum += (x[row * k + i] ?? 0) * (w[form === "nt" ? column * k + i : i * n + column] ?? 0);
        const difference = Math.abs(sum - (got[row * n + column] ?? Number.NaN));
        if (Number.isNaN(difference)) return false;
        worst = Math.max(worst, difference);
        largest = Math.max(largest, Math.abs(sum));
      }
    }
    return worst <= TOLERANCE * largest;
  } catch {
    // A driver that cannot compile it; the other kernels need no feature.
    return false;
  }
}

/** One dispatch. `inputs` by their WGSL names; what is left out is bound to zeros. @returns y */
async function run(
  device: GPUDevice,
  kernel: CompiledKernel,
  inputs: Readonly<Record<string, ArrayBuffer>>,
  given: Readonly<Record<string, number>>,
  groups: number,
  bytes: number,
): Promise<Float32Array> {
  const names = Object.keys(kernel.params.fields);
  const params = new DataView(new ArrayBuffer(16 * Math.ceil(names.length / 4)));
  const values = Object.fromEntries(names.map((name) => [name, given[name] ?? 0]));
  writeStruct(params, kernel.params, values, "numerics check");
  const buffers: GPUBuffer[] = [];
  const upload = (data: ArrayBuffer, usage: GPUBufferUsageFlags): GPUBuffer => {
    const buffer = device.createBuffer({
      size: data.byteLength,
      usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    device.queue.writeBuffer(buffer, 0, data);
    buffers.push(buffer);
    return buffer;
  };
  const y = upload(new ArrayBuffer(bytes), GPUBufferUsage.STORAGE);
  // Inputs may share a buffer, which is then uploaded once.
  const uploaded = new Map(
    [...new Set(Object.values(inputs))].map((data) => [data, upload(data, GPUBufferUsage.STORAGE)]),
  );
  const zeros = upload(new ArrayBuffer(16), GPUBufferUsage.STORAGE);
  const uniform = upload(params.buffer, GPUBufferUsage.UNIFORM);
  const bound = (name: string): GPUBuffer => {
    const data = inputs[name];
    return name === "params" ? uniform : name === "y" ? y : ((data && uploaded.get(data)) ?? zeros);
  };
  const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  buffers.push(staging);
  const bindGroup = device.createBindGroup({
    layout: kernel.layout,
    entries: kernel.bindings.map(({ name, binding }) => ({ binding, resource: { buffer: bound(name) } })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(kernel.pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(groups);
  pass.end();
  encoder.copyBufferToBuffer(y, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const got = new Float32Array(staging.getMappedRange().slice(0));
  for (const buffer of buffers) buffer.destroy();
  return got;
}
