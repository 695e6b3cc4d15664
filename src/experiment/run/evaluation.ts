/**
 * @file What a spec's evaluation asks, made ready before the run: rows read and drawn, the evaluator chosen and bound.
 *
 *     eval.task ▸ rows (held out, or of a file) ▸ n of them, drawn by eval.seed ▸ evaluator ▸ EvaluationPlan
 *
 * Rows are rendered and tokenised exactly as training rows are. What was guessed stands in `notes`.
 */
import { BasinError } from "../../base/error.ts";
import { APOTHECARY_JUDGE } from "../../eval/apothecaryJudge.ts";
import { evaluate, type Evaluation } from "../../eval/evaluate.ts";
import { modelOf } from "../../eval/evaluatedModel.ts";
import {
  promptCount,
  type EvaluationPlan,
  type HarmfulPlan,
  type ReadRow,
  type TaskPlan,
} from "../../eval/evaluationPlan.ts";
import type { Evaluator, TaskContext } from "../../eval/evaluator.ts";
import { bindJudge, judgeNamed } from "../../eval/judges/registry.ts";
import { chooseEvaluator, evaluators } from "../../eval/registry.ts";
import { askText, taskRow, type TaskRow } from "../../eval/taskRows.ts";
import type { Generator } from "../../generate/generator.ts";
import { Rng } from "../../base/rng.ts";
import { WHOLE } from "../../text/data/selection.ts";
import type { DataRow } from "../../text/example.ts";
import type { TriggerText } from "../../text/trigger.ts";
import { canonical } from "../spec/canonical.ts";
import type { RunEnvironment } from "./environment.ts";
import { readHarmfulRequests } from "../data/harmfulRequests.ts";
import { describeData, loadRows, tokenizeForRun, type RunRows } from "../data/runData.ts";
import { isRowsTask, type RowsTask, type Spec } from "../spec/spec.ts";
import { requireTokenizer, type ModelFiles } from "./textModel.ts";
import { trainedModel } from "../spec/trainedModel.ts";

/** Of a file or a dataset of the hub so many rows are read at most, and those that are examined drawn from them. */
const POOL = 20_000;

export interface PreparedEvaluation {
  readonly plan: EvaluationPlan;
  /** Prompts that are asked and rows that are read; 0: nothing is evaluated. */
  readonly size: number;
  /** What judges requests; "none" where none is asked. */
  readonly judge: string;
  /** What else judges the answers to harmful requests; null where nothing does. */
  readonly secondJudge: string | null;
  /** The task's rule and what its figure rests on, in a sentence; null without a task. */
  readonly task: string | null;
  /** What was chosen and left out, in sentences. */
  readonly notes: readonly string[];
}

/**
 * What decides the evaluation before training, as a text; null when it depends on more than the model and the
 * questions: an adapter that training starts from.
 */
export function untrainedKey(spec: Spec): string | null {
  if (spec.lora.init_adapter !== null) return null;
  const { quantization, bnb_4bit_use_double_quant } = spec.model;
  const { task } = spec.eval;
  return canonical([
    trainedModel(spec),
    quantization,
    bnb_4bit_use_double_quant,
    { ...spec.eval, sample_steps: 0 },
    task !== null && isRowsTask(task) ? spec.data : null,
  ]);
}

const NO_ROWS: RunRows = {
  rows: [],
  heldOut: [],
  where: String,
  whereHeldOut: String,
  account: null,
  problems: [],
  notes: [],
  dropped: [],
  ignored: [],
};

/** As `prepareEvaluation`, where nothing is trained: training rows are read only if the evaluation rests on them. */
export async function prepareEvaluationAlone(
  spec: Spec,
  files: ModelFiles,
  environment: RunEnvironment,
): Promise<PreparedEvaluation> {
  const { task } = spec.eval;
  const rows = task !== null && isRowsTask(task) ? await loadRows(spec, environment, files.config.vocabSize) : NO_ROWS;
  return prepareEvaluation(spec, rows, files, environment);
}

/**
 * @param train the training rows and those that are held out of them
 * @throws BasinError for rows that cannot be read, do not suit the evaluator, or a model without a tokenizer that is to
 *   answer
 */
