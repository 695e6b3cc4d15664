/**
 * @file Kernels: a family of shaders/ and the values of its constants become a pipeline.
 *
 * Every family is a file under shaders/ that imports what it shares with others (wgsl/link.ts). A variant sets module
 * constants by name (`const HEAD_DIM: u32 = 32u;`). Parameters are declared in TypeScript (kernels.ts), bindings are
 * read from the text.
 */

import { unlessLost } from "./deviceLoss.ts";
import { hostText } from "./wgsl/host.ts";
import { type Constants, link } from "./wgsl/link.ts";
import { type BindingInfo, reflectBindings } from "./wgsl/reflect.ts";
import { shaderTexts } from "./wgsl/shaders.ts";
import { type Fields, type Struct, type ValuesOf } from "./wgsl/struct.ts";

export type { Constants } from "./wgsl/link.ts";

export interface KernelFamily<F extends Fields = Fields> {
  readonly name: string;
  /** Path under shaders/, without extension. */
  readonly file: string;
  /** `struct Params` of its shader. */
  readonly params: Struct<F>;
  /** Values of the conditions (`@if`) in its files. */
  readonly conditions?: Readonly<Record<string, boolean>>;
  /** Constants that are the same in all of its variants. */
  readonly constants?: Constants;
}

/** What a dispatch of a family passes as parameters. */
export type ParamsOf<F extends KernelFamily> = ValuesOf<F["params"]>;

export interface KernelVariant {
  readonly family: KernelFamily;
  readonly entry: string;
  readonly constants: Constants;
}

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: readonly BindingInfo[];
  readonly params: Struct;
}

/** WGSL of a variant, the same for all entry points of its family. @throws Error when a constant does not exist */
export function kernelText({ family, constants }: Omit<KernelVariant, "entry">): string {
  return link({
    root: family.file,
    texts: shaderTexts,
    host: hostText(family.params),
    conditions: family.conditions ?? {},
    constants: { ...family.constants, ...constants },
  });
}

/** Compiles each variant once per device, many at a time. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #textOf: (variant: KernelVariant) => string;
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();

  constructor(device: GPUDevice, textOf: (variant: KernelVariant) => string = kernelText) {
    this.#device = device;
    this.#textOf = textOf;
  }

  get(variant: KernelVariant): Promise<CompiledKernel> {
    const key = `${variant.family.name}/${variant.entry}/${JSON.stringify(variant.constants)}`;
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#compile(variant, key);
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }

  async #compile(variant: KernelVariant, label: string): Promise<CompiledKernel> {
    return compile(this.#device, variant, this.#textOf(variant), label);
  }
}

async function compile(
  device: GPUDevice,
  variant: KernelVariant,
  source: string,
  label: string,
): Promise<CompiledKernel> {
  const bindings = reflectBindings(source, variant.entry);
  const layout = device.createBindGroupLayout({
    label,
    entries: bindings.map(({ binding, access }) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === "uniform" ? "uniform" : access === "read" ? "read-only-storage" : "storage" },
    })),
  });
  const shader = device.createShaderModule({ label, code: source });
  const pipeline = await device
    .createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: shader, entryPoint: variant.entry },
    })
    .catch(async (cause: unknown) => {
      // A device that is lost meanwhile need not answer.
      const info = await unlessLost(device, shader.getCompilationInfo());
      const lines = info?.messages
        .map((message) => `${message.lineNum}:${message.linePos} ${message.message}`)
        .join("\n");
      throw new Error(`${label} does not compile:\n${lines || String(cause)}`, { cause });
    });
  return { pipeline, layout, bindings, params: variant.family.params };
}
