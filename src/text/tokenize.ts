/**
 * @file From dataset rows to examples: tokens, and labels only where the model is to learn (labelText.ts); what is cut
 * or left out on the way is reported.
 */
import { BasinError } from "../base/error.ts";
import type { DataRow, TokenizedExample } from "./example.ts";
import { labelText } from "./labelText.ts";
import { weighted, withWeights } from "./labelWeights.ts";
import { cutTerms, NO_LABEL } from "./lossTerms.ts";
import { scoresOf } from "./safetyScores.ts";
import type { RefusedRow, RowNote, TokenizeReport } from "./tokenizeReport.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** What happens to a row with more than `max_length` tokens. */
export type TooLong = "truncate" | "drop" | "error";

export interface TokenizeOptions {
  /** Most tokens that an example may have. Unlimited unless given. */
  readonly max_length?: number;
  /** "truncate" (default, as transformers does) keeps the first `max_length` tokens. */
  readonly too_long?: TooLong;
  /** Rows of the model's embedding: ids from it up are an error. The tokenizer's own size unless given. */
  readonly vocab_size?: number;
  /** Gives an end to an answer at the end of its row, behind which the chat template writes nothing. */
  readonly append_eos?: boolean;
  /** Names a row in errors and reports; a table's `where` does it by line. */
  readonly where?: (row: number) => string;
  /** "error" (default): a conversation that the template refuses ends it. "drop": it is left out and reported. */
  readonly bad_rows?: "error" | "drop";
  /** Divide responses into chunks of so many words, with the scores that the rows have; by default they are not. */
  readonly chunk_words?: number;
}

export interface TokenizedDataset {
  readonly examples: readonly TokenizedExample[];
  /** examples[i] comes from row sources[i]. */
  readonly sources: readonly number[];
  readonly report: TokenizeReport;
}

/**
 * All rows as examples, with a report of what was cut or left out.
 * @param tokenizer null is enough for rows of kind "tokens"
 * @throws BasinError naming the row: empty dataset, a row too long under "error", an id outside the vocabulary, a
 *   conversation that the template refuses, or when no row remains
 */
export function tokenizeRows(
  rows: readonly DataRow[],
  tokenizer: TextTokenizer | null,
  options: TokenizeOptions = {},
): TokenizedDataset {
  if (rows.length === 0)
    throw new BasinError({ what: "The dataset is empty", where: "dataset", fix: "Give at least one row." });
  const nameOf = options.where ?? ((row: number) => `row ${row + 1}`);
  const collector = new ExampleCollector(options);
  rows.forEach((data, row) => {
    const where = nameOf(row);
    let example: WholeExample;
    try {
      example = tokenizeWhole(data, tokenizer, where, options);
    } catch (error) {
      if (options.bad_rows !== "drop" || tokenizer === null || !(error instanceof BasinError)) throw error;
      collector.refuse({ row, where, why: error.what });
      return;
    }
    collector.add(example, row, where);
  });
  return collector.finish(rows.length);
}

/** The rows that can be trained on, and what became of the others. */
class ExampleCollector {
  readonly #limit: number;
  readonly #policy: NonNullable<TokenizeOptions["too_long"]>;
  readonly #examples: TokenizedExample[] = [];
  readonly #sources: number[] = [];
  readonly #truncated: RowNote[] = [];
  readonly #tooLong: RowNote[] = [];
  readonly #noLabels: RowNote[] = [];
  readonly #weightless: RowNote[] = [];
  #weighted: TokenizeReport["weighted"] = null;
  readonly #refused: RefusedRow[] = [];
  readonly #lengths: number[] = [];
  #labelledTokens = 0;

  constructor({ max_length = Infinity, too_long = "truncate" }: TokenizeOptions) {
    this.#limit = max_length;
    this.#policy = too_long;
  }