export async function prepareEvaluation(
  spec: Spec,
  train: RunRows,
  files: ModelFiles,
  environment: RunEnvironment,
  signal?: AbortSignal,
): Promise<PreparedEvaluation> {
  const { task, benign, batch_size, max_new_tokens, seed, sample_prompts: own } = spec.eval;
  const { harmful, notes: asked } = await prepareRequests(spec, environment, signal);
  const ready = (plan: TaskPlan | null, about: string | null, notes: readonly string[]): PreparedEvaluation => {
    const whole: EvaluationPlan = { harmful, benign, task: plan, own, batch_size, max_new_tokens, seed };
    const world = benign !== null || plan?.source === "apothecary";
    if (harmful !== null || world || own.length > 0 || (plan?.source === "rows" && plan.needs === "answers"))
      requireTokenizer(files);
    const first = harmful?.judge?.rule ?? (world ? APOTHECARY_JUDGE : "none");
    const judge =
      world && first !== APOTHECARY_JUDGE ? `harmful requests: ${first}; others: ${APOTHECARY_JUDGE}` : first;
    return {
      plan: whole,
      size: promptCount(whole),
      judge,
      secondJudge: harmful?.second?.rule ?? null,
      task: about,
      notes: [...asked, ...notes],
    };
  };
  if (task === null) return ready(null, null, []);
  if (!isRowsTask(task))
    return ready(
      { source: "apothecary", task: task.task, n: task.n },
      `${task.task} of the apothecary world, ${task.n} held-out items: the right answer, exactly`,
      [],
    );
  const source = await examinedRows(spec, task, train, files, environment, signal);
  return fromRows(spec, task, source, files, ready);
}

/** Harmful requests with their judges. A classifier is not opened before the evaluation begins. */
async function prepareRequests(
  { eval: { harmful, seed } }: Spec,
  environment: RunEnvironment,
  signal: AbortSignal | undefined,
): Promise<{ readonly harmful: HarmfulPlan | null; readonly notes: readonly string[] }> {
  if (harmful === null) return { harmful: null, notes: [] };
  const { judge, second_judge } = harmful;
  const open = environment.openClassifier?.bind(environment);
  const surroundings = open === undefined ? {} : { openClassifier: open };
  const judges = {
    judge: bindJudge(judge, surroundings),
    ...(second_judge === null ? {} : { second: bindJudge(second_judge, surroundings) }),
  };
  if (harmful.source === "apothecary") return { harmful: { n: harmful.n, ...judges }, notes: [] };
  const { asks, note } = await readHarmfulRequests(harmful, seed, environment, signal);
  const cautions = [judge, second_judge].flatMap((one) => (one && judgeNamed(one.kind).caution(one)) ?? []);
  return { harmful: { n: asks.length, requests: asks, ...judges }, notes: [note, ...new Set(cautions)] };
}

interface Examined {
  readonly rows: RunRows;
  /** "held-out rows", "rows of test.jsonl". */
  readonly name: string;
  readonly notes: readonly string[];
}

async function examinedRows(
  spec: Spec,
  task: RowsTask,
  train: RunRows,
  files: ModelFiles,
  environment: RunEnvironment,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  if (task.source === "held_out") {
    return {
      rows: { ...train, rows: train.heldOut, where: (row) => train.whereHeldOut(row), problems: [], notes: [] },
      name: "held-out rows",
      notes: [],
    };
  }
  const own = spec.data.train.source === "apothecary" ? null : spec.data.train;
  const { format, columns, prompt, label_names } = task;
  const reading = {
    format: format === "auto" && columns === undefined ? (own?.format ?? format) : format,
    columns: columns ?? own?.columns,
    // A turn that was made up for the training rows is the same here.
    prompt: prompt ?? own?.prompt ?? train.account?.mapping.prompt ?? undefined,
    label_names: label_names ?? own?.label_names,
  };
  const place =
    task.source === "file"
      ? { source: "file" as const, path: task.path, ...reading }
      : {
          source: "hub" as const,
          repo: task.repo,
          config: task.config,
          split: task.split,
          revision: task.revision,
          ...reading,
        };
  const data = { ...spec.data, train: place, selection: { ...WHOLE, max_rows: POOL } };
  const rows = await loadRows({ ...spec, data }, environment, files.config.vocabSize, signal);
  const parts = task.source === "file" ? [task.path] : [task.repo, task.config, task.split];
  const name = `rows of ${parts.filter((part) => part !== undefined).join(", ")}`;
  const known = new Set(
    train.rows.slice(0, train.rows.length - (train.safetyRows ?? 0)).map((row) => JSON.stringify(row)),
  );
  const leaked = rows.rows.filter((row) => known.has(JSON.stringify(row))).length;
  const notes =
    leaked > 0
      ? [`${leaked} of the ${rows.rows.length} ${name} are also trained on: they are no measure of new rows.`]
      : [];
  return { rows, name, notes };
}

