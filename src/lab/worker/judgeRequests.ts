/** @file What the GPU worker asks of the judge worker. */
import type { ClassifierInput, TextClassifier } from "../../eval/judges/textClassifier.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";

export interface JudgeRequests {
  /** Fetches and opens a classifier; `id` names it in later requests. */
  readonly open: {
    input: { readonly source: SourceDescriptor };
    output: Pick<TextClassifier, "labels" | "multiLabel" | "runsOn"> & { readonly id: number };
  };
  /** A share for every label of each input. */
  readonly classify: {
    input: { readonly classifier: number; readonly inputs: readonly ClassifierInput[] };
    output: readonly (readonly number[])[];
  };
}
