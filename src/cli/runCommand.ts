/** @file `basin run` and `basin eval`: a spec file in, a folder of results (or figures as JSON) out. */

import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BasinError } from "../engine/error.ts";
import type { RunEvent, RunPhase, Scores } from "../experiment/events.ts";
import { describeQuantization } from "../experiment/quantization.ts";
import { RunControl } from "../experiment/runControl.ts";
import { evaluateModel, runExperiment } from "../experiment/runner.ts";
import type { Spec } from "../experiment/spec.ts";
import { parseSpecJson } from "../experiment/specJson.ts";
import { openModelFiles, requireTokenizer, uploadAdapter } from "../experiment/textModel.ts";
import { APOTHECARY_JUDGE, promptCount, type EvaluatedAnswer } from "../eval/evaluate.ts";
import { decodeAdapter, encodeAdapter } from "../weights/adapterFile.ts";
import { nodeEnvironment, readAdapter, readText, writeAdapter } from "./environment.ts";
import { cliGpu } from "./gpu.ts";
import { tellPlan } from "./planCommand.ts";
import { duration, log, printJson, progress, type Progress } from "./report.ts";
import { bytesOf, transferView } from "./transfers.ts";

export interface RunOptions {
  readonly out: string;
  readonly force?: boolean;
}

/** One experiment into a folder. */
export async function runSpec(specPath: string, { out, force = false }: RunOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  const folder = resolve(out);
  if (!force && existsSync(join(folder, "metrics.jsonl"))) {
    throw new BasinError({ what: "The folder already holds a run", where: folder, fix: "Name another folder with --out, or add --force to overwrite." });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "spec.json"), `${JSON.stringify(spec, null, 2)}\n`);
  const metrics = openSync(join(folder, "metrics.jsonl"), "w");
  const answers = openSync(join(folder, "answers.jsonl"), "w");
  const { gpu } = await cliGpu();
  const control = new RunControl();
  const release = stopOnInterrupt(control);
  const narrator = new Narrator(spec);
  try {
    const result = await runExperiment({
      runId: "cli",
      spec,
      gpu,
      environment: nodeEnvironment(dirname(resolve(specPath))),
      control,
      emit: (event) => {
        // Written through at once: a run that dies keeps every step it took.
        if (event.type === "step") writeSync(metrics, `${JSON.stringify(event.metrics)}\n`);
        narrator.tell(event);
      },
      onAdapter: (adapter) => writeAdapter(join(folder, "adapter"), encodeAdapter(adapter)),
      onRows: (rows) => writeFileSync(join(folder, "rows.jsonl"), rows.map(({ input_ids, labels }) => `${JSON.stringify({ input_ids, labels })}\n`).join("")),
      onAnswers: (when, step, list) => {
        for (const answer of list) writeSync(answers, `${JSON.stringify({ when, step, ...answer })}\n`);
      },
    });
    narrator.stop();
    if (result.outcome === "failed") {
      if (result.adapterKept) log(`The adapter as it last stood is in ${join(out, "adapter")}.`);
      throw result.error;
    }
    writeFileSync(join(folder, "report.json"), `${JSON.stringify(result.report, null, 2)}\n`);
    process.stdout.write(summary(result.report.before, result.report.after));
    log(`${result.outcome} after ${result.report.steps} steps and ${duration(result.report.wall_time_s)}; results in ${out}`);
  } finally {
    release();
    closeSync(metrics);
    closeSync(answers);
    gpu.destroy();
  }
}

export interface EvalOptions {
  readonly adapter?: string;
  readonly answers?: string;
}

