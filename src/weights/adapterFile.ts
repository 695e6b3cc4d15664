/**
 * @file PEFT adapter files: adapter_config.json and adapter_model.safetensors, to and from memory.
 *
 *     base_model.model.<module path>.lora_A.weight   (r x in)
 *     base_model.model.<module path>.lora_B.weight   (out x r)
 *
 * The module computes W x + s B A x with s = `adapterScale(config, path)`; use that function, since rsLoRA and the
 * pattern fields change s from module to module. Names without the prefix, or with the adapter's own name as a state
 * dict has them (`….lora_A.default.weight`), are read as well; PEFT's spelling is written.
 */
import { BasinError } from "../base/error.ts";
import { refuseLfsPointer } from "../base/lfs.ts";
import {
  adapterConfigJson,
  adapterRank,
  narrowsTargets,
  parseAdapterConfig,
  type AdapterConfig,
  type AdapterRanks,
} from "./adapterConfig.ts";
import { fromFloat32, scanFinite, toFloat32 } from "./dtypes.ts";
import {
  encodeSafetensors,
  headerLength,
  parseHeader,
  type SafetensorsEntry,
  type TensorToWrite,
} from "./safetensors.ts";
import { matchTargetModules, type TargetModules } from "./targetModules.ts";

export { adapterAlpha, adapterRank, adapterScale, type AdapterConfig, type AdapterRanks } from "./adapterConfig.ts";

export interface AdapterModule {
  /** Path in the base model, such as "model.layers.0.self_attn.q_proj". */
  readonly path: string;
  readonly r: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** r x in, row-major. */
  readonly A: Float32Array;
  /** out x r, row-major. */
  readonly B: Float32Array;
}

export interface Adapter {
  readonly config: AdapterConfig;
  readonly modules: readonly AdapterModule[];
}

/** The two files of an adapter folder. */
export interface AdapterFiles {
  readonly "adapter_config.json": Uint8Array;
  readonly "adapter_model.safetensors": Uint8Array;
}

const PREFIX = "base_model.model.";
const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";

/**
 * The adapter as PEFT's `save_pretrained` would write it (float32).
 * @throws BasinError when the modules contradict the configuration, or a value is not finite
 */
export function encodeAdapter(adapter: Adapter): { [Name in keyof AdapterFiles]: Uint8Array<ArrayBuffer> } {
  const { config, modules } = adapter;
  const tensors: TensorToWrite[] = [];
  for (const module of modules) {
    const { path, r, inFeatures, outFeatures, A, B } = module;
    const where = `adapter module ${path}`;
    if (r !== adapterRank(config, path)) {
      throw bad(
        where,
        `The module has rank ${r}, the configuration says ${adapterRank(config, path)}`,
        "Give the module's rank in rank_pattern.",
      );
    }
    tensors.push(
      toTensor(`${PREFIX}${path}.lora_A.weight`, [r, inFeatures], A),
      toTensor(`${PREFIX}${path}.lora_B.weight`, [outFeatures, r], B),
    );
  }
  if (tensors.length === 0) throw bad("adapter", "The adapter has no modules", "Target at least one module.");
  const json = JSON.stringify(adapterConfigJson(config, namesToWrite(adapter)), null, 2);
  return { [CONFIG]: new TextEncoder().encode(`${json}\n`), [WEIGHTS]: encodeSafetensors(tensors, { format: "pt" }) };
}

/** The part of a spec's `lora` that trains exactly this adapter's modules at its ranks and scales. */
export function adapterSettings({ config }: Adapter): AdapterRanks & { readonly target_modules: TargetModules } {
  const { r, lora_alpha, use_rslora, rank_pattern = {}, alpha_pattern = {}, target_modules } = config;
  return { r, lora_alpha, use_rslora, rank_pattern, alpha_pattern, target_modules };
}

/**
 * Reads an adapter folder's two files; tensors may be f32, f16 or bf16. `name` appears in errors.
 * @throws BasinError for a damaged file, an unsupported option, a tensor without its partner, shapes that contradict
 */
export function decodeAdapter(files: AdapterFiles, name = "adapter"): Adapter {
  const json = parseJson(files[CONFIG], `${name}: ${CONFIG}`);
  const config = parseAdapterConfig(json, `${name}: ${CONFIG}`);
  const file = files[WEIGHTS];
  const where = `${name}: ${WEIGHTS}`;
  const length = headerLength(file.subarray(0, 8), file.byteLength, where);
  const { entries } = parseHeader(file.subarray(8, 8 + length), file.byteLength, where);
  const halves = new Map<string, { A?: SafetensorsEntry; B?: SafetensorsEntry }>();
  const adapterNames = new Set<string>();
  for (const entry of entries) {
    const match = /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.([^.]+))?\.weight$/.exec(entry.name);
    const [path, half] = [match?.[1], match?.[2]];
    if (path === undefined || (half !== "A" && half !== "B")) throw foreignTensor(entry.name, where);
    adapterNames.add(match?.[3] ?? "");
    if (adapterNames.size > 1) {
      const names = [...adapterNames].map((own) => (own === "" ? "one without a name" : own)).join(", ");
      throw bad(
        where,
        `The file holds several adapters: ${names}`,
        "Save them one by one (save_pretrained with selected_adapters) and choose one.",
      );
    }
    halves.set(path, { ...halves.get(path), [half]: entry });
  }
  if (halves.size === 0)
    throw bad(where, "The file holds no LoRA tensors", "Choose the adapter_model.safetensors that PEFT wrote.");
  const modules = [...halves].map(([path, { A, B }]) => {
    if (A === undefined || B === undefined) {
      throw bad(
        `${where}, module ${path}`,
        `There is a lora_${A === undefined ? "B" : "A"} without its lora_${A === undefined ? "A" : "B"}`,
        "The file is incomplete: export the adapter again.",
      );
    }
    return toModule(path, A, B, config, file, where);
  });
  modules.sort((a, b) => comparePaths(a.path, b.path));
  // Which layers were chosen the tensors themselves show: whole paths take the place of the choice.
  return {
    config: narrowsTargets(json) ? { ...config, target_modules: modules.map(({ path }) => path) } : config,
    modules,
  };
}

