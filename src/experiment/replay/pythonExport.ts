/**
 * @file An experiment as a folder that replays it with PyTorch, transformers, PEFT and Accelerate, also where a tab
 * ends.
 *
 *     train.py asft.py …     as under python/export
 *     spec.json              the experiment, every default filled in
 *     rows.jsonl             {"input_ids", "labels"} of each training row, as the runner has them; "weights" and "kl"
 *                            too, where its labels have terms (src/text/lossTerms.ts)
 *     order.jsonl            {"step", "epoch", "stream", "micro_batches": rows of each} of each optimiser step
 *     safe_order.jsonl       the same for a safe adapter that is trained first (SafeMERGE)
 *     export.json            where the models are and which is trained, the method's Python module, and the modules,
 *                            ranks and scales that PEFT must come to, too
 *     init_adapter/          the adapter that training starts from, where there is one
 *     safe_adapter/          the safe adapter, where one is given (SafeMERGE)
 *     models/NAME/           the bundled models that training needs; all others are named
 *
 * Nothing is trained and no device is needed. Rows and order come from the functions that the runner itself uses.
 */
import { BasinError } from "../../base/error.ts";
import type { BoundMethod } from "../../methods/method.ts";
import { bindMethod, methods } from "../../methods/registry.ts";
import { safeAdapterFile } from "../../methods/stages.ts";
import type { StepBatches } from "../../train/epochs.ts";
import { adapterScale, decodeAdapter, encodeAdapter, type AdapterFiles } from "../../weights/adapterFile.ts";
import type { ByteSource } from "../../weights/byteSource.ts";
import type { RunEnvironment } from "../run/environment.ts";
import { PYTHON_TEMPLATES, QUANTISATION_TEMPLATE } from "./pythonTemplates.ts";
import { describeData, trainingExamples } from "../data/runData.ts";
import { plannedSteps, safeAdapterSteps, targetedModules, type PlannedStep } from "../plan/runPlan.ts";
import { tokenRow } from "../data/tokenRow.ts";
import { loadTrainingRows } from "../data/safetyRows.ts";
import type { Spec } from "../spec/spec.ts";
import { openTrainedModel } from "../run/textModel.ts";
import { trainedModel } from "../spec/trainedModel.ts";

/**
 * How train.py comes to a model: by a name that it knows (a path from the export's folder, or a repository of the hub),
 * from files that are copied into the folder, or not by itself: then the user names the folder.
 */
export type ModelPlace =
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "copied"; readonly source: ByteSource }
  | { readonly kind: "elsewhere" };

export interface PythonExportOptions {
  readonly spec: Spec;
  readonly environment: RunEnvironment;
  /** Of a model that the spec names. */
  readonly placeOf: (name: string) => ModelPlace;
  readonly signal?: AbortSignal;
}

export interface PythonExport {
  /** Path in the folder -> content. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly rows: number;
  readonly steps: number;
  /** What a reader of the result should know, in sentences. */
  readonly notes: readonly string[];
}

