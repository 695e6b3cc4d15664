/**
 * @file Phase 1: everything that the plan follows from is read: the model's headers and tokenizer, the rows, the
 * evaluation.
 */
import type { BoundMethod } from "../../../methods/method.ts";
import { bindMethod } from "../../../methods/registry.ts";
import type { Checkpoint } from "../../../weights/checkpoint.ts";
import { describeData, trainingExamples, type RunExamples } from "../../data/runData.ts";
import { loadTrainingRows } from "../../data/safetyRows.ts";
import { rowsDigest } from "../../snapshot/digests.ts";
import { refuseOtherOrigin, refuseOtherSpec } from "../../snapshot/fit.ts";
import { trainedModel } from "../../spec/trainedModel.ts";
import { prepareEvaluation, type PreparedEvaluation } from "../evaluation.ts";
import type { RunContext } from "../runContext.ts";
import { openTrainedModel, type ModelFiles } from "../textModel.ts";

/** How the snapshot that is resumed from is called in errors. */
export const SNAPSHOT = "the snapshot";

export interface LoadedRun {
  readonly bound: BoundMethod;
  readonly files: ModelFiles;
  /** The unaligned twin, for a method that compares the two; its matrices are read later, its tokenizer never. */
  readonly unaligned: Checkpoint | null;
  /** Training rows as tokens. */
  readonly data: RunExamples;
  readonly rowsDigest: string;
  readonly evaluation: PreparedEvaluation;
}

export async function load(run: RunContext): Promise<LoadedRun> {
  const { spec, environment, resume, signal } = run;
  if (resume) {
    refuseOtherSpec(resume.spec, spec, SNAPSHOT);
    refuseOtherOrigin(resume.origin, run.origin, SNAPSHOT);
  }
  run.phase("loading", 0, trainedModel(spec));
  const files = await openTrainedModel(environment, spec, signal, run.onTransfer);
  const rows = await loadTrainingRows(spec, environment, files.config.vocabSize, signal);
  const data = trainingExamples(spec, rows, files);
  const digest = await rowsDigest(data.examples);
  if (resume) refuseOtherOrigin(resume.origin, { rows: digest }, SNAPSHOT);
  run.options.outputs.onRows?.(data.examples);
  for (const note of describeData(spec, rows, data, files.tokenizer)) run.phase("loading", 0, note);
  const evaluation = await prepareEvaluation(spec, rows, files, environment, signal);
  for (const note of evaluation.notes) run.phase("loading", 0, note);
  const bound = bindMethod(spec.method);
  const unaligned =
    bound.before.twin === "compared" && spec.model.unaligned !== null
      ? await environment.openModel(spec.model.unaligned, signal, run.onTransfer)
      : null;
  return { bound, files, unaligned, data, rowsDigest: digest, evaluation };
}
