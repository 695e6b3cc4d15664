/** @file An analysis from the names of its inputs: opens what it needs, and what it uses where that is named. */
import type { AnalysisInputs, AnalysisResult, InputName } from "../../analysis/analysis.ts";
import { analysisNamed } from "../../analysis/registry.ts";
import { decodeAdapter, type AdapterFiles } from "../../weights/adapterFile.ts";
import type { RunEnvironment } from "../run/environment.ts";

export interface AnalysisRequest {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Name or files of a PEFT adapter, and names of the models; what is left out is not given to the analysis. */
  readonly adapter?: string | AdapterFiles;
  readonly aligned?: string;
  readonly unaligned?: string;
}

export type AnalysisEnvironment = Pick<RunEnvironment, "openModel" | "readAdapter">;

/**
 * @throws BasinError for a name that no analysis has, an input that is missing or cannot be read, and inputs that do
 * not fit each other
 */
export async function runAnalysis(
  { name, options, ...given }: AnalysisRequest,
  environment: AnalysisEnvironment,
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<AnalysisResult> {
  const analysis = analysisNamed(name);
  const wanted: readonly InputName[] = [...analysis.needs, ...analysis.uses];
  const inputs: { -readonly [Name in InputName]?: AnalysisInputs[Name] } = {};
  if (wanted.includes("adapter") && given.adapter !== undefined) {
    inputs.adapter = await openAdapter(given.adapter, environment, signal);
  }
  for (const role of ["aligned", "unaligned"] as const) {
    const model = given[role];
    if (wanted.includes(role) && model !== undefined) inputs[role] = await environment.openModel(model, signal);
  }
  return analysis.run(inputs, options, { ...(onProgress && { onProgress }), ...(signal && { signal }) });
}

async function openAdapter(
  adapter: string | AdapterFiles,
  environment: AnalysisEnvironment,
  signal?: AbortSignal,
): Promise<AnalysisInputs["adapter"]> {
  if (typeof adapter !== "string") return decodeAdapter(adapter);
  return decodeAdapter(await environment.readAdapter(adapter, signal), adapter);
}
