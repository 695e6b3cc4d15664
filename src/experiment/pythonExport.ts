/**
 * @file An experiment as a folder that replays it with PyTorch, transformers, PEFT and Accelerate, also where a tab ends.
 *
 *     train.py asft.py …     as under python/export
 *     spec.json              the experiment, every default filled in
 *     rows.jsonl             {"input_ids", "labels"} of each training row, as the runner has them
 *     order.jsonl            {"step", "epoch", "micro_batches": rows of each} of each optimiser step
 *     export.json            where the models are; modules, ranks and scales that PEFT must come to, too
 *     init_adapter/          the adapter that training starts from, where there is one
 *     models/NAME/           the bundled models; all others are named
 *
 * Nothing is trained and no device is needed. Rows and order come from the functions that the runner itself uses.
 */
import { BasinError } from "../engine/error.ts";
import { methodNamed } from "../methods/registry.ts";
import type { ByteSource } from "../weights/byteSource.ts";
import type { RunEnvironment } from "./environment.ts";
import { PYTHON_TEMPLATES, QUANTISATION_TEMPLATE } from "./pythonTemplates.ts";
import { describeData, tokenizeForRun } from "./runData.ts";
import { plannedSteps, targetedModules } from "./runPlan.ts";
import { loadTrainingRows } from "./safetyRows.ts";
import type { Spec } from "./spec.ts";
import { openTrainedModel } from "./textModel.ts";

/** What train.py knows how to do. */
export const REPLAYED_METHODS: readonly string[] = ["sft", "asft", "safe_lora", "safe_instr", "bea"];

/** Where the export finds a model: under another name (a path from the folder), or in files that are copied into it. */
export type ModelPlace = { readonly kind: "named"; readonly name: string } | { readonly kind: "copied"; readonly source: ByteSource };

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
const MODEL_FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

/**
 * The folder's files.
 * @throws BasinError for a method that train.py does not know, and as a run does for models and rows that cannot be read
 */
export async function exportPython({ spec, environment, placeOf, signal }: PythonExportOptions): Promise<PythonExport> {
  refuseOthers(spec);
  const model = await openTrainedModel(environment, spec, signal);
  const rows = await loadTrainingRows(spec, environment, model.config.vocabSize, signal);
  const data = tokenizeForRun(spec, rows, model);
  const steps = [...plannedSteps(spec, data.examples.length, data.safetyExamples)];
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const put = (path: string, text: string): void => void files.set(path, new TextEncoder().encode(text));

  const templates = { ...PYTHON_TEMPLATES, ...(spec.model.quantization === null ? {} : QUANTISATION_TEMPLATE) };
  for (const [path, text] of Object.entries(templates)) put(path, text);
  put("spec.json", `${JSON.stringify(spec, null, 2)}\n`);
  put("rows.jsonl", lines(data.examples.map(({ input_ids, labels }) => ({ input_ids, labels }))));
  put("order.jsonl", lines(steps.map(({ step, epoch, microBatches }) => ({ step: step + 1, epoch, micro_batches: microBatches }))));
  const models: Record<string, string | null> = { aligned: null, unaligned: null };
  for (const role of ["aligned", "unaligned"] as const) {
    const name = spec.model[role];
    models[role] = name === null ? null : await placeModel(name, placeOf(name), files, signal);
  }
  const modules = targetedModules(spec, model.config).map(({ path, r, scale, inFeatures, outFeatures }) => ({ path, r, scale, in_features: inFeatures, out_features: outFeatures }));
  put("export.json", `${JSON.stringify({ versions: environment.versions, models, rows: data.examples.length, steps: steps.length, modules }, null, 2)}\n`);
  if (spec.lora.init_adapter !== null) {
    const adapter = await environment.readAdapter(spec.lora.init_adapter, signal);
    for (const [name, bytes] of Object.entries(adapter) as [string, Uint8Array][]) files.set(`init_adapter/${name}`, new Uint8Array(bytes));
  }
  return { files, rows: data.examples.length, steps: steps.length, notes: [...describeData(spec, rows, data), ...notesOn(spec)] };
}

function refuseOthers({ method }: Spec): void {
  if (REPLAYED_METHODS.includes(method.name)) return;
  const titles = REPLAYED_METHODS.map((name) => methodNamed(name)?.title ?? name);
  throw new BasinError({
    what: `The method ${methodNamed(method.name)?.title ?? method.name} (${method.name}) cannot be replayed in PyTorch`,
    where: "method.name",
    fix: `Choose one of ${titles.join(", ")}; plain L2 is AsFT with the projector none.`,
  });
}

/** What export.json says of the model: a path from the folder, or a name. Its files go along where they are bundled. */
async function placeModel(name: string, place: ModelPlace, files: Map<string, Uint8Array<ArrayBuffer>>, signal?: AbortSignal): Promise<string> {
  if (place.kind === "named") return place.name;
  const folder = `models/${name}`;
  for (const file of MODEL_FILES) {
    const path = `${folder}/${file}`;
    if (files.has(path) || !(await place.source.has(file, signal))) continue;
    files.set(path, await place.source.read(file, 0, await place.source.size(file, signal), signal));
  }
  return folder;
}

function notesOn({ lora, model }: Spec): string[] {
  const notes: string[] = [];
  if (lora.lora_dropout > 0) notes.push(`With dropout ${lora.lora_dropout}, losses equal Basin's only with train.py --dropout basin.`);
  if (model.aligned.startsWith("folder:")) notes.push("The model is a folder that was chosen in this tab: name it with train.py --aligned (and --unaligned).");
  return notes;
}

function lines(items: readonly unknown[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}
