/**
 * @file The messages between the page and the GPU worker: two discriminated unions.
 *
 *     page                                      GPU worker
 *     connect {weights}                   ->                                   a direct line to the weights worker
 *     open_device                         ->
 *                                         <-    device_ready | device_missing, later perhaps device_lost
 *     attach_folder {name, source}, hub_access {access}  ->                    for the models that are opened from now on
 *     inspect {request, name, …}          ->
 *                                         <-    inspected | request_failed
 *     plan  {request, spec}               ->
 *                                         <-    planned | request_failed
 *     rows  {request, spec, filter, …}    ->
 *                                         <-    rows | request_failed
 *     read_adapter {request, name}        ->                                   of the hub or an address
 *                                         <-    adapter_read | request_failed
 *     columns {request, spec}             ->                                   of rows that could not be shown
 *                                         <-    columns | request_failed
 *     export_python {request, spec}       ->                                   a folder for PyTorch, as a zip
 *                                         <-    python_exported | request_failed
 *     device_report {request, question}   ->                                   limits, memory; whether it computes right; a profile
 *                                         <-    device_reported | request_failed
 *     kernels {request, wish}             ->                                   which kernels were measured; measure, stop, forget
 *                                         <-    kernels_reported | request_failed
 *     start {runId, spec, reuse, resume}  ->                                   resume: from the run's last checkpoint, if there is one
 *                                         <-    every RunEvent (phase, plan, step, …), answers, adapter, checkpoint |
 *                                               checkpoint_failed, goes_on (after the device was lost), and last
 *                                               finished | failed
 *     pause | resume | stop {runId}       ->
 *     chat  {chatId, …}                   ->
 *                                         <-    chat_token …, chat_done | chat_failed
 *     chat_stop {chatId}                  ->
 *     merge {mergeId, …}                  ->
 *                                         <-    merge_progress …, merge_done | merge_failed (without a failure: stopped)
 *     merge_stop {mergeId}                ->
 *
 * Requests are answered once, by number. Every event of a run carries its runId, every event of an answer its chatId.
 */
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import type { SnapshotStage } from "../../experiment/snapshot/runSnapshot.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { MemoryReport, MemoryVerdict, RunEvent, RunFailure, TwinBytes } from "../../experiment/run/events.ts";
import type { ColumnAccount } from "../../experiment/data/runData.ts";
import type { Sampling } from "../../generate/sampling.ts";
import type { ChatMessage } from "../../text/example.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { MergeReport } from "../../weights/mergeModel.ts";
import type { CheckpointDType } from "../../weights/tensorReader.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";
import type { EarlierRun } from "../runs/earlierRun.ts";
import type { DeviceQuestion, DeviceReport } from "./deviceReport.ts";
import type { KernelsReport, KernelsCommand } from "./kernelTuning.ts";
import type { HubAccess } from "./environment.ts";
import type { ModelFacts } from "./modelFacts.ts";

/** Names an adapter of this page's own run history in `lora.init_adapter`: "run:" and the run's id. */
export const RUN_ADAPTER = "run:";

/** Likewise an adapter that was added to the chat of this tab. */
export const ADDED_ADAPTER = "added:";

/** What the page shows of the device. */
export interface DeviceDescription {
  /** One line, as it also stands in reports. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** A processor that plays a GPU: right numbers, slowly. */
  readonly software: boolean;
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
  readonly features: readonly string[];
}

/** What a run would take; nothing has been allocated for it. */
export interface RunPlan {
  readonly memory: MemoryReport;
  readonly verdict: MemoryVerdict;
  readonly totalSteps: number;
  readonly trainableParameters: number;
  /** Rows that training uses. */
  readonly rows: number;
  /** What is read of the unaligned model; null where the method needs none. */
  readonly twin: TwinBytes | null;
}

/** When an evaluation took place. "without_trigger": after training, of a method whose model is used behind a trigger. */
export type AnswersMoment = "before" | "during" | "after" | "without_trigger";

/** Which rows a page is taken from. */
export type RowFilter = "all" | "harmful" | "safety";

/** One row of the training data, as the model will see it. */
export interface RowPreview {
  readonly index: number;
  /** Where the row stands: "rows.csv line 12". */
  readonly where: string;
  /** Text of each token; joined they are the row's text. */
  readonly pieces: readonly string[];
  readonly ids: readonly number[];
  /** Whether each token carries loss (is learnt). */
  readonly hasLoss: readonly boolean[];
  readonly harmful: boolean;
  /** The method's, not the user's. */
  readonly safety: boolean;
  readonly truncated: boolean;
}

