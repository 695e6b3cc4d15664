/** @file What the page shows before a run: the rows as tokens, and what the run would take. Nothing is allocated. */
import type { RunEnvironment } from "../../experiment/run/environment.ts";
import { prepareEvaluation, type PreparedEvaluation } from "../../experiment/run/evaluation.ts";
import {
  describeIgnored,
  readColumns,
  trainingExamples,
  type RunExamples,
  type RunRows,
} from "../../experiment/data/runData.ts";
import { describeTurnEnds } from "../../experiment/data/turnEndNotes.ts";
import { UNKNOWN_DEVICE, type DeviceLimits } from "../../experiment/plan/deviceMemory.ts";
import { planWithVerdict } from "../../experiment/plan/planning.ts";
import { loadTrainingRows, safetyKey, shapingKey } from "../../experiment/data/safetyRows.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import { openTrainedModel, type ModelFiles } from "../../experiment/run/textModel.ts";
import { trainedModel } from "../../experiment/spec/trainedModel.ts";
import { checkPair, differenceBytes } from "../../methods/direction/weightDifference.ts";
import { bindMethod } from "../../methods/registry.ts";
import { NO_LABEL } from "../../text/lossTerms.ts";
import { countLabels } from "../../text/tokenize.ts";
import { describeReport } from "../../text/tokenizeReport.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import type { DataSummary, RowFilter, RowPreview } from "./protocol/rows.ts";
import type { RunPlan } from "./protocol/run.ts";

interface Prepared {
  readonly files: ModelFiles;
  readonly rows: RunRows;
  readonly data: RunExamples;
}

/** What is opened is closed once its headers, tokenizer and rows are read: nothing of the weights is. */
export interface PreviewEnvironment {
  within<T>(work: (environment: RunEnvironment) => Promise<T>): Promise<T>;
}

export class Previews {
  readonly #environment: PreviewEnvironment;
  readonly #files = new Kept<ModelFiles>();
  readonly #twin = new Kept<Checkpoint>();
  readonly #prepared = new Kept<Prepared>();
  readonly #examined = new Kept<PreparedEvaluation>();

  constructor(environment: PreviewEnvironment) {
    this.#environment = environment;
  }

