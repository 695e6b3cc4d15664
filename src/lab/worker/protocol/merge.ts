/** @file Writing a model with an adapter merged into it. */
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { AdapterFiles } from "../../../weights/adapterFile.ts";
import type { MergeReport } from "../../../weights/mergeModel.ts";
import type { CheckpointDType } from "../../../weights/tensorReader.ts";

/** Where a merged model is written: a folder that the user chose, or an archive that the page offers for download. */
export type MergeTarget =
  | { readonly kind: "folder"; readonly folder: FileSystemDirectoryHandle }
  | { readonly kind: "archive" };

export interface WriteMergedCommand {
  readonly type: "merge";
  readonly mergeId: string;
  readonly model: string;
  readonly adapter: AdapterFiles;
  /** null: as the model is stored. */
  readonly dtype: CheckpointDType | null;
  readonly target: MergeTarget;
}

export type MergeCommand = WriteMergedCommand | { readonly type: "merge_stop"; readonly mergeId: string };

export type MergeEvent =
  | { readonly type: "merge_progress"; readonly mergeId: string; readonly done: number; readonly total: number }
  /** `archive` where no folder was given: a file of the browser's own storage. */
  | {
      readonly type: "merge_done";
      readonly mergeId: string;
      readonly report: MergeReport;
      readonly archive: File | null;
    }
  /** `failure` is null where the user stopped it. */
  | { readonly type: "merge_failed"; readonly mergeId: string; readonly failure: RunFailure | null };