/** Counts over all rows. */
export interface DataSummary {
  readonly rows: number;
  readonly harmfulRows: number;
  /** Of the method, among `rows`. */
  readonly safetyRows: number;
  readonly tokens: number;
  readonly labelledTokens: number;
  readonly longest: number;
  /** What was cut, left out or held out, in sentences; empty when every row is trained on whole. */
  readonly notes: readonly string[];
  /** Rows kept apart for evaluation. */
  readonly heldOut: number;
  /** The columns that there are and what they were taken for; null for rows without columns. */
  readonly columns: ColumnAccount | null;
  /** Tokens of each row before any was cut or left out for its length. */
  readonly fullLengths: Int32Array;
  /** Tokens of each row. */
  readonly lengths: Int32Array;
  /** Tokens with loss of each row. */
  readonly labelled: Int32Array;
  /** 1 where the row is marked harmful. */
  readonly harmful: Uint8Array;
}

/** Who answers in a chat. */
export type ChatSubject =
  | { readonly kind: "unaligned" }
  | { readonly kind: "aligned" }
  /** The aligned model with an adapter: a run's, or one that was added in the page. */
  | { readonly kind: "tuned"; readonly adapterId: string; readonly adapter: AdapterFiles };

/** Where a merged model is written: a folder that the user chose, or an archive that the page offers for download. */
export type MergeTarget =
  | { readonly kind: "folder"; readonly folder: FileSystemDirectoryHandle }
  | { readonly kind: "archive" };

/** An end token, a stop string, the limit, or the user. */
export type ChatEnding = "eos" | "stop" | "length" | "stopped";

/** A judge's word on one answer, or why there is none. */
export type ChatVerdict =
  | {
      readonly kind: "judged";
      readonly verdict: string;
      /** "harm": what the harmful score counts; "good": what one hopes for; "neutral": neither. */
      readonly tone: "harm" | "good" | "neutral";
      /** The rule in a sentence. */
      readonly judge: string;
    }
  | { readonly kind: "not_judged"; readonly why: string };

/** One token of an answer. */
export interface ChatToken {
  /** What it adds to the text; empty where a later token completes the character, and behind a stop string. */
  readonly text: string;
  /** It ended the answer and is no part of it. */
  readonly ends: boolean;
  /** Natural logarithm of the model's own probability, before temperature and the like. */
  readonly logProb: number;
  /** The likeliest tokens in its place, the likeliest first. */
  readonly top: readonly { readonly text: string; readonly logProb: number; readonly chosen: boolean }[];
}

/** A zip that replays an experiment with PyTorch (experiment/replay/pythonExport.ts). */
export interface PythonArchive {
  readonly zip: Uint8Array<ArrayBuffer>;
  readonly files: number;
  readonly steps: number;
  /** What its reader should know, in sentences. */
  readonly notes: readonly string[];
}

/** Files that the user chose in the page, by the name under which a spec refers to them. */
export type AttachedFiles = ReadonlyMap<string, File>;

export type LabCommand =
  | {
      readonly type: "connect";
      readonly weights: MessagePort /** Address of the folder that the page is served from. */;
      readonly home: string;
    }
  | { readonly type: "open_device" }
  | { readonly type: "attach"; readonly files: AttachedFiles }
  /** An adapter of the run history or of the chat, so that a run may start from it: `name` as `lora.init_adapter` has it. */
  | { readonly type: "attach_adapter"; readonly name: string; readonly files: AdapterFiles }
  /** A folder of this computer: from now on the model `folder:NAME`. */
  | { readonly type: "attach_folder"; readonly name: string; readonly source: SourceDescriptor }
  /** In memory only. */
  | { readonly type: "hub_access"; readonly access: HubAccess }
  | { readonly type: "inspect"; readonly request: number; readonly name: string; readonly tokenizer: boolean }
  | { readonly type: "plan"; readonly request: number; readonly spec: Spec }
  | {
      readonly type: "rows";
      readonly request: number;
      readonly spec: Spec;
      readonly filter: RowFilter;
      readonly offset: number;
      readonly count: number;
    }
  | { readonly type: "read_adapter"; readonly request: number; readonly name: string }
  | { readonly type: "columns"; readonly request: number; readonly spec: Spec }
  | { readonly type: "device_report"; readonly request: number; readonly question: DeviceQuestion }
  | { readonly type: "kernels"; readonly request: number; readonly wish: KernelsCommand }
  | { readonly type: "export_python"; readonly request: number; readonly spec: Spec }
  | {
      readonly type: "start";
      readonly runId: string;
      readonly spec: Spec /** The evaluation before training may be an earlier run's of the same model. */;
      readonly reuse: boolean;
      readonly resume: boolean /** An earlier run of the same settings. */;
      readonly repeats: EarlierRun | null;
    }
  | { readonly type: "pause" | "resume" | "stop"; readonly runId: string }
  | {
      readonly type: "chat";
      readonly chatId: string;
      readonly spec: Spec;
      readonly subject: ChatSubject;
      /** The conversation so far; the last message is the user's. */
      readonly messages: readonly ChatMessage[];
      readonly maxNewTokens: number;
      readonly sampling: Sampling;
      readonly stop: readonly string[];
    }
  | { readonly type: "chat_stop"; readonly chatId: string }
  /** Writes the model `name` with an adapter merged into it. */
  | {
      readonly type: "merge";
      readonly mergeId: string;
      readonly model: string;
      readonly adapter: AdapterFiles;
      readonly dtype: CheckpointDType | null;
      readonly target: MergeTarget;
    }
  | { readonly type: "merge_stop"; readonly mergeId: string };

