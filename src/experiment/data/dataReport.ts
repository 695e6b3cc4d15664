/**
 * @file What a spec makes of its rows, for people and programs: the first examples token by token, and how many rows
 * were cut, left out or partly ignored, and why. It is what the Data area shows, by the same code.
 */
import { NO_LABEL } from "../../text/lossTerms.ts";
import { countLabels } from "../../text/tokenize.ts";
import { ignoredFields } from "./ignoredFields.ts";
import { describeData, trainingExamples, type Tally } from "./runData.ts";
import { loadTrainingRows } from "./safetyRows.ts";
import type { RunEnvironment } from "../run/environment.ts";
import { openTrainedModel } from "../run/textModel.ts";
import type { Spec } from "../spec/spec.ts";

/** One example as the model is trained on it. */
export interface DataReportRow {
  /** Place among the training rows, from 0. */
  readonly row: number;
  /** "rows.jsonl line 12" */
  readonly where: string;
  /** What the tokens say; null for a model without tokenizer. */
  readonly text: string | null;
  readonly tokens: readonly number[];
  /** The token expected at each position, -100 where there is no loss. */
  readonly labels: readonly number[];
  /** Of each position's loss; 0 where there is none. */
  readonly weights: readonly number[];
  /** Coefficient of the divergence from the model before training, where the method has one. */
  readonly kl?: readonly number[];
  /** Score of safety at each position (null outside the response), where the method weighs by it. */
  readonly scores?: readonly (number | null)[];
}

export interface DataReport {
  readonly rows: readonly DataReportRow[];
  readonly totals: {
    /** Rows that the selection gave, and those of them that are trained on. */
    readonly rows: number;
    readonly kept: number;
    readonly held_out: number;
    readonly tokens: number;
    readonly labels: number;
    /** Tokens of the longest example. */
    readonly longest: number;
    readonly cut: readonly Tally[];
    readonly dropped: readonly Tally[];
    readonly ignored: readonly Tally[];
  };
  /** All of it in sentences, as a run logs them. */
  readonly notes: readonly string[];
}

/** @throws BasinError as a run of the spec would before it opens a device */
export async function dataReport(spec: Spec, environment: RunEnvironment, count: number): Promise<DataReport> {
  const files = await openTrainedModel(environment, spec);
  const rows = await loadTrainingRows(spec, environment, files.config.vocabSize);
  const data = trainingExamples(spec, rows, files);
  const { examples, sources, report } = data;
  const limit = spec.data.max_length;
  const shown = examples.slice(0, count).map(({ input_ids, labels, terms, scores }, i): DataReportRow => {
    const row = sources[i] ?? 0;
    return {
      row,
      where: rows.where(row),
      text: files.tokenizer?.decode(input_ids, { skipSpecialTokens: false }) ?? null,
      tokens: input_ids,
      labels,
      weights: terms?.weights ?? labels.map((label, t) => (t > 0 && label !== NO_LABEL ? 1 : 0)),
      ...(terms?.kl ? { kl: terms.kl } : {}),
      ...(scores ? { scores: scores.map((score) => (Number.isNaN(score) ? null : score)) } : {}),
    };
  });
  const tally = (found: readonly unknown[], reason: string): Tally[] =>
    found.length === 0 ? [] : [{ rows: found.length, reason }];
  return {
    rows: shown,
    totals: {
      rows: report.rows,
      kept: examples.length,
      held_out: rows.heldOut.length,
      tokens: report.tokens,
      labels: examples.reduce((sum, example) => sum + countLabels(example), 0),
      longest: report.longest,
      cut: tally(report.truncated, `longer than ${limit} tokens (max_length)`),
      dropped: [
        ...rows.dropped,
        ...tally(report.tooLong, `longer than ${limit} tokens (max_length)`),
        ...tally(report.noLabels, `no response token within ${limit} tokens`),
        ...tally(report.weightless, "the loss has the weight 0"),
        ...tally(Array.from({ length: report.kept - examples.length }), "the method's scores leave nothing to learn"),
        ...tally(report.refused, `refused by the chat template: ${report.refused[0]?.why ?? ""}`),
      ],
      ignored: [...rows.ignored, ...ignoredFields(rows.rows, files.tokenizer)],
    },
    notes: describeData(spec, rows, data, files.tokenizer),
  };
}
