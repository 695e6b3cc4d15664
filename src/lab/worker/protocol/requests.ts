/**
 * @file What the page asks of the GPU worker and gets one answer to. A request is one line here, one handler in
 * requestHandlers.ts, and `client.request(name, input)` in the page.
 */
import type { AnalysisResult } from "../../../analysis/analysis.ts";
import type { AnalysisRequest } from "../../../experiment/analyse/runAnalysis.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import type { AdapterFiles } from "../../../weights/adapterFile.ts";
import type { DeviceQuestion, DeviceReport } from "../deviceReport.ts";
import type { KernelsCommand, KernelsReport } from "../kernelsReport.ts";
import type { ModelFacts } from "../modelFacts.ts";
import type { RowFilter, RowsPage } from "./rows.ts";
import type { RunPlan } from "./run.ts";

/** A zip that replays an experiment with PyTorch (experiment/replay/pythonExport.ts). */
export interface PythonArchive {
  readonly zip: Uint8Array<ArrayBuffer>;
  readonly files: number;
  readonly steps: number;
  /** What its reader should know, in sentences. */
  readonly notes: readonly string[];
}

export interface LabRequests {
  /** What a model's headers say. */
  readonly inspect: { input: { readonly name: string; readonly tokenizer: boolean }; output: ModelFacts };
  /** What a run would take. Fails as the run would: a missing file, a module that matches nothing, … */
  readonly plan: { input: { readonly spec: Spec }; output: RunPlan };
  /** The training rows from `offset` on, and counts over all. Fails naming file and line of a bad row. */
  readonly rows: {
    input: { readonly spec: Spec; readonly filter: RowFilter; readonly offset: number; readonly count: number };
    output: RowsPage;
  };
  /** Names of the columns of a source, also where its rows cannot be shown. */
  readonly columns: { input: { readonly spec: Spec }; output: readonly string[] };
  /** An adapter of the hub or of an address. */
  readonly read_adapter: { input: { readonly name: string }; output: AdapterFiles };
  /** An analysis of an adapter and its models. */
  readonly analyse: { input: AnalysisRequest; output: AnalysisResult };
  /** A folder that replays the experiment with PyTorch, as a zip. */
  readonly export_python: { input: { readonly spec: Spec }; output: PythonArchive };
  /** Limits and memory of the device; also whether it computes right, or where the time goes. */
  readonly device_report: { input: { readonly question: DeviceQuestion }; output: DeviceReport };
  /** Which kernels were measured; also measures, stops, forgets. */
  readonly kernels: { input: { readonly command: KernelsCommand }; output: KernelsReport };
}