/** Of a bundled model, what transformers reads. */
const MODEL_FILES = [
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

/**
 * The folder's files.
 * @throws BasinError for a method that cannot be replayed, and as a run does for models and rows that cannot be read
 */
export async function exportPython(options: PythonExportOptions): Promise<PythonExport> {
  const { spec, environment, signal } = options;
  const bound = bindMethod(spec.method);
  const { replay } = bound.description;
  if (replay === null) throw notReplayed(bound);
  const model = await openTrainedModel(environment, spec, signal);
  const rows = await loadTrainingRows(spec, environment, model.config.vocabSize, signal);
  const data = trainingExamples(spec, rows, model);
  const steps = [...plannedSteps(spec, data.examples.length, data.safetyExamples)];
  const safeSteps = [...safeAdapterSteps(spec, data.examples.length, data.safetyExamples)];
  const files: Files = new Map();
  for (const [path, text] of Object.entries(await templates(spec))) put(files, path, text);
  put(files, "spec.json", `${JSON.stringify(withOwnAdapters(spec, bound), null, 2)}\n`);
  put(files, "rows.jsonl", lines(data.examples.map(tokenRow)));
  put(files, "order.jsonl", lines(steps.map(orderLine)));
  if (safeSteps.length > 0) put(files, "safe_order.jsonl", lines(safeSteps.map(orderLine)));
  const trained = trainedModel(spec) === spec.model.aligned ? "aligned" : "unaligned";
  const { models, absent } = await putModels(options, bound, trained, files);
  const facts = {
    versions: environment.versions,
    models,
    trained,
    method_module: replay.module,
    rows: data.examples.length,
    steps: steps.length,
    modules: await putAdapters(options, bound, model.config, files),
  };
  put(files, "export.json", `${JSON.stringify(facts, null, 2)}\n`);
  return {
    files,
    rows: data.examples.length,
    steps: steps.length,
    notes: [...describeData(spec, rows, data), ...dropoutNote(spec), ...absent],
  };
}

type Files = Map<string, Uint8Array<ArrayBuffer>>;

function put(files: Files, path: string, text: string): void {
  files.set(path, new TextEncoder().encode(text));
}

/** What does not depend on the experiment, and every method's Python: a method's file may use another's. */
async function templates(spec: Spec): Promise<Readonly<Record<string, string>>> {
  const ofMethods = methods.flatMap(({ replay }) => Object.entries(replay?.files ?? {}));
  const texts = await Promise.all(ofMethods.map(async ([path, load]) => [path, (await load()).default] as const));
  return {
    ...PYTHON_TEMPLATES,
    ...Object.fromEntries(texts),
    ...(spec.model.quantization === null ? {} : QUANTISATION_TEMPLATE),
  };
}

/**
 * The models that training needs, copied where they are bundled. `absent`: what the user has to provide, in sentences.
 */
async function putModels(
  { spec, placeOf, signal }: PythonExportOptions,
  { before }: BoundMethod,
  trained: "aligned" | "unaligned",
  files: Files,
): Promise<{ readonly models: Readonly<Record<string, string | null>>; readonly absent: readonly string[] }> {
  const models: Record<string, string | null> = { aligned: null, unaligned: null };
  const absent: string[] = [];
  for (const role of ["aligned", "unaligned"] as const) {
    const name = spec.model[role];
    if (name === null) continue;
    const needed = role === trained || before.twin !== "unused";
    const place: ModelPlace = needed ? placeOf(name) : { kind: "named", name };
    models[role] =
      place.kind === "copied"
        ? await copyModel(name, place.source, files, signal)
        : place.kind === "named"
          ? place.name
          : name;
    if (place.kind === "elsewhere")
      absent.push(`train.py cannot find ${name} by itself: give its folder or hub id with --${role}.`);
  }
  return { models, absent };
}

/** The adapters that the run reads; and the modules that PEFT must adapt, with what train.py compares. */
async function putAdapters(
  { spec, environment, signal }: PythonExportOptions,
  { before }: BoundMethod,
  config: Parameters<typeof targetedModules>[1],
  files: Files,
): Promise<readonly unknown[]> {
  const safePath = safeAdapterFile(before);
  const safe = safePath === null ? null : decodeAdapter(await environment.readAdapter(safePath, signal), safePath);
  if (spec.lora.init_adapter !== null)
    putAdapter(files, "init_adapter", await environment.readAdapter(spec.lora.init_adapter, signal));
  // Written anew: of all spellings that are read, the one that train.py knows.
  if (safe !== null) putAdapter(files, "safe_adapter", encodeAdapter(safe));
  return targetedModules(spec, config).map(({ path, r, scale, inFeatures, outFeatures }) => ({
    path,
    r,
    scale,
    in_features: inFeatures,
    out_features: outFeatures,
    ...(before.safeAdapter === null ? {} : { safe_scale: safe === null ? scale : adapterScale(safe.config, path) }),
  }));
}

function orderLine({ step, epoch, stream, microBatches }: PlannedStep): {
  readonly step: number;
  readonly epoch: number;
  readonly stream: string;
  readonly micro_batches: StepBatches;
} {
  return { step: step + 1, epoch, stream, micro_batches: microBatches };
}

function putAdapter(files: Files, folder: string, adapter: AdapterFiles): void {
  for (const [name, bytes] of Object.entries(adapter) as [string, Uint8Array][])
    files.set(`${folder}/${name}`, new Uint8Array(bytes));
}

function notReplayed({ description: { name, title } }: BoundMethod): BasinError {
  const titles = methods.filter(({ replay }) => replay !== null).map((method) => method.title);
  return new BasinError({
    what: `The method ${title} (${name}) cannot be replayed in PyTorch`,
    where: "method.name",
    fix: `Choose one of ${titles.join(", ")}; plain L2 is AsFT with the projector none.`,
  });
}

/**
 * The adapters that come along, by the names that they have in the folder: so the spec runs in Basin from there, too.
 */
function withOwnAdapters(spec: Spec, { description }: BoundMethod): unknown {
  const { lora, method } = spec;
  const named = description.options.filter(
    ({ name, names }) => names === "adapter" && typeof Reflect.get(method, name) === "string",
  );
  return {
    ...spec,
    lora: lora.init_adapter === null ? lora : { ...lora, init_adapter: "init_adapter" },
    method: { ...method, ...Object.fromEntries(named.map(({ name }) => [name, name])) },
  };
}

/** Puts the model's files into the folder. Returns where. */
async function copyModel(name: string, source: ByteSource, files: Files, signal?: AbortSignal): Promise<string> {
  const folder = `models/${name}`;
  for (const file of MODEL_FILES) {
    const path = `${folder}/${file}`;
    if (files.has(path) || !(await source.has(file, signal))) continue;
    files.set(path, await source.read(file, 0, await source.size(file, signal), signal));
  }
  return folder;
}

function dropoutNote({ lora }: Spec): string[] {
  return lora.lora_dropout > 0
    ? [`With dropout ${lora.lora_dropout}, losses equal Basin's only with train.py --dropout basin.`]
    : [];
}

function lines(items: readonly unknown[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}
