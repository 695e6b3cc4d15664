/**
 * @file What kernels may build on beyond the default path, found by trying it on the device: the numbers have to come
 * out right.
 *
 *     fast paths of matmul kernels   the adapter offers it, and the kernels' products agree with 64-bit sums
 *     f16 weights                    the device's own conversion, exact for all 65536 values
 *
 * Whatever is missing, does not compile or comes out wrong is not used.
 */

import { temporarily } from "./allOrNothing.ts";
import { mapForReading } from "./completion.ts";
import type { CompiledKernel, KernelCache, KernelVariant } from "./kernel.ts";
import { widenFamilies } from "./kernels.ts";
import type { AdapterInfo, F16Loading, FastPath, FastPaths } from "./matmul/fastPath.ts";
import type { DenseFacts, DenseKernel, ProbeProduct } from "./matmul/matmulKernel.ts";
import type { MatmulKernels } from "./matmul/registry.ts";
import { writeStruct } from "./wgsl/struct.ts";

/** Of a product's largest difference to its largest entry. */
const TOLERANCE = 1e-5;

/** What the probes run on. */
interface ProbedDevice {
  readonly device: GPUDevice;
  readonly kernels: KernelCache;
  readonly info: AdapterInfo;
}

/** Tries every fast path that a matmul kernel builds on, and the ways of reading f16. */
export async function findFastPaths(probed: ProbedDevice, matmulKernels: MatmulKernels): Promise<FastPaths> {
  const { device, info } = probed;
  const offered = matmulKernels.fastPaths.filter((path) => path.offered({ features: device.features, info }));
  // The scope also takes the error of a shader that the driver refuses, which would otherwise fail whatever runs next.
  device.pushErrorScope("validation");
  const [f16Loading, works] = await Promise.all([
    findF16Loading(probed),
    Promise.all(offered.map((path) => passes(probed, path, matmulKernels.dense))),
  ]);
  await device.popErrorScope();
  const passed = new Set(offered.filter((_, index) => works[index]).map(({ name }) => name));
  return { passed, f16Loading, subgroupSize: info.subgroupMaxSize ?? 0 };
}

const F16_DESCRIPTIONS: Readonly<Record<F16Loading, readonly string[]>> = {
  native: ["f16 weights read by the type f16"],
  unpack: ["f16 weights read by unpack2x16float"],
  integers: [],
};

/** The fast paths of a device in words. */
export function describeFastPaths(device: {
  readonly fastPaths: FastPaths;
  readonly matmulKernels: MatmulKernels;
}): readonly string[] {
  const { passed, f16Loading } = device.fastPaths;
  const paths = device.matmulKernels.fastPaths.filter(({ name }) => passed.has(name));
  return [...paths.map(({ description }) => description), ...F16_DESCRIPTIONS[f16Loading]];
}

/** Whether all kernels that build on this path compute their products right. */
async function passes(probed: ProbedDevice, path: FastPath, kernels: readonly DenseKernel[]): Promise<boolean> {
  for (const kernel of kernels) {
    if (kernel.probe?.fastPath !== path) continue;
    for (const product of kernel.probe.products) if (!(await isRight(probed, kernel, product))) return false;
  }
  return true;
}

/** The fastest way of reading f16 that is exact here. */
async function findF16Loading(probed: ProbedDevice): Promise<F16Loading> {
  const { half, plain } = widenFamilies;
  const entry = "widenHalves";
  const native = probed.device.features.has("shader-f16");
  if (native && (await widensExactly(probed, { family: half, entry, constants: {} }))) return "native";
  return (await widensExactly(probed, { family: plain, entry, constants: { WEIGHT: 2, UNPACK: true } }))
    ? "unpack"
    : "integers";
}

async function widensExactly({ device, kernels }: ProbedDevice, variant: KernelVariant): Promise<boolean> {
  const all = Uint16Array.from({ length: 65_536 }, (_, half) => half);
  try {
    const kernel = await kernels.get(variant);
    const got = await run(device, kernel, { w2: all.buffer }, {}, all.length / 4 / 64, 4 * all.length);
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

/** Whether a product of f32 operands agrees with 64-bit sums on the host. */
async function isRight({ device, kernels, info }: ProbedDevice, kernel: DenseKernel, product: ProbeProduct) {
  const { m, n, k } = product;
  const fastPaths: FastPaths = { passed: new Set(), f16Loading: "integers", subgroupSize: info.subgroupMaxSize ?? 0 };
  const facts: DenseFacts = { ...product, quantised: false, wide: true, software: false, fastPaths };
  const [tileRows, tileColumns] = kernel.tile(facts);
  const values = (count: number, phase: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(phase + 0.7 * i + 0.01 * i * i));
  const x = values(m * k, 0.3);
  const w = values(n * k, 1.1);
  try {
    const compiled = await kernels.get({
      family: kernel.source.plain,
      entry: kernel.entry(facts),
      constants: { WEIGHT: 0, VEC: true, ...kernel.constants(facts) },
    });
    const inputs = { x: x.buffer, x4: x.buffer, w: w.buffer, w2: w.buffer };
    const params = { m, n, k, ldx: k, ldy: n, dropScale: 1 };
    const groups = Math.ceil(m / tileRows) * Math.ceil(n / tileColumns);
    return agrees(await run(device, compiled, inputs, params, groups, 4 * m * n), x, w, product);
  } catch {
    // A driver that cannot compile it; the other kernels need no feature.
    return false;
  }
}

/** Whether y is x W to within TOLERANCE of its largest entry. */
function agrees(y: Float32Array, x: Float32Array, w: Float32Array, { form, m, n, k }: ProbeProduct): boolean {
  let [worst, largest] = [0, 0];
  for (let row = 0; row < m; row += 1) {
    for (let column = 0; column < n; column += 1) {
      let sum = 0;
      for (let i = 0; i < k; i += 1)
        sum += (x[row * k + i] ?? 0) * (w[form === "nt" ? column * k + i : i * n + column] ?? 0);
      const difference = Math.abs(sum - (y[row * n + column] ?? Number.NaN));
      if (Number.isNaN(difference)) return false;
      worst = Math.max(worst, difference);
      largest = Math.max(largest, Math.abs(sum));
    }
  }
  return worst <= TOLERANCE * largest;
}

/** One dispatch. `inputs` by their WGSL names; what is left out is bound to zeros. @returns y */
function run(
  device: GPUDevice,
  kernel: CompiledKernel,
  inputs: Readonly<Record<string, ArrayBuffer>>,
  given: Readonly<Record<string, number>>,
  groups: number,
  bytes: number,
): Promise<Float32Array> {
  const names = Object.keys(kernel.params.fields);
  // Also without a field: some implementations cannot write a buffer of 0 bytes.
  const params = new DataView(new ArrayBuffer(16 * Math.max(1, Math.ceil(names.length / 4))));
  const values = Object.fromEntries(names.map((name) => [name, given[name] ?? 0]));
  writeStruct(params, kernel.params, values, "numerics check");
  return temporarily(async (own) => {
    const upload = (data: ArrayBuffer, usage: GPUBufferUsageFlags): GPUBuffer => {
      const buffer = own(
        device.createBuffer({
          size: data.byteLength,
          usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
        }),
      );
      device.queue.writeBuffer(buffer, 0, data);
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
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = own(device.createBuffer({ size: bytes, usage }));
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
    await mapForReading(device, staging);
    return new Float32Array(staging.getMappedRange().slice(0));
  });
}