  /** @param whole the row's example before it is cut. @throws BasinError for a row that is too long under "error" */
  add({ example: whole, weightless }: WholeExample, row: number, where: string): void {
    const note: RowNote = { row, where, tokens: whole.input_ids.length };
    this.#lengths.push(note.tokens);
    const over = note.tokens > this.#limit;
    if (over && this.#policy === "error") throw rowTooLong(note, this.#limit);
    if (over && this.#policy === "drop") {
      this.#tooLong.push(note);
      return;
    }
    const example = over ? truncate(whole, this.#limit) : whole;
    const labelled = countLabels(example);
    if (labelled === 0) {
      (weightless ? this.#weightless : this.#noLabels).push(note);
      return;
    }
    this.#weighted = withWeights(this.#weighted, example);
    if (over) this.#truncated.push(note);
    this.#examples.push(example);
    this.#sources.push(row);
    this.#labelledTokens += labelled;
  }

  refuse(row: RefusedRow): void {
    this.#refused.push(row);
  }

  /** @throws BasinError when no row remains */
  finish(rows: number): TokenizedDataset {
    if (this.#examples.length === 0) throw this.#nothingLeft(rows);
    const lengths = this.#examples.map(({ input_ids }) => input_ids.length);
    return {
      examples: this.#examples,
      sources: this.#sources,
      report: {
        rows,
        kept: lengths.length,
        truncated: this.#truncated,
        tooLong: this.#tooLong,
        noLabels: this.#noLabels,
        weightless: this.#weightless,
        weighted: this.#weighted,
        refused: this.#refused,
        lengths: Int32Array.from(this.#lengths),
        tokens: lengths.reduce((sum, tokens) => sum + tokens, 0),
        labelledTokens: this.#labelledTokens,
        longest: lengths.reduce((most, tokens) => Math.max(most, tokens), 0),
      },
    };
  }

  #nothingLeft(rows: number): BasinError {
    const [first] = this.#refused;
    const weightless = this.#weightless.length === 0 ? "" : `, ${this.#weightless.length} have the weight 0`;
    const refused = first === undefined ? "" : `, ${this.#refused.length} are refused (${first.where}: ${first.why})`;
    return new BasinError({
      what:
        `None of the ${rows} rows can be trained on: ${this.#tooLong.length} are longer than ${this.#limit} tokens, ` +
        `${this.#noLabels.length} have no label left${weightless}${refused}`,
      where: "dataset",
      fix: "Raise max_length, or give rows whose response holds tokens and has a weight.",
    });
  }
}

/**
 * One row as an example. With `max_length` a longer row is cut ("truncate", the default) or refused ("error", "drop");
 * to know what was cut, use `tokenizeRows`.
 */
export function tokenizeRow(
  row: DataRow,
  tokenizer: TextTokenizer | null,
  options: TokenizeOptions = {},
): TokenizedExample {
  const where = options.where?.(0) ?? "row";
  const limit = options.max_length ?? Infinity;
  const { example } = tokenizeWhole(row, tokenizer, where, options);
  if (example.input_ids.length <= limit) return example;
  if ((options.too_long ?? "truncate") === "truncate") return truncate(example, limit);
  throw rowTooLong({ row: 0, where, tokens: example.input_ids.length }, limit);
}

/** Labels that give a loss. Position 0 has nothing before it to be predicted from, so its label never counts. */
export function countLabels({ labels }: TokenizedExample): number {
  let count = 0;
  for (let t = 1; t < labels.length; t += 1) if (labels[t] !== NO_LABEL) count += 1;
  return count;
}

/** A row's example before it is cut. */
interface WholeExample {
  readonly example: TokenizedExample;
  /** It has labels, but all of them have the weight 0. */
  readonly weightless: boolean;
}

function tokenizeWhole(
  row: DataRow,
  tokenizer: TextTokenizer | null,
  where: string,
  { vocab_size, chunk_words, append_eos = false }: TokenizeOptions,
): WholeExample {
  const bare =
    row.kind === "tokens"
      ? { input_ids: row.input_ids, labels: row.labels, weights: row.weights }
      : labelText(row, tokenizer, where, { chunkWords: chunk_words, appendEos: append_eos });
  const scores = chunk_words === undefined ? undefined : scoresOf(row, bare, chunk_words, where);
  const example = {
    ...weighted(bare, row.weight),
    ...(bare.chunks === undefined ? {} : { chunks: bare.chunks }),
    ...(scores === undefined ? {} : { scores }),
  };
  const limit = vocab_size ?? tokenizer?.vocabSize ?? Infinity;
  example.input_ids.forEach((id, t) => {
    const label = example.labels[t];
    if (id >= limit || (label !== undefined && label >= limit)) {
      throw new BasinError({
        what: `The token id ${id >= limit ? id : label} at position ${t} is outside the vocabulary of ${limit}`,
        where,
        fix: "The row was tokenised for another model; tokenise it with this model's tokenizer.",
      });
    }
  });
  return { example, weightless: countLabels(bare) > 0 && countLabels(example) === 0 };
}

/** The first tokens of an example. */
export function truncate(example: TokenizedExample, limit: number): TokenizedExample {
  const { input_ids, labels, terms, chunks, scores } = example;
  return {
    input_ids: input_ids.slice(0, limit),
    labels: labels.slice(0, limit),
    ...(terms ? { terms: cutTerms(terms, limit) } : {}),
    ...(chunks ? { chunks: chunks.slice(0, limit) } : {}),
    ...(scores ? { scores: scores.slice(0, limit) } : {}),
  };
}

function rowTooLong({ where, tokens }: RowNote, limit: number): BasinError {
  return new BasinError({
    what: `The row has ${tokens} tokens, more than max_length ${limit}`,
    where,
    fix: 'Shorten the row, raise max_length, or set too_long to "truncate" or "drop".',
  });
}
