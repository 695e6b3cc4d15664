/**
 * @file Kernels: WGSL text plus constants becomes a pipeline.
 *
 * A family is one file under `shaders/`. Each file is valid WGSL as it stands; a variant replaces the value of module
 * constants (`const HEAD_DIM: u32 = 32u;`). Bindings and the `Params` struct are read from the text itself, so that a
 * call site names them (`bindings: { x, w, y }`, `params: { m, n }`) and can never disagree with the shader about
 * order or access: a read-only declaration bound as writable computes silently wrong numbers on some drivers.
 */

export interface KernelFamily {
  /** File name without extension. */
  readonly name: string;
  readonly source: string;
}

export type Constants = Readonly<Record<string, number | boolean>>;

export interface KernelVariant {
  readonly family: KernelFamily;
  readonly entry: string;
  readonly constants: Constants;
}

export interface BindingInfo {
  readonly name: string;
  readonly binding: number;
  readonly access: "uniform" | "read" | "read_write";
}

export interface ParamInfo {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: readonly BindingInfo[];
  readonly params: readonly ParamInfo[];
}

/** WGSL of a variant: the family's text with its module constants replaced. */
export function specialise(variant: KernelVariant): string {
  let source = variant.family.source;
  for (const [name, value] of Object.entries(variant.constants)) {
    const pattern = new RegExp(`^const ${name}\\s*:\\s*(u32|i32|f32|bool)\\s*=[^;]*;`, "m");
    const match = pattern.exec(source);
    if (!match) throw new Error(`${variant.family.name}.wgsl declares no constant ${name}`);
    source = source.replace(pattern, `const ${name}: ${match[1]} = ${literal(value, match[1] ?? "")};`);
  }
  return source;
}

function literal(value: number | boolean, type: string): string {
  if (typeof value === "boolean") return String(value);
  if (type === "u32") return `${value}u`;
  if (type === "i32") return `${value}i`;
  if (type === "f32") return `f32(${value})`;
  throw new Error(`a constant of type ${type} cannot be ${value}`);
}

/** Remove comments so that prose never looks like a declaration. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/[^\n]*/g, "");
}

/** The bindings that an entry point uses, itself or through the functions it calls. */
export function reflectBindings(source: string, entry: string): BindingInfo[] {
  const text = withoutComments(source);
  const declared: BindingInfo[] = [];
  const pattern =
    /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>\s*(\w+)/g;
  for (const match of text.matchAll(pattern)) {
    const access = match[2] === "uniform" ? "uniform" : match[3] === "read_write" ? "read_write" : "read";
    declared.push({ name: match[4] ?? "", binding: Number(match[1]), access });
  }
  const bodies = new Map<string, string>();
  // A declaration between two functions is part of neither.
  const code = text.replace(pattern, "");
  const starts = [...code.matchAll(/\bfn\s+(\w+)\s*\(/g)];
  starts.forEach((match, index) => {
    bodies.set(match[1] ?? "", code.slice(match.index, starts[index + 1]?.index ?? code.length));
  });
  const body = bodies.get(entry);
  if (body === undefined) throw new Error(`no entry point ${entry}`);
  const reached = new Set([entry]);
  let reachable = body;
  for (let grew = true; grew; ) {
    grew = false;
    for (const [name, other] of bodies) {
      if (!reached.has(name) && new RegExp(`\\b${name}\\s*\\(`).test(reachable)) {
        reached.add(name);
        reachable += other;
        grew = true;
      }
    }
  }
  // A binding `y` is not the `.y` of a vector.
  return declared.filter(({ name }) => new RegExp(`(?<![.\\w])${name}\\b`).test(reachable));
}

/** The fields of `struct Params`, all 4-byte scalars. */
export function reflectParams(source: string): ParamInfo[] {
  const body = /struct\s+Params\s*\{([^}]*)\}/.exec(withoutComments(source))?.[1] ?? "";
  return [...body.matchAll(/(\w+)\s*:\s*(u32|i32|f32)/g)].map((match) => ({
    name: match[1] ?? "",
    type: match[2] === "f32" ? "f32" : match[2] === "i32" ? "i32" : "u32",
  }));
}

/** Compiles each variant once per device, many at a time. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get(variant: KernelVariant): Promise<CompiledKernel> {
    const key = `${variant.family.name}/${variant.entry}/${JSON.stringify(variant.constants)}`;
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = compile(this.#device, variant, key);
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }
}

async function compile(device: GPUDevice, variant: KernelVariant, label: string): Promise<CompiledKernel> {
  const source = specialise(variant);
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
      const info = await Promise.race([shader.getCompilationInfo(), device.lost.then(() => null)]);
      const lines = info?.messages
        .map((message) => `${message.lineNum}:${message.linePos} ${message.message}`)
        .join("\n");
      throw new Error(`${label} does not compile:\n${lines || String(cause)}`, { cause });
    });
  return { pipeline, layout, bindings, params: reflectParams(source) };
}
