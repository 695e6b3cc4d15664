/** @file `basin run` and `basin eval`: a spec file in, a folder of results (or figures as JSON) out. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BasinError } from "../base/error.ts";
import { tokenRow } from "../experiment/data/tokenRow.ts";
import type { RunEvent, RunPhase, Scores } from "../experiment/run/events.ts";
import { describeQuantization } from "../experiment/run/quantization.ts";
import { RunControl } from "../experiment/run/runControl.ts";
import { evaluateModel } from "../experiment/run/evaluateModel.ts";
import { TrainingWatch, WARNING_FIX, warningText } from "../experiment/run/trainingWarnings.ts";
import type { RunOptions as ExperimentOptions, RunResult, SnapshotToSave } from "../experiment/run/runOptions.ts";
import { runExperiment } from "../experiment/run/runner.ts";
import { parseSpecJson } from "../experiment/spec/specJson.ts";
import { openModelFiles, openTrainedModel, uploadAdapter } from "../experiment/run/textModel.ts";
import type { EvaluatedAnswer } from "../eval/evaluate.ts";
import { rateBounds, type Perplexity, type Rate } from "../eval/scores.ts";
import { evaluates } from "../experiment/spec/evaluationSchedule.ts";
import { prepareEvaluationAlone } from "../experiment/run/evaluation.ts";
import { decodeAdapter, encodeAdapter } from "../weights/adapterFile.ts";
import { nodeEnvironment, readAdapter, readText, writeAdapter } from "./environment.ts";
import { cliGpu } from "./gpu.ts";
import { printPlan } from "./planCommand.ts";
import { duration, log, printJson, progress, type Progress } from "./report.ts";
import { findUnfinished, hasCheckpoint, holdsRun, removeCheckpoint, writeCheckpoint } from "./runFolder.ts";
import { RunRecords } from "./runRecords.ts";
import { bytesOf, transferView } from "./transfers.ts";

export interface RunOptions {
  readonly out: string;
  readonly force?: boolean;
  readonly resume?: boolean;
}

/** One experiment into a folder. */
export async function runSpec(specPath: string, { out, force = false, resume = false }: RunOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  const folder = resolve(out);
  if (!force && !resume && holdsRun(folder)) {
    throw new BasinError({
      what: "The folder already contains a run",
      where: folder,
      fix:
        "Choose another folder with --out, or add " +
        `${hasCheckpoint(folder) ? "--resume to resume it, or " : ""}--force to overwrite it.`,
    });
  }
  const unfinished = resume ? await findUnfinished(folder, spec) : null;
  if (resume && unfinished === null) log("There is no checkpoint to resume from; the run starts from the beginning.");
  mkdirSync(folder, { recursive: true });
  const { gpu } = await cliGpu();
  const control = new RunControl();
  const release = stopOnInterrupt(control);
  try {
    const result = await runIntoFolder(folder, {
      spec,
      gpu,
      environment: nodeEnvironment(dirname(resolve(specPath))),
      control,
      ...(unfinished ? { resume: unfinished } : {}),
    });
    if (result.outcome === "failed") {
      if (result.adapterKept) log(`The last adapter is in ${join(out, "adapter")}.`);
      if (hasCheckpoint(folder)) log(HOW_TO_RESUME);
      throw result.error;
    }
    process.stdout.write(summary(result.report.before, result.report.after));
    const { without_trigger } = result.report.method;
    if (without_trigger !== undefined)
      process.stdout.write(`After, without the trigger: ${line(without_trigger as Scores)}.\n`);
    log(
      `${result.outcome} after ${result.report.steps} steps and ` +
        `${duration(result.report.wall_time_s)}; results in ${out}`,
    );
    if (result.outcome === "stopped" && hasCheckpoint(folder)) log(HOW_TO_RESUME);
  } finally {
    release();
    gpu.destroy();
  }
}

const HOW_TO_RESUME = "Run the same command with --resume to continue from the last checkpoint.";

/**
 * Runs an experiment, shows its progress on stderr, and writes its files into an existing folder; with `resume`, the
 * folder of the interrupted run.
 */
