/**
 * @file What an analysis is: something computed about a finished adapter, its models or its data, to be read, drawn and
 * exported. An analysis is one file in this folder and one line of list.ts.
 *
 *     describe ──▶ needs, uses ──▶ compute(inputs, options) ──▶ figures, tables, notes
 *                  what must be opened    on host or device        drawn and exported by their description alone
 *
 * The command line (`basin analyse`) and the lab list what is registered, open the inputs that an analysis names, and
 * draw the result from its columns: neither knows an analysis by name.
 */
import type { z } from "../base/zod.ts";
import { BasinError } from "../base/error.ts";
import type { Adapter } from "../weights/adapterFile.ts";
import type { TensorReader } from "../weights/tensorReader.ts";

/** Everything that an analysis can ask for. */
export interface AnalysisInputs {
  /** A trained LoRA adapter. */
  readonly adapter: Adapter;
  /** The checkpoint that was fine-tuned. */
  readonly aligned: TensorReader;
  /** Its twin from before alignment. */
  readonly unaligned: TensorReader;
}

export type InputName = keyof AnalysisInputs;

export const INPUT_TITLES: Readonly<Record<InputName, string>> = {
  adapter: "an adapter",
  aligned: "the aligned model",
  unaligned: "the unaligned model",
};

export interface AnalysisDescription {
  readonly name: string;
  readonly title: string;
  /** What it answers, as a question. */
  readonly question: string;
  /** A paragraph: what is computed and how to read it. */
  readonly about: string;
  readonly citation: { readonly text: string; readonly url: string } | null;
  /** Limits that a reader of the result must know. */
  readonly cautions: readonly string[];
  /** Inputs without which there is no result. */
  readonly needs: readonly InputName[];
  /** Inputs that add to the result where they are given. */
  readonly uses: readonly InputName[];
}

/** One number of the whole. */
export interface ResultFigure {
  readonly title: string;
  /** null where it is not defined, such as the cosine with a zero matrix. */
  readonly value: number | null;
  readonly unit?: string;
}

/** How values of a column are written and drawn. */
export interface ResultColumn {
  readonly key: string;
  readonly title: string;
  /** text: as it is. number: four significant digits. integer. cosine: from -1 to 1. */
  readonly format: "text" | "number" | "integer" | "cosine";
  /** bar: beside the number, a bar against the column's largest magnitude. */
  readonly draw?: "bar";
}

export type ResultCell = string | number | null;

export interface ResultTable {
  readonly id: string;
  readonly title: string;
  readonly columns: readonly ResultColumn[];
  /** Cells by the key of their column. */
  readonly rows: readonly Readonly<Record<string, ResultCell>>[];
}

export interface AnalysisResult {
  readonly figures: readonly ResultFigure[];
  readonly tables: readonly ResultTable[];
  /** What was left out and why, in sentences. */
  readonly notes: readonly string[];
}

export interface AnalysisProgress {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** An analysis as a registry holds it. */
export interface Analysis extends AnalysisDescription {
  readonly schema: z.ZodType;
  /**
   * @throws BasinError when a needed input is missing, or the inputs do not fit each other
   * @throws ZodError when `options` do not match the schema
   */
  readonly run: (
    inputs: Partial<AnalysisInputs>,
    options?: unknown,
    progress?: AnalysisProgress,
  ) => Promise<AnalysisResult>;
}

type Opened<Needs extends readonly InputName[], Uses extends readonly InputName[]> = Pick<
  AnalysisInputs,
  Needs[number]
> &
  Partial<Pick<AnalysisInputs, Uses[number]>>;

interface AnalysisDefinition<
  Needs extends readonly InputName[],
  Uses extends readonly InputName[],
  Schema extends z.ZodType,
> extends AnalysisDescription {
  readonly needs: Needs;
  readonly uses: Uses;
  /** A strict object; titles and help stand in its meta. */
  readonly schema: Schema;
  readonly compute: (
    inputs: Opened<Needs, Uses>,
    options: z.output<Schema>,
    progress: AnalysisProgress,
  ) => Promise<AnalysisResult>;
}

/** Turns a typed definition into an analysis that a registry can hold beside others. */
export function defineAnalysis<
  const Needs extends readonly InputName[],
  const Uses extends readonly InputName[],
  Schema extends z.ZodType,
>({ compute, ...description }: AnalysisDefinition<Needs, Uses, Schema>): Analysis {
  return {
    ...description,
    run: async (inputs, options = {}, progress = {}) => {
      const missing = description.needs.find((name) => inputs[name] === undefined);
      if (missing !== undefined) {
        throw new BasinError({
          what: `The analysis "${description.title}" needs ${INPUT_TITLES[missing]}, and none was given`,
          where: `analysis ${description.name}`,
          fix: `Name ${INPUT_TITLES[missing]} as well.`,
        });
      }
      return compute(inputs as Opened<Needs, Uses>, description.schema.parse(options), progress);
    },
  };
}