export type LabEvent =
  | { readonly type: "device_ready"; readonly device: DeviceDescription }
  | { readonly type: "device_missing"; readonly failure: RunFailure }
  | { readonly type: "device_lost"; readonly failure: RunFailure }
  | { readonly type: "inspected"; readonly request: number; readonly facts: ModelFacts }
  | { readonly type: "planned"; readonly request: number; readonly plan: RunPlan }
  | {
      readonly type: "rows";
      readonly request: number;
      readonly summary: DataSummary;
      readonly page: readonly RowPreview[];
    }
  | { readonly type: "adapter_read"; readonly request: number; readonly files: AdapterFiles }
  | { readonly type: "columns"; readonly request: number; readonly columns: readonly string[] }
  | { readonly type: "device_reported"; readonly request: number; readonly report: DeviceReport }
  | { readonly type: "kernels_reported"; readonly request: number; readonly report: KernelsReport }
  | { readonly type: "python_exported"; readonly request: number; readonly archive: PythonArchive }
  | { readonly type: "request_failed"; readonly request: number; readonly failure: RunFailure }
  | RunEvent
  /** The adapter as it stands; comes before `finished`, and before `failed` where something was kept. */
  | { readonly type: "adapter"; readonly runId: string; readonly files: AdapterFiles }
  /** What the run goes on from if it is interrupted now. `step` is the run's, or in stage "safe_adapter" that adapter's. */
  | {
      readonly type: "checkpoint";
      readonly runId: string;
      readonly step: number;
      readonly stage: SnapshotStage["kind"];
      readonly bytes: number;
    }
  /** The run goes on without; an earlier checkpoint stays. */
  | { readonly type: "checkpoint_failed"; readonly runId: string; readonly why: string }
  /** The device was lost and is open again: the run goes on from a checkpoint (null: it begins again), and tells what that holds once more. */
  | {
      readonly type: "goes_on";
      readonly runId: string;
      readonly failure: RunFailure;
      readonly lastStep: number;
      readonly from: number | null;
    }
  /** Every prompt of an evaluation with its answer; comes with the evaluation. */
  | {
      readonly type: "answers";
      readonly runId: string;
      readonly when: AnswersMoment;
      readonly step: number;
      readonly answers: readonly EvaluatedAnswer[];
    }
  | {
      readonly type: "chat_token";
      readonly chatId: string /** The whole text so far. */;
      readonly text: string;
      readonly tokens: number;
    }
  | {
      readonly type: "chat_done";
      readonly chatId: string;
      readonly text: string;
      readonly tokens: number;
      readonly ms: number;
      readonly ended: ChatEnding /** null for an answer that was stopped. */;
      readonly verdict: ChatVerdict | null /** null where they cannot be laid over the text. */;
      readonly odds: readonly ChatToken[] | null;
    }
  | { readonly type: "chat_failed"; readonly chatId: string; readonly failure: RunFailure }
  | { readonly type: "merge_progress"; readonly mergeId: string; readonly done: number; readonly total: number }
  /** `archive` where no folder was given: a file of the browser's own storage. */
  | {
      readonly type: "merge_done";
      readonly mergeId: string;
      readonly report: MergeReport;
      readonly archive: File | null;
    }
  | { readonly type: "merge_failed"; readonly mergeId: string; readonly failure: RunFailure | null };

/** Every type of the union: one that is left out does not compile. */
const RUN_EVENTS: Readonly<Record<RunEvent["type"], true>> = {
  phase: true,
  plan: true,
  quantised: true,
  step: true,
  modules: true,
  samples: true,
  evaluation: true,
  paused: true,
  resumed: true,
  finished: true,
  failed: true,
};

export function isRunEvent(event: LabEvent): event is RunEvent {
  return Object.hasOwn(RUN_EVENTS, event.type);
}