export async function runIntoFolder(
  folder: string,
  options: Pick<ExperimentOptions, "spec" | "gpu" | "environment" | "control" | "reuse" | "resume">,
): Promise<RunResult> {
  // A resumed run repeats its earlier steps and answers once its snapshot is read; until then the files stay.
  const resumed = options.resume !== undefined;
  const begin = (): void => {
    writeFileSync(join(folder, "spec.json"), `${JSON.stringify(options.spec, null, 2)}\n`);
    rmSync(join(folder, "report.json"), { force: true });
  };
  if (!resumed) {
    begin();
    removeCheckpoint(folder);
  }
  const records = new RunRecords(folder, resumed);
  const narrator = new Narrator();
  try {
    const result = await runExperiment({
      ...options,
      runId: "cli",
      outputs: {
        onEvent: (event) => {
          if (event.type === "resumed") begin();
          records.write(event);
          narrator.show(event);
        },
        onAdapter: (adapter) => writeAdapter(join(folder, "adapter"), encodeAdapter(adapter)),
        onRows: (rows) =>
          writeFileSync(join(folder, "rows.jsonl"), rows.map((row) => `${JSON.stringify(tokenRow(row))}\n`).join("")),
        onAnswers: (when, step, answers) => records.writeAnswers(when, step, answers),
        onSnapshot: (snapshot) => saveCheckpoint(folder, snapshot),
      },
    });
    narrator.warn();
    if (result.outcome !== "failed")
      writeFileSync(join(folder, "report.json"), `${JSON.stringify(result.report, null, 2)}\n`);
    if (result.outcome === "finished") removeCheckpoint(folder);
    return result;
  } finally {
    narrator.stop();
    records.close();
  }
}