  /** Forgets what was read: a file or folder of the same name may now hold something else. */
  forget(): void {
    for (const cache of [this.#files, this.#twin, this.#prepared, this.#examined]) cache.forget();
  }

  /** @throws BasinError as a run of the spec would before its first allocation */
  async plan(spec: Spec, device: DeviceLimits = UNKNOWN_DEVICE): Promise<RunPlan> {
    const { files, rows: read, data } = await this.#prepare(spec);
    const evaluation = await this.#evaluation(spec, read, files);
    const bound = bindMethod(spec.method);
    const { plan, verdict } = planWithVerdict(spec, files, data, device, evaluation.plan);
    let twin: RunPlan["twin"] = null;
    if (bound.before.twin === "compared" && spec.model.unaligned !== null) {
      const { unaligned: name } = spec.model;
      const unaligned = await this.#twin.get(name, () => this.#environment.within((scope) => scope.openModel(name)));
      checkPair(plan.modules, { aligned: files.checkpoint, unaligned });
      twin = differenceBytes(plan.modules, unaligned);
    }
    const { memory, totalSteps, trainableParameters, rows } = plan;
    return { memory, verdict, totalSteps, trainableParameters, rows, twin };
  }

  /** Names of the source's columns, also where the rows cannot be read by them. */
  async columns(spec: Spec): Promise<readonly string[]> {
    return this.#environment.within((scope) => readColumns(spec, scope));
  }

  /** Counts over all rows, and the tokens of `count` rows from `offset` on, among those that pass the filter. */
  async rows(
    spec: Spec,
    filter: RowFilter,
    offset: number,
    count: number,
  ): Promise<{ summary: DataSummary; page: RowPreview[] }> {
    const { files, rows, data } = await this.#prepare(spec);
    const { examples, sources, report } = data;
    const isHarmful = (row: number): boolean => {
      const found = rows.rows[row];
      return found?.kind === "instruction" && found.harmful === true;
    };
    const isSafety = (row: number): boolean => row >= rows.rows.length - (rows.safetyRows ?? 0);
    const passes = (row: number): boolean =>
      filter === "all" || (filter === "harmful" ? isHarmful(row) : isSafety(row));
    const truncated = new Set(report.truncated.map(({ row }) => row));
    const passing = examples.flatMap((example, i) => {
      const row = sources[i] ?? 0;
      return passes(row) ? [{ example, row }] : [];
    });
    const page = passing.slice(offset, offset + count).map(({ example, row }): RowPreview => {
      const ids = [...example.input_ids];
      return {
        index: row,
        where: rows.where(row),
        pieces: files.tokenizer === null ? ids.map((id) => `${id} `) : files.tokenizer.pieces(ids),
        ids,
        hasLoss: example.labels.map((label, t) => t > 0 && label !== NO_LABEL),
        weights: example.terms?.weights ?? null,
        scores: example.scores ?? null,
        harmful: isHarmful(row),
        safety: isSafety(row),
        truncated: truncated.has(row),
      };
    });
    const harmful = Uint8Array.from(sources, (row) => (isHarmful(row) ? 1 : 0));
    return {
      page,
      summary: {
        rows: examples.length,
        harmfulRows: harmful.reduce((sum, one) => sum + one, 0),
        safetyRows: data.safetyExamples,
        tokens: report.tokens,
        labelledTokens: report.labelledTokens,
        longest: report.longest,
        notes: notesOf(spec, { files, rows, data }),
        heldOut: rows.heldOut.length,
        columns: rows.account,
        fullLengths: report.lengths,
        lengths: Int32Array.from(examples, ({ input_ids }) => input_ids.length),
        labelled: Int32Array.from(examples, countLabels),
        harmful,
      },
    };
  }

  /** Rows that are examined; kept for the last spec that examines the same ones. */
  #evaluation(spec: Spec, rows: RunRows, files: ModelFiles): Promise<PreparedEvaluation> {
    const key = JSON.stringify([trainedModel(spec), spec.data, spec.train.seed, spec.eval]);
    return this.#examined.get(key, () =>
      this.#environment.within((scope) => prepareEvaluation(spec, rows, files, scope)),
    );
  }

  /** Model files and tokenised rows; kept for the last spec with the same model and data. */
  #prepare(spec: Spec): Promise<Prepared> {
    return this.#prepared.get(
      JSON.stringify([trainedModel(spec), spec.data, spec.train.seed, safetyKey(spec), shapingKey(spec)]),
      () => this.#read(spec),
    );
  }

  async #read(spec: Spec): Promise<Prepared> {
    // Other rows, same model: its headers and tokenizer are not fetched again.
    const files = await this.#files.get(JSON.stringify([trainedModel(spec), spec.model.aligned]), () =>
      this.#environment.within((scope) => openTrainedModel(scope, spec)),
    );
    const rows = await this.#environment.within((scope) => loadTrainingRows(spec, scope, files.config.vocabSize));
    return { files, rows, data: trainingExamples(spec, rows, files) };
  }
}

/** The last result, by what it was made from. A failure is not kept: the next request tries again. */
class Kept<T> {
  #last: { readonly key: string; readonly made: Promise<T> } | null = null;

  get(key: string, make: () => Promise<T>): Promise<T> {
    if (this.#last?.key === key) return this.#last.made;
    const entry = { key, made: make() };
    this.#last = entry;
    entry.made.catch(() => {
      if (this.#last === entry) this.#last = null;
    });
    return entry.made;
  }

  forget(): void {
    this.#last = null;
  }
}

/** What became of the rows, in sentences. */
function notesOf(spec: Spec, { files, rows, data }: Prepared): string[] {
  return [
    ...rows.notes,
    ...describeReport(data.report, spec.data.max_length),
    ...describeIgnored(rows, files.tokenizer),
    ...(data.shaped?.notes ?? []),
    ...(files.tokenizer === null ? [] : describeTurnEnds(files.tokenizer, data.examples, spec.data.append_eos)),
  ];
}