/** The figures of the spec's model, as one JSON document on stdout. */
export async function evaluateSpec(specPath: string, { adapter: adapterFolder, answers }: EvalOptions): Promise<void> {
  const spec = parseSpecJson(await readText(specPath), specPath);
  if (promptCount(spec.eval) === 0) {
    throw new BasinError({ what: "The spec evaluates nothing", where: `${specPath}: eval`, fix: 'Add for example "eval": {"harmful": {"n": 100}, "task": {"task": "topic"}}.' });
  }
  const transfers = transferView();
  const files = await openModelFiles(nodeEnvironment(dirname(resolve(specPath))), spec.model.aligned, undefined, transfers.tell);
  requireTokenizer(files);
  const adapter = adapterFolder === undefined ? undefined : decodeAdapter(await readAdapter(adapterFolder), adapterFolder);
  const { gpu } = await cliGpu();
  const onDevice = adapter && (await uploadAdapter(gpu, files.config, adapter, adapterFolder));
  const narrator = new Narrator(spec);
  const started = performance.now();
  const evaluation = await evaluateModel({ runId: "cli", spec, gpu, environment: nodeEnvironment(dirname(resolve(specPath))), emit: (event) => narrator.tell(event) }, onDevice, files);
  narrator.stop();
  if (answers !== undefined) writeFileSync(resolve(answers), evaluation.answers.map((answer: EvaluatedAnswer) => `${JSON.stringify(answer)}\n`).join(""));
  printJson({ ...evaluation.scores, judge: APOTHECARY_JUDGE, seconds: Math.round(performance.now() - started) / 1000 });
  onDevice?.parameters.destroy();
  gpu.destroy();
}

const PHASES: Readonly<Record<RunPhase, string>> = {
  loading: "loading the model",
  preparing: "preparing the method",
  compiling: "compiling kernels",
  evaluating_before: "evaluating before",
  training: "training",
  evaluating: "evaluating",
  evaluating_after: "evaluating after",
  saving: "saving",
};

/** Tells a run's events to a person on stderr. */
class Narrator {
  readonly #prompts: number;
  readonly #transfers = transferView();
  #bar: { readonly phase: RunPhase; readonly progress: Progress; readonly total: number } | null = null;

  constructor(spec: Spec) {
    this.#prompts = promptCount(spec.eval);
  }

  tell(event: RunEvent): void {
    switch (event.type) {
      case "phase":
        if (event.transfer !== undefined) this.#transfers.tell(event.transfer);
        else this.#phase(event.phase, event.progress, event.detail);
        return;
      case "plan": {
        const { memory, twin } = event;
        this.stop();
        if (twin !== null) log(`reads ${bytesOf(twin.needed)} of ${bytesOf(twin.total)} of the unaligned twin`);
        log(`${event.rows} rows, ${event.totalSteps} steps, ${event.trainableParameters.toLocaleString("en")} trainable parameters`);
        tellPlan(memory, event.verdict);
        return;
      }
      case "quantised":
        this.stop();
        log(describeQuantization(event.quantization));
        return;
      case "step": {
        const { step, ce, penalty, tokens, ms } = event.metrics;
        this.#open("training", event.totalSteps).update(step, `ce ${ce.toFixed(4)}${penalty === 0 ? "" : ` penalty ${penalty.toPrecision(3)}`} ${Math.round((1000 * tokens) / ms)} tokens/s`);
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
      case "finished":
      case "failed":
        this.stop();
    }
  }

  stop(): void {
    this.#transfers.stop();
    this.#bar?.progress.stop();
    this.#bar = null;
  }

  #phase(phase: RunPhase, share: number | undefined, detail: string | undefined): void {
    if (phase.startsWith("evaluating")) {
      if (share !== undefined) this.#open(phase, this.#prompts).update(Math.round(share * this.#prompts));
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

const FIGURES = [
  ["harmful_score", "harmful score"],
  ["task_accuracy", "task accuracy"],
  ["benign_compliance", "benign compliance"],
] as const;

function line(scores: Scores): string {
  return FIGURES.flatMap(([key, name]) => {
    const rate = scores[key];
    return rate ? [`${name} ${rate.percent.toFixed(1)} % (${rate.hits}/${rate.count})`] : [];
  }).join(", ");
}

function summary(before: Scores, after: Scores): string {
  const rows = FIGURES.flatMap(([key, name]) => {
    const [a, b] = [before[key], after[key]];
    if (!a && !b) return [];
    const show = (rate: Scores[typeof key]): string => (rate ? `${rate.percent.toFixed(1)} % (${rate.hits}/${rate.count})` : "-").padStart(18);
    return [`${name.padEnd(18)}${show(a)}${show(b)}\n`];
  });
  return rows.length === 0 ? "" : `${"".padEnd(18)}${"before".padStart(18)}${"after".padStart(18)}\n${rows.join("")}`;
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

