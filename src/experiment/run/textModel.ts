/**
 * @file A model ready to read and write text: checkpoint, tokenizer and weights on the device; and adapters that fit
 * it. Scoring, generation, chat and runs all start here.
 */
import { allOrNothing } from "../../engine/allOrNothing.ts";
import type { Gpu } from "../../engine/device.ts";
import { BasinError } from "../../base/error.ts";
import { ParameterStore } from "../../engine/parameters.ts";
import type { QuantisedDType } from "../../engine/tensor.ts";
import type { AdapterOnDevice } from "../../model/lora.ts";
import type { DecoderConfig } from "../../model/config.ts";
import { parseConfig } from "../../model/families.ts";
import { linearModules } from "../../model/layout.ts";
import { loadModel, type LoadedModel } from "../../model/loadModel.ts";
import { withStoredHead } from "../../model/storedHead.ts";
import { adaptedModule, adapterLayout, type AdaptedModule } from "../../model/lora.ts";
import { loadTokenizer, type TextTokenizer } from "../../text/tokenizer.ts";
import { adapterAlpha, type Adapter } from "../../weights/adapterFile.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import type { Transfer } from "../../weights/transfer.ts";
import { writeModules } from "./adapters.ts";
import type { RunEnvironment } from "./environment.ts";
import type { Spec } from "../spec/spec.ts";
import { trainedModel } from "../spec/trainedModel.ts";

/** A model's files, opened; no weight has been read. */
export interface ModelFiles {
  readonly name: string;
  readonly checkpoint: Checkpoint;
  readonly config: DecoderConfig;
  /** null when the model has no tokenizer.json: then only token ids work. */
  readonly tokenizer: TextTokenizer | null;
  /** Ids that end a generation. */
  readonly eosIds: ReadonlySet<number>;
}

/** @throws BasinError for a missing or malformed file, or a family that is not supported */
export async function openModelFiles(
  environment: RunEnvironment,
  name: string,
  signal?: AbortSignal,
  onTransfer?: (transfer: Transfer) => void,
): Promise<ModelFiles> {
  const checkpoint = await environment.openModel(name, signal, onTransfer);
  const declared = parseConfig(checkpoint.config, `${name}: config.json`);
  const config = await withStoredHead(declared, checkpoint, signal);
  // Asked for twice and some megabytes long: read once.
  const tokens = await checkpoint.text("tokenizer.json", signal);
  const tokenizer =
    tokens === null
      ? null
      : await loadTokenizer(async (path) => (path === "tokenizer.json" ? tokens : checkpoint.text(path, signal)), name);
  return { name, checkpoint, config, tokenizer, eosIds: new Set(tokenizer?.eosIds ?? eosOf(checkpoint.config)) };
}

/**
 * The files of the model that a spec trains. A base model often has no chat template: it reads and writes as the
 * aligned one.
 * @throws BasinError as `openModelFiles`
 */
export async function openTrainedModel(
  environment: RunEnvironment,
  spec: Pick<Spec, "method" | "model">,
  signal?: AbortSignal,
  onTransfer?: (transfer: Transfer) => void,
): Promise<ModelFiles> {
  const name = trainedModel(spec);
  const files = await openModelFiles(environment, name, signal, onTransfer);
  if (name === spec.model.aligned) return files;
  const { tokenizer, eosIds } = await openModelFiles(environment, spec.model.aligned, signal);
  return { ...files, tokenizer, eosIds };
}

/** @param quantization what the layers' matrices are quantised to on the way; null: nothing */
export function loadWeights(
  gpu: Gpu,
  { checkpoint, config, name }: ModelFiles,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
  quantization: QuantisedDType | null = null,
): Promise<LoadedModel> {
  return loadModel(gpu, config, checkpoint, {
    name,
    quantization,
    ...(onProgress ? { onProgress } : {}),
    ...(signal ? { signal } : {}),
  });
}

/** The tokenizer, or an error that says what to do without. */
export function requireTokenizer({ tokenizer, name }: ModelFiles): TextTokenizer {
  if (tokenizer) return tokenizer;
  throw new BasinError({
    what: "The model has no tokenizer.json, so text cannot be read or written",
    where: name,
    fix: "Give token ids, or add the model's tokenizer.json.",
  });
}

/**
 * The adapter's modules as the model knows them, in the model's order.
 * @throws BasinError when the adapter has a module that the model has not, or of another shape
 */
export function adapterModules(config: DecoderConfig, adapter: Adapter, where = "adapter"): AdaptedModule[] {
  const linear = new Map(linearModules(config).map((module) => [module.path, module]));
  for (const { path, inFeatures, outFeatures } of adapter.modules) {
    const module = linear.get(path);
    if (!module) {
      const head = path === "lm_head" || path.includes("embed");
      throw new BasinError({
        what: head
          ? `The adapter changes ${path}; Basin adapts the layers' linear modules only`
          : `The adapter changes ${path}, which this model has not`,
        where,
        fix: head
          ? "Merge it in PEFT (merge_and_unload) and load the merged model."
          : "Choose the adapter that was trained on this model.",
      });
    }
    if (module.inFeatures !== inFeatures || module.outFeatures !== outFeatures) {
      throw new BasinError({
        what:
          `The adapter's ${path} is ${outFeatures} × ${inFeatures}, the model's ${module.outFeatures} × ` +
          `${module.inFeatures}`,
        where,
        fix: "Choose the adapter that was trained on this model.",
      });
    }
  }
  const wanted = new Map(adapter.modules.map((module) => [module.path, module]));
  return [...linear.values()].flatMap((module) => {
    const own = wanted.get(module.path);
    if (!own) return [];
    return [
      adaptedModule(module, {
        r: own.r,
        lora_alpha: adapterAlpha(adapter.config, module.path),
        use_rslora: adapter.config.use_rslora,
      }),
    ];
  });
}

/** An adapter on the device, for inference. */
export async function uploadAdapter(
  gpu: Gpu,
  config: DecoderConfig,
  adapter: Adapter,
  where?: string,
): Promise<AdapterOnDevice> {
  const modules = adapterModules(config, adapter, where);
  return allOrNothing(async (own) => {
    const parameters = own(await ParameterStore.create(gpu, adapterLayout(modules)));
    writeModules(parameters, modules, adapter.modules);
    return { modules, parameters };
  });
}

/** `eos_token_id` of a config.json: a number, a list, or nothing. */
function eosOf(config: unknown): number[] {
  const value: unknown =
    typeof config === "object" && config !== null && "eos_token_id" in config ? config.eos_token_id : null;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((id): id is number => typeof id === "number");
}