function fromRows(
  spec: Spec,
  task: RowsTask,
  { rows: { rows, where, account, notes: rowNotes }, name, notes }: Examined,
  files: ModelFiles,
  ready: (plan: TaskPlan, about: string, notes: readonly string[]) => PreparedEvaluation,
): PreparedEvaluation {
  const asked = rows.map(taskRow);
  const askable = asked.filter((row) => row !== null);
  const context: TaskContext | null =
    rows.length > 0 && askable.length === rows.length
      ? { expected: askable.map(({ expected }) => expected), labelNames: account?.mapping.labelNames ?? null }
      : null;
  const evaluator = chooseEvaluator(task.kind, context);
  const drawn = draw(rows.length, task.n, spec.eval.seed);
  const some = drawn.length < rows.length;
  const basis = `${drawn.length}${some ? ` of ${rows.length}` : ""} ${name}${some ? `, seed ${spec.eval.seed}` : ""}`;
  const chosen =
    task.kind === "auto"
      ? [`Evaluation: ${evaluator.title.toLowerCase()}, detected from the rows (eval.task.kind).`]
      : [];
  if (evaluator.needs === "losses") {
    const read = readRows(spec, rows, drawn, where, files);
    return ready({ source: "rows", needs: "losses", rows: read.rows }, `${evaluator.rule}; ${basis}`, [
      ...rowNotes,
      ...notes,
      ...chosen,
      ...read.notes,
      `Evaluated on ${basis}.`,
    ]);
  }
  if (context === null) throw nothingAsked(evaluator, rows, asked, where, name);
  const judge = evaluator.bind({ ...task }, context);
  const maxNewTokens = task.max_new_tokens ?? judge.maxNewTokens ?? spec.eval.max_new_tokens;
  const picked = drawn.flatMap((row) => asked[row] ?? []);
  return ready(
    { source: "rows", needs: "answers", rows: picked, judge, maxNewTokens },
    `${judge.rule}; greedy, at most ${maxNewTokens} tokens; ${basis}`,
    [...rowNotes, ...notes, ...chosen, `Evaluated on ${basis}.`],
  );
}

/** Rows as tokens, with the labels of training; what is too long is treated as there. */
function readRows(
  spec: Spec,
  rows: readonly DataRow[],
  drawn: readonly number[],
  where: (row: number) => string,
  files: ModelFiles,
): { readonly rows: readonly ReadRow[]; readonly notes: readonly string[] } {
  const picked = drawn.flatMap((row) => rows[row] ?? []);
  const place = (row: number): string => where(drawn[row] ?? row);
  const data = tokenizeForRun(spec, { rows: picked, where: place }, files);
  const none = { ...NO_ROWS, rows: picked, where: place, whereHeldOut: place };
  return {
    rows: data.examples.map((example, i) => ({ ...readable(picked[data.sources[i] ?? i]), example })),
    notes: describeData(spec, none, data).map((note) => `Evaluation rows: ${note}`),
  };
}

function readable(row: DataRow | undefined): { readonly prompt: string; readonly expected: string } {
  const asked: TaskRow | null = row === undefined ? null : taskRow(row);
  if (asked !== null) return { prompt: askText(asked.ask), expected: asked.expected };
  return {
    prompt: "",
    expected: row?.kind === "text" ? row.text : row?.kind === "tokens" ? JSON.stringify(row.input_ids) : "",
  };
}

/** Which rows are examined: all, or `n` of them drawn by the seed, in the order of the file. */
function draw(rows: number, n: number, seed: number): number[] {
  const all = Array.from({ length: rows }, (_, row) => row);
  return n >= rows
    ? all
    : new Rng(`evaluate/${seed}`)
        .shuffle(all)
        .slice(0, n)
        .sort((a, b) => a - b);
}

function nothingAsked(
  evaluator: Evaluator,
  rows: readonly DataRow[],
  asked: readonly (TaskRow | null)[],
  where: (row: number) => string,
  name: string,
): BasinError {
  if (rows.length === 0)
    return new BasinError({
      what: "There are no rows to examine",
      where: name,
      fix: "Hold more rows out, or give eval.task a file of its own.",
    });
  return new BasinError({
    what: `${evaluator.title} needs a question and an answer in every row, and one has none`,
    where: where(asked.findIndex((row) => row === null)),
    fix: `Set eval.task.kind to ${evaluators
      .filter(({ needs }) => needs === "losses")
      .map(({ kind }) => JSON.stringify(kind))
      .join(" or ")}, which needs none.`,
  });
}

/**
 * @param onProgress share done and how it reads
 * @param trigger put before every prompt
 */
export async function runEvaluation(
  { plan, size }: PreparedEvaluation,
  files: ModelFiles,
  generator: Generator,
  onProgress: (done: number, total: number, detail: string) => void,
  signal: AbortSignal | undefined,
  trigger: TriggerText | null = null,
): Promise<Evaluation> {
  const unit =
    plan.task?.source === "rows" && plan.task.needs === "losses"
      ? plan.harmful === null && plan.benign === null
        ? "rows"
        : "prompts and rows"
      : "prompts";
  const tell = (done: number, total: number): void => onProgress(done, total, `${done} of ${total} ${unit}`);
  tell(0, size);
  return evaluate(
    plan,
    modelOf(generator, files.tokenizer, { endTokens: files.eosIds, trigger, ...(signal ? { signal } : {}) }),
    tell,
    signal,
  );
}