function toModule(
  path: string,
  a: SafetensorsEntry,
  b: SafetensorsEntry,
  config: AdapterConfig,
  file: Uint8Array,
  where: string,
): AdapterModule {
  const at = `${where}, module ${path}`;
  const [r = 0, inFeatures = 0] = a.shape;
  const [outFeatures = 0, rB = 0] = b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || r !== rB || r === 0 || inFeatures === 0 || outFeatures === 0) {
    throw bad(
      at,
      `The shapes lora_A [${a.shape.join(", ")}] and lora_B [${b.shape.join(", ")}] are not (r x in) and (out x r)`,
      "Export the adapter again, from gathered (not sharded) parameters.",
    );
  }
  const expected = adapterRank(config, path);
  if (r !== expected)
    throw bad(
      at,
      `The module has rank ${r}, ${CONFIG} says ${expected}`,
      "Configuration and weights are not of one adapter; choose matching files.",
    );
  return { path, r, inFeatures, outFeatures, A: toValues(a, file, at), B: toValues(b, file, at) };
}

function toValues(entry: SafetensorsEntry, file: Uint8Array, where: string): Float32Array {
  const { dtype, start, end, name } = entry;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    throw bad(where, `The tensor ${name} is stored as ${dtype}`, "Save the adapter as float32, float16 or bfloat16.");
  }
  const bytes = file.subarray(start, end);
  const broken = scanFinite(bytes, dtype);
  if (broken >= 0)
    throw bad(
      where,
      `The tensor ${name} is NaN or infinite at element ${broken}`,
      "The adapter is broken: its training diverged, or the file is damaged.",
    );
  return toFloat32(bytes, dtype);
}

function toTensor(name: string, shape: readonly number[], values: Float32Array): TensorToWrite {
  const bytes = fromFloat32(values, "F32");
  const broken = scanFinite(bytes, "F32");
  if (broken >= 0)
    throw bad(
      `adapter tensor ${name}`,
      `Element ${broken} is NaN or infinite`,
      "The training diverged; export an earlier state.",
    );
  return { name, dtype: "F32", shape, bytes };
}

/**
 * PEFT writes names, not "all-linear". The last parts of the paths say the same, as long as every module of such a
 * name is in the adapter; a list or a regular expression stays as it is.
 */
function namesToWrite({ config, modules }: Adapter): readonly string[] | string {
  const { target_modules: targets } = config;
  const paths = modules.map(({ path }) => path);
  if (typeof targets !== "string") {
    const matched = matchTargetModules(targets, paths);
    if (matched.length === paths.length) return targets;
    throw bad(
      "adapter",
      `target_modules covers ${matched.length} of the adapter's ${paths.length} modules`,
      "Name every module that carries a LoRA.",
    );
  }
  if (targets.toLowerCase() !== "all-linear") return targets;
  return [...new Set(paths.map((path) => path.slice(path.lastIndexOf(".") + 1)))];
}

function foreignTensor(name: string, where: string): BasinError {
  const what = name.includes("lora_magnitude_vector")
    ? `The tensor ${name} belongs to DoRA, which is not supported`
    : name.includes("lora_embedding_")
      ? `The tensor ${name} is a LoRA on an embedding, which is not supported`
      : name.includes("modules_to_save") || !name.includes("lora_")
        ? `The tensor ${name} is a whole saved weight (modules_to_save), which is not supported`
        : name.endsWith(".bias")
          ? `The tensor ${name} is a bias of the LoRA (lora_bias), which is not supported`
          : `The tensor ${name} is not of the form ${PREFIX}<module>.lora_A.weight or .lora_B.weight`;
  return bad(
    where,
    what,
    "Merge the adapter in PEFT (merge_and_unload) and load the merged model, or train a plain LoRA.",
  );
}

function parseJson(bytes: Uint8Array, where: string): unknown {
  refuseLfsPointer(bytes, where);
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return value;
  } catch (cause) {
    throw bad(
      where,
      `The file is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      "Choose the adapter_config.json that PEFT wrote.",
    );
  }
}

/** By part, numbers as numbers: layer 2 comes before layer 10. */
function comparePaths(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function bad(where: string, what: string, fix: string): BasinError {
  return new BasinError({ what, where, fix });
}
