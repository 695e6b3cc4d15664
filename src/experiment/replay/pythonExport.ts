/**
 * @file An experiment as a folder that replays it with PyTorch, transformers, PEFT and Accelerate, also where a tab
 * ends.
 *
 *     train.py asft.py …     as under python/export
 *     spec.json              the experiment, every default filled in
 *     rows.jsonl             {"input_ids", "labels"} of each training row, as the runner has them
 *     order.jsonl            {"step", "epoch", "stream", "micro_batches": rows of each} of each optimiser step
 *     safe_order.jsonl       the same for a safe adapter that is trained first (SafeMERGE)
 *     export.json where the models are and which is trained; modules, ranks and scales that PEFT must come to, too
 *     init_adapter/          the adapter that training starts from, where there is one
 *     safe_adapter/          the safe adapter, where one is given (SafeMERGE)
 *     models/NAME/           the bundled models that training needs; all others are named
 *
 * Nothing is trained and no device is needed. Rows and order come from the functions that the runner itself uses.
 */
import { BasinError } from "../../base/error.ts";
import { bindMethod, methodNamed } from "../../methods/registry.ts";
import type { StepBatches } from "../../text/batches.ts";
import { adapterScale, decodeAdapter, encodeAdapter, type AdapterFiles } from "../../weights/adapterFile.ts";
import type { ByteSource } from "../../weights/byteSource.ts";
import type { RunEnvironment } from "../run/environment.ts";
import { PYTHON_TEMPLATES, QUANTISATION_TEMPLATE } from "./pythonTemplates.ts";
import { describeData, tokenizeForRun } from "../data/runData.ts";
import { plannedSteps, safeAdapterSteps, targetedModules, type PlannedStep } from "../plan/runPlan.ts";
import { loadTrainingRows } from "../data/safetyRows.ts";
import type { Spec } from "../spec/spec.ts";
import { openTrainedModel } from "../run/textModel.ts";
import { trainedModel } from "../spec/trainedModel.ts";

/** What train.py knows how to do. */
export const REPLAYED_METHODS: readonly string[] = [
  "sft",
  "asft",
  "safe_lora",
  "safe_instr",
  "bea",
  "lisa",
  "safe_merge",
];

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
 * @throws BasinError for a method that train.py does not know, and as a run does for models and rows that cannot be
 * read
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
  put("spec.json", `${JSON.stringify(withOwnAdapters(spec), null, 2)}\n`);
  put("rows.jsonl", lines(data.examples.map(({ input_ids, labels }) => ({ input_ids, labels }))));
  put("order.jsonl", lines(steps.map(orderLine)));
  const safeSteps = [...safeAdapterSteps(spec, data.examples.length, data.safetyExamples)];
  if (safeSteps.length > 0) put("safe_order.jsonl", lines(safeSteps.map(orderLine)));
  const bound = bindMethod(spec.method);
  const trained = trainedModel(spec) === spec.model.aligned ? "aligned" : "unaligned";
  const models: Record<string, string | null> = { aligned: null, unaligned: null };
  const absent: string[] = [];
  for (const role of ["aligned", "unaligned"] as const) {
    const name = spec.model[role];
    if (name === null) continue;
    const place: ModelPlace = role === trained || bound.needsUnaligned ? placeOf(name) : { kind: "named", name };
    models[role] =
      place.kind === "copied"
        ? await copyModel(name, place.source, files, signal)
        : place.kind === "named"
          ? place.name
          : name;
    if (place.kind === "elsewhere")
      absent.push(`train.py cannot find ${name} by itself: give its folder or hub id with --${role}.`);
  }
  const safe =
    bound.safeAdapter?.path == null
      ? null
      : decodeAdapter(await environment.readAdapter(bound.safeAdapter.path, signal), bound.safeAdapter.path);
  const modules = targetedModules(spec, model.config).map(({ path, r, scale, inFeatures, outFeatures }) => ({
    path,
    r,
    scale,
    in_features: inFeatures,
    out_features: outFeatures,
    ...(bound.safeAdapter === null ? {} : { safe_scale: safe === null ? scale : adapterScale(safe.config, path) }),
  }));
  const counts = { rows: data.examples.length, steps: steps.length };
  put(
    "export.json",
    `${JSON.stringify({ versions: environment.versions, models, trained, ...counts, modules }, null, 2)}\n`,
  );
  if (spec.lora.init_adapter !== null)
    putAdapter(files, "init_adapter", await environment.readAdapter(spec.lora.init_adapter, signal));
  // Written anew: of all spellings that are read, the one that train.py knows.
  if (safe !== null) putAdapter(files, "safe_adapter", encodeAdapter(safe));
  return {
    files,
    rows: data.examples.length,
    steps: steps.length,
    notes: [...describeData(spec, rows, data), ...dropoutNote(spec), ...absent],
  };
}

function orderLine({ step, epoch, stream, microBatches }: PlannedStep): {
  readonly step: number;
  readonly epoch: number;
  readonly stream: string;
  readonly micro_batches: StepBatches;
} {
  return { step: step + 1, epoch, stream, micro_batches: microBatches };
}

function putAdapter(files: Map<string, Uint8Array<ArrayBuffer>>, folder: string, adapter: AdapterFiles): void {
  for (const [name, bytes] of Object.entries(adapter) as [string, Uint8Array][])
    files.set(`${folder}/${name}`, new Uint8Array(bytes));
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

/**
 * The adapters that come along, by the names that they have in the folder: so the spec runs in Basin from there, too.
 */
function withOwnAdapters(spec: Spec): Spec {
  const { lora, method } = spec;
  return {
    ...spec,
    lora: lora.init_adapter === null ? lora : { ...lora, init_adapter: "init_adapter" },
    method:
      method.name === "safe_merge" && method.safe_adapter !== null
        ? { ...method, safe_adapter: "safe_adapter" }
        : method,
  };
}

/** Puts the model's files into the folder. Returns where. */
async function copyModel(
  name: string,
  source: ByteSource,
  files: Map<string, Uint8Array<ArrayBuffer>>,
  signal?: AbortSignal,
): Promise<string> {
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
