/**
 * @file Checkpoints in memory, the golden cases made by python/fixtures/penalty.py, and a step of a method on a device.
 */

import { readFileSync } from "node:fs";
import { STATS } from "../../src/engine/batchScalars.ts";
import type { Gpu } from "../../src/engine/device.ts";
import { ParameterStore } from "../../src/engine/parameters.ts";
import { Program } from "../../src/engine/program.ts";
import { readStorage } from "../../src/engine/storage.ts";
import type { Dispatch } from "../../src/engine/encoder.ts";
import type { AdaptedModule, PreparedMethod } from "../../src/methods/stages.ts";
import { type MethodInput, bindMethod } from "../../src/methods/registry.ts";
import { adapterLayout } from "../../src/model/lora.ts";
import { fromFloat32 } from "../../src/weights/dtypes.ts";
import type { CheckpointDType, TensorInfo, TensorReader } from "../../src/weights/tensorReader.ts";

export interface MemoryTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly dtype?: CheckpointDType;
}

/** A checkpoint in memory that streams in small chunks and remembers what was read. */
export function memoryReader(
  tensors: Readonly<Record<string, MemoryTensor>>,
  chunk = 64,
): TensorReader & { readonly reads: string[] } {
  const reads: string[] = [];
  const infos = new Map<string, TensorInfo>();
  for (const [name, { shape, values, dtype = "F32" }] of Object.entries(tensors)) {
    infos.set(name, { name, dtype, shape, byteLength: values.length * (dtype === "F32" ? 4 : 2) });
  }
  return {
    tensors: infos,
    reads,
    async *read(name) {
      const tensor = tensors[name];
      if (!tensor) throw new Error(`no ${name}`);
      reads.push(name);
      const bytes = fromFloat32(tensor.values, tensor.dtype ?? "F32");
      for (let at = 0; at < bytes.byteLength; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
}

export interface Golden {
  readonly value: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

export interface GoldenModule {
  readonly module: AdaptedModule;
  readonly aligned: Float32Array;
  readonly unaligned: Float32Array;
  readonly v: Float32Array;
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly penalty: Readonly<Record<string, Readonly<Record<"ba" | "scaled", Golden>>>>;
  readonly cosine: number;
  readonly projectedB: Float32Array;
  readonly normSquared: number;
  readonly directionNorm: number;
  readonly largestEigenvalue: number;
}

export type Selection = { readonly projected: boolean[]; readonly threshold: number } & (
  | { readonly select: "threshold" }
  | { readonly select: "number"; readonly k: number }
);

interface Fixture {
  readonly rank: number;
  readonly selections: readonly Selection[];
  readonly modules: readonly {
    readonly path: string;
    readonly out: number;
    readonly in: number;
    readonly r: number;
    readonly scale: number;
    readonly aligned: string;
    readonly unaligned: string;
    readonly a: string;
    readonly b: string;
    readonly penalty: Readonly<
      Record<
        string,
        Readonly<Record<"ba" | "scaled", { readonly value: number; readonly a: string; readonly b: string }>>
      >
    >;
    readonly cosine: number;
    readonly projected_b: string;
    readonly norm_squared: number;
    readonly direction_norm: number;
    readonly largest_eigenvalue: number;
  }[];
}

function floats(text: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
}

export function adapted(
  path: string,
  outFeatures: number,
  inFeatures: number,
  r: number,
  scale: number,
): AdaptedModule {
  return { path, outFeatures, inFeatures, r, scale, a: `${path}.lora_A`, b: `${path}.lora_B` };
}

export function goldenFixture(): {
  readonly rank: number;
  readonly modules: readonly GoldenModule[];
  readonly selections: readonly Selection[];
} {
  const fixture = JSON.parse(readFileSync(new URL("../fixtures/penalty.json", import.meta.url), "utf8")) as Fixture;
  return {
    rank: fixture.rank,
    selections: fixture.selections,
    modules: fixture.modules.map((entry) => {
      const aligned = floats(entry.aligned);
      const unaligned = floats(entry.unaligned);
      return {
        module: adapted(entry.path, entry.out, entry.in, entry.r, entry.scale),
        aligned,
        unaligned,
        v: aligned.map((value, i) => value - (unaligned[i] ?? 0)),
        a: floats(entry.a),
        b: floats(entry.b),
        penalty: Object.fromEntries(
          Object.entries(entry.penalty).map(([projector, kinds]) => [
            projector,
            {
              ba: { value: kinds.ba.value, a: floats(kinds.ba.a), b: floats(kinds.ba.b) },
              scaled: { value: kinds.scaled.value, a: floats(kinds.scaled.a), b: floats(kinds.scaled.b) },
            },
          ]),
        ),
        cosine: entry.cosine,
        projectedB: floats(entry.projected_b),
        normSquared: entry.norm_squared,
        directionNorm: entry.direction_norm,
        largestEigenvalue: entry.largest_eigenvalue,
      };
    }),
  };
}

/** One adapted matrix of a test, with its two weights. */
export interface Subject {
  readonly module: AdaptedModule;
  readonly aligned: Float32Array;
  readonly unaligned: Float32Array;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

export function pairOf(
  subjects: readonly Subject[],
  dtype: CheckpointDType = "F32",
): { aligned: ReturnType<typeof memoryReader>; unaligned: ReturnType<typeof memoryReader> } {
  const side = (pick: (subject: Subject) => Float32Array): ReturnType<typeof memoryReader> =>
    memoryReader(
      Object.fromEntries(
        subjects.map((subject) => [
          `${subject.module.path}.weight`,
          { shape: [subject.module.outFeatures, subject.module.inFeatures], values: pick(subject), dtype },
        ]),
      ),
    );
  return { aligned: side((subject) => subject.aligned), unaligned: side((subject) => subject.unaligned) };
}

export interface MethodRun {
  readonly prepared: PreparedMethod;
  readonly parameters: ParameterStore;
  /** Clear stats and gradients, which `step` may leave as they are, and run the dispatches once. */
  step(options?: { readonly keepGradients?: boolean }): Promise<void>;
  gradients(): Promise<Map<string, Float32Array>>;
  stats(): Promise<Float32Array>;
  /** Of the penalty; empty where there is none. */
  readonly dispatches: readonly Dispatch[];
  /** As planned. */
  readonly plannedBytes: number;
  destroy(): void;
}

/** A method on a device, with this adapter. */
export async function startMethod(
  gpu: Gpu,
  options: MethodInput,
  subjects: readonly Subject[],
  pair: { readonly aligned: TensorReader; readonly unaligned: TensorReader } = pairOf(subjects),
): Promise<MethodRun> {
  const modules = subjects.map(({ module }) => module);
  const parameters = await ParameterStore.create(gpu, adapterLayout(modules));
  for (const { module, a, b } of subjects) {
    parameters.write("values", module.a, a);
    parameters.write("values", module.b, b);
  }
  const size = 4 * (STATS.modules + modules.length);
  const buffer = gpu.device.createBuffer({
    size: Math.ceil(size / 16) * 16,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  const stats = { buffer, offset: 0, size };
  const bound = bindMethod(options);
  const prepared = await bound.prepare({ gpu, modules, parameters, stats, ...pair });
  const dispatches = prepared.penalty?.dispatches ?? [];
  const program = await Program.fromDispatches(gpu, dispatches);
  return {
    prepared,
    parameters,
    dispatches,
    plannedBytes: bound.deviceBytes(modules, gpu),
    step: async ({ keepGradients = false } = {}) => {
      const encoder = gpu.device.createCommandEncoder();
      if (!keepGradients) encoder.clearBuffer(parameters.buffers.gradients);
      encoder.clearBuffer(buffer);
      const pass = encoder.beginComputePass();
      program.record(pass);
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
      await gpu.device.queue.onSubmittedWorkDone();
      gpu.check();
    },
    gradients: () => parameters.readAll("gradients"),
    stats: async () => new Float32Array(await readStorage(gpu, { parts: [{ row: 0, rows: 1, view: stats }] })),
    destroy: () => {
      program.destroy();
      prepared.destroy();
      parameters.destroy();
      buffer.destroy();
    },
  };
}