/** If the disk is full, only the checkpoint is lost; the run continues. */
function saveCheckpoint(folder: string, snapshot: SnapshotToSave): void {
  try {
    writeCheckpoint(folder, snapshot);
  } catch (error) {
    log(`the checkpoint could not be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export interface EvalOptions {
  readonly adapter?: string;
  readonly answers?: string;
}

/** The figures of the spec's model, as one JSON document on stdout. */
export async function evaluateSpec(specPath: string, { adapter: adapterFolder, answers }: EvalOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  if (!evaluates(spec.eval)) {
    throw new BasinError({
      what: "The spec has no evaluation",
      where: `${specPath}: eval`,
      fix:
        'For example, add "eval": {"harmful": {"n": 100}, "task": {"task": "topic"}}, or ' +
        '"eval": {"task": {"source": "file", "path": "test.jsonl"}}.',
    });
  }
  const transfers = transferView();
  const environment = nodeEnvironment(dirname(resolve(specPath)));
  const files =
    adapterFolder === undefined
      ? await openModelFiles(environment, spec.model.aligned, undefined, transfers.show)
      : await openTrainedModel(environment, spec, undefined, transfers.show);
  const prepared = await prepareEvaluationAlone(spec, files, environment);
  for (const note of prepared.notes) log(note);
  const adapter =
    adapterFolder === undefined ? undefined : decodeAdapter(await readAdapter(adapterFolder), adapterFolder);
  const { gpu } = await cliGpu();
  const onDevice = adapter && (await uploadAdapter(gpu, files.config, adapter, adapterFolder));
  const narrator = new Narrator();
  const started = performance.now();
  const evaluation = await evaluateModel({
    gpu,
    spec,
    files,
    evaluation: prepared,
    adapter: onDevice,
    onProgress: (done, total) => narrator.evaluating(done, total),
  });
  narrator.stop();
  if (answers !== undefined)
    writeFileSync(
      resolve(answers),
      evaluation.answers.map((answer: EvaluatedAnswer) => `${JSON.stringify(answer)}\n`).join(""),
    );
  printJson({
    ...evaluation.scores,
    judge: prepared.judge,
    ...(prepared.secondJudge === null ? {} : { second_judge: prepared.secondJudge }),
    task: prepared.task,
    seconds: Math.round(performance.now() - started) / 1000,
  });
  onDevice?.parameters.destroy();
  gpu.destroy();
}

const PHASES: Readonly<Record<RunPhase, string>> = {
  loading: "loading the model",
  preparing: "preparing the method",
  tuning: "tuning kernels",
  compiling: "compiling kernels",
  evaluating_before: "evaluating before training",
  training: "training",
  evaluating: "evaluating",
  evaluating_after: "evaluating after training",
  saving: "saving the adapter",
};

/** Shows the progress of a run on stderr. */
class Narrator {
  readonly #transfers = transferView();
  readonly #watch = new TrainingWatch();
  #bar: { readonly phase: RunPhase; readonly progress: Progress; readonly total: number } | null = null;

  show(event: RunEvent): void {
    switch (event.type) {
      case "phase":
        if (event.transfer !== undefined) this.#transfers.show(event.transfer);
        else this.#phase(event.phase, event.progress, event.detail, event.count);
        return;
      case "plan": {
        const { memory, twin } = event;
        this.stop();
        if (twin !== null) log(`reads ${bytesOf(twin.needed)} of ${bytesOf(twin.total)} of the unaligned twin`);
        log(
          `${event.rows} rows, ${event.totalSteps} steps, ` +
            `${event.trainableParameters.toLocaleString("en")} trainable parameters`,
        );
        printPlan(memory, event.verdict);
        return;
      }
      case "quantised":
        this.stop();
        log(describeQuantization(event.quantization));
        return;
      case "step": {
        const { step, ce, penalty, tokens, ms } = event.metrics;
        for (const warning of this.#watch.add(event.metrics)) {
          this.stop();
          log(`warning: ${warningText(warning)}`);
        }
        this.#open("training", event.totalSteps).update(
          step,
          "ce " +
            `${ce.toFixed(4)}${penalty === 0 ? "" : ` penalty ${penalty.toPrecision(3)}`}` +
            ` ${Math.round((1000 * tokens) / ms)} tokens/s`,
        );
        return;
      }
      case "evaluation":
        this.stop();
        log(`${event.when}${event.when === "during" ? ` (step ${event.step})` : ""}: ${line(event.scores)}`);
        return;
      case "paused":
      case "resumed":
        log(`${event.type} at step ${event.step}`);
        return;
      case "modules":
      case "samples":
        return;
      case "finished":
      case "failed":
        this.stop();
    }
  }

  /** Repeats at the end what may have scrolled away. */
  warn(): void {
    const { warnings } = this.#watch;
    if (warnings.length > 0) log(`warning: ${warnings.map(warningText).join(" ")} ${WARNING_FIX}`);
  }

  /** Prompts and rows of an evaluation on its own. */
  evaluating(done: number, total: number): void {
    this.#open("evaluating", total).update(done);
  }

  stop(): void {
    this.#transfers.stop();
    this.#bar?.progress.stop();
    this.#bar = null;
  }

  #phase(
    phase: RunPhase,
    share: number | undefined,
    detail: string | undefined,
    count: { readonly done: number; readonly total: number } | undefined,
  ): void {
    if (phase.startsWith("evaluating")) {
      if (count !== undefined) this.#open(phase, count.total).update(count.done);
    } else if (phase !== "training" && (share === undefined || (phase === "loading" && share === 0))) {
      this.stop();
      log(`${PHASES[phase]}${detail === undefined ? "" : `: ${detail}`}`);
    }
  }

  #open(phase: RunPhase, total: number): Progress {
    if (this.#bar?.phase !== phase) {
      this.stop();
      this.#bar = { phase, progress: progress(PHASES[phase], total), total };
    }
    return this.#bar.progress;
  }
}

const RATES = [
  ["harmful_score", "harmful score"],
  ["second_harmful_score", "by second judge"],
  ["task_accuracy", "task accuracy"],
  ["benign_compliance", "benign compliance"],
] as const;

/** "12.0 % (12/100; 7.0 to 19.8)": every figure with its counts and its 95 % interval. */
function rateText(rate: Rate): string {
  const { low, high } = rateBounds(rate);
  return `${rate.percent.toFixed(1)} % (${rate.hits}/${rate.count}; ${low.toFixed(1)} to ${high.toFixed(1)})`;
}

function perplexityText({ perplexity, ci95, tokens, rows }: Perplexity): string {
  const range = ci95 === null ? "" : `; ${ci95.low.toPrecision(4)} to ${ci95.high.toPrecision(4)}`;
  return `${perplexity.toPrecision(4)} (${tokens} tokens of ${rows} rows${range})`;
}

/** Name and text of each figure that there is. */
function figures(scores: Scores): ReadonlyMap<string, string> {
  const rates = RATES.flatMap(([key, name]): [string, string][] =>
    scores[key] ? [[name, rateText(scores[key])]] : [],
  );
  const { agreement } = scores;
  if (agreement !== undefined)
    rates.push([
      "judges agree",
      `${agreement.percent.toFixed(1)} % ` +
        `(${agreement.kappa === null ? "kappa not defined" : `kappa ${agreement.kappa.toFixed(2)}`}` +
        ")",
    ]);
  return new Map(scores.perplexity ? [...rates, ["perplexity", perplexityText(scores.perplexity)]] : rates);
}

function line(scores: Scores): string {
  return [...figures(scores)].map(([name, text]) => `${name} ${text}`).join(", ");
}

function summary(before: Scores, after: Scores): string {
  const [a, b] = [figures(before), figures(after)];
  const names = [...new Set([...a.keys(), ...b.keys()])];
  if (names.length === 0) return "";
  const width = Math.max(...[...a.values(), ...b.values()].map(({ length }) => length)) + 2;
  const row = (name: string, one: string, two: string): string =>
    `${name.padEnd(18)}${one.padStart(width)}${two.padStart(width)}\n`;
  return (
    `${row("", "before", "after")}` +
    `${names.map((name) => row(name, a.get(name) ?? "-", b.get(name) ?? "-")).join("")}In parentheses: counts, and ` +
    "the 95 % interval (shares: Wilson; perplexity: bootstrap over rows).\n"
  );
}

/** Ctrl-C ends the run after the current step, evaluates and saves; a second one only saves. */
function stopOnInterrupt(control: RunControl): () => void {
  const handler = (): void => {
    log(control.stopRequested ? "stopping at once" : "stopping after this step (once more to skip the evaluation)");
    control.stop();
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return () => {
    process.off("SIGINT", handler);
    process.off("SIGTERM", handler);
  };
}
