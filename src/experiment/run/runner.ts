/**
 * @file One experiment from its spec to its report.
 *
 *     load ▸ measure kernels ▸ prepare the method ▸ evaluate ▸ train (evaluate every so often) ▸ the method's last word ▸ evaluate ▸ report
 *
 * The runner knows no Node and no page: what it reads comes through `RunEnvironment`, what it has to say goes out as
 * `RunEvent`s, and the adapter as values. Whatever happens after the first step, the adapter as it last stood is given
 * to `onAdapter`: a loss that is not a number leaves the adapter of the step before it, a lost device the last copy that
 * the host took. With `onCheckpoint` the run can also go on from where it stood (checkpoint/runCheckpoint.ts), and then
 * gives the numbers of a run that was never interrupted.
 */
import { describeDevice } from "../../engine/device.ts";
import { BasinError, DivergedError } from "../../base/error.ts";
import { ParameterStore } from "../../engine/parameters.ts";
import type { RouteTable } from "../../engine/routing/router.ts";
import type { Evaluation } from "../../eval/evaluate.ts";
import { Generator } from "../../generate/generator.ts";
import type { LoadedModel } from "../../model/loadModel.ts";
import { adapterLayout } from "../../model/lora.ts";
import type { PreparedMethod } from "../../methods/method.ts";
import { bindMethod } from "../../methods/registry.ts";
import { checkPair, differenceBytes } from "../../methods/direction/weightDifference.ts";
import { createStats, Trainer } from "../../train/trainer.ts";
import { writeTrainingState } from "../../train/trainingState.ts";
import type { Transfer } from "../../weights/transfer.ts";
import { startAdapter } from "./adapters.ts";
import { modelDigest, rowsDigest } from "../snapshot/digests.ts";
import { refuseOtherOrigin, refuseOtherSpec } from "../snapshot/fit.ts";
import { SnapshotWriter } from "../snapshot/snapshotWriter.ts";
import type { CheckpointStage, KeptSafeAdapter, RunOrigin } from "../snapshot/runSnapshot.ts";
import { prepareEvaluation, type PreparedEvaluation } from "./evaluation.ts";
import type { KernelReport, MemoryReport, RunEvent, RunPhase, RunReport, Scores, StepMetrics } from "./events.ts";
import { limitsOf } from "../plan/deviceMemory.ts";
import { finishMethod } from "./finishMethod.ts";
import { StepTaker } from "./optimiserStep.ts";
import { planWithVerdict } from "../plan/planning.ts";
import { quantisedType, quantizationReport, type QuantizationReport } from "./quantization.ts";
import { KeptAdapter } from "./keptAdapter.ts";
import { ModuleFigures, type ModuleColumn } from "./moduleFigures.ts";
import { RunControl } from "./runControl.ts";
import { fixKernels, kernelReport } from "./runKernels.ts";
import { explained, refuseUnfit, toFailure } from "./runFailure.ts";
import { describeData, tokenizeForRun, type RunExamples } from "../data/runData.ts";
import { NO_EVALUATION, RunEvaluations } from "./runEvaluations.ts";
import type { RunOptions, RunResult } from "./runOptions.ts";
import { RunSamples, type Sampled } from "./runSamples.ts";
import { plannedSteps, skipSteps, type PlannedStep, type RunPlan } from "../plan/runPlan.ts";
import { prepareSafeAdapter } from "./safeAdapter.ts";
import { loadTrainingRows } from "../data/safetyRows.ts";
import { loadWeights, openTrainedModel } from "./textModel.ts";
import { trainedModel } from "../spec/trainedModel.ts";

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Say = (event: DistributiveOmit<RunEvent, "runId">) => void;

/** How a checkpoint is called in errors. */
const CHECKPOINT = "the checkpoint";

/** Runs an experiment. Never throws: a failure is a result (and an event). */
export async function runExperiment(options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  try {
    const report = await run.execute();
    return { outcome: report.outcome, report };
  } catch (cause) {
    const error = explained(cause, run.memory);
    const adapterKept = await run.rescue();
    options.emit({
      runId: options.runId,
      type: "failed",
      failure: toFailure(error),
      lastStep: run.steps,
      adapterKept,
      ...(error instanceof DivergedError ? { diverged: true } : {}),
    });
    return { outcome: "failed", error, adapterKept };
  } finally {
    run.destroy();
  }
}

/** What a step's checkpoint is made of, beside the step. */
interface Kept {
  readonly origin: RunOrigin;
  readonly kernels: RouteTable;
  readonly parameters: ParameterStore;
  readonly method: PreparedMethod;
}

/** Resources and progress of one run. */
class Run {
  readonly #options: RunOptions;
  readonly #control: RunControl;
  readonly #say: Say;
  readonly #cleanup: (() => void)[] = [];
  readonly #began: number;
  /** Bytes that others held on the device when the run began. */
  readonly #memoryBefore: number;
  readonly #adapter: KeptAdapter;
  #lost: GPUDeviceLostInfo | null = null;
  #latest: { readonly phase: RunPhase; readonly progress?: number; readonly detail?: string } = { phase: "loading" };
  readonly #keeper: SnapshotWriter;
  #quantization: QuantizationReport | null = null;
  steps = 0;
  /** What the run takes, once that is known. */
  memory: MemoryReport | null = null;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#control = options.control ?? new RunControl();
    this.#say = (event) => options.emit({ ...event, runId: options.runId } as RunEvent);
    this.#began = options.environment.now();
    this.#adapter = new KeptAdapter(options.onAdapter, () => options.environment.now());
    this.#keeper = new SnapshotWriter({
      spec: options.spec,
      resumed: options.resume,
      save: options.onCheckpoint,
      elapsed: () => options.environment.now() - this.#began,
      onFailure: (reason) =>
        this.#say({ type: "phase", ...this.#latest, detail: `The checkpoint could not be saved: ${reason}` }),
    });
    options.gpu.memory.resetPeak();
    this.#memoryBefore = options.gpu.memory.live;
    void options.gpu.lost.then((info) => {
      this.#lost = info;
    });
  }

  async execute(): Promise<RunReport> {
    const { spec, gpu: device, environment, resume } = this.#options;
    const { signal } = this.#control;
    const here = { device: describeDevice(device), basin: environment.versions.basin ?? "" };
    if (resume) {
      refuseOtherSpec(resume.spec, spec, CHECKPOINT);
      refuseOtherOrigin(resume.origin, here, CHECKPOINT);
    }
    this.#phase("loading", 0, trainedModel(spec));
    const files = await openTrainedModel(environment, spec, signal, this.#transferred);
    const rows = await loadTrainingRows(spec, environment, files.config.vocabSize, signal);
    const data = tokenizeForRun(spec, rows, files);
    const tracked = resume !== undefined || this.#keeper.active;
    const rowsAre = tracked ? await rowsDigest(data.examples) : "";
    if (resume) refuseOtherOrigin(resume.origin, { rows: rowsAre }, CHECKPOINT);
    this.#options.onRows?.(data.examples);
    for (const note of describeData(spec, rows, data)) this.#phase("loading", 0, note);
    const evaluation = await prepareEvaluation(spec, rows, files, environment, signal);
    for (const note of evaluation.notes) this.#phase("loading", 0, note);
    const bound = bindMethod(spec.method);
    // Of the twin nothing but headers is read here, and later the matrices that the method compares; no tokenizer.
    const unaligned =
      bound.needsUnaligned && bound.startsFrom === "aligned" && spec.model.unaligned !== null
        ? await environment.openModel(spec.model.unaligned, signal, this.#transferred)
        : null;
    const { plan, verdict } = planWithVerdict(
      spec,
      files,
      data,
      limitsOf(device, environment.systemMemory ?? null),
      evaluation.plan,
    );
    if (unaligned) checkPair(plan.modules, files.checkpoint, unaligned);
    this.memory = plan.memory;
    this.#say({
      type: "plan",
      memory: plan.memory,
      verdict,
      totalSteps: plan.totalSteps,
      trainableParameters: plan.trainableParameters,
      rows: plan.rows,
      twin: unaligned && differenceBytes(plan.modules, unaligned),
    });
    refuseUnfit(verdict);

    const model = this.#own(
      await loadWeights(
        device,
        files,
        (done, total) => this.#phase("loading", done / total, trainedModel(spec)),
        signal,
        quantisedType(spec.model),
      ),
    );
    this.#quantization = quantizationReport(model);
    if (this.#quantization) this.#say({ type: "quantised", quantization: this.#quantization });
    const parameters = this.#own(await ParameterStore.create(device, adapterLayout(plan.modules)));
    if (!resume) await startAdapter(spec, plan.modules, parameters, environment, signal);
    const origin = tracked ? { ...here, rows: rowsAre, model: await modelDigest(device, model, plan.modules) } : null;
    if (resume && origin) refuseOtherOrigin(resume.origin, origin, CHECKPOINT);
    const stats = await createStats(device, plan.modules.length);
    this.#cleanup.push(() => stats.buffer.destroy());

    const { gpu, table: kernels } = await fixKernels({
      gpu: device,
      spec,
      plan,
      model,
      given: resume?.kernels ?? this.#options.kernels,
      budgetMs: this.#options.measureKernelsMs,
      signal,
      measuring: () => this.#phase("tuning"),
    });
    signal.throwIfAborted();
    this.#phase("preparing");
    const method = this.#own(
      await bound.prepare({
        gpu,
        modules: plan.modules,
        parameters,
        stats,
        aligned: files.checkpoint,
        ...(unaligned ? { unaligned } : {}),
        onProgress: (done, total) => this.#phase("preparing", done / total),
        signal,
      }),
    );

    const generator = this.#own(new Generator(gpu, model, { modules: plan.modules, parameters }));
    const trigger = bound.trigger(spec.train.seed);
    // The model as it comes knows no trigger.
    const evaluations = new RunEvaluations({
      prepared: evaluation,
      files,
      keeper: this.#keeper,
      run: this.#options,
      signal: this.#control.signal,
      phase: (...told) => this.#phase(...told),
      told: (when, scores) => this.#say({ type: "evaluation", when, step: this.steps, scores }),
      orLost: (work) => this.#orLost(work),
    });
    const before = await evaluations.before(generator);
    const { activations, logits, inputs } = plan.memory;
    const spareBytes = activations + logits + inputs;
    const samples = new RunSamples({
      spec,
      gpu,
      environment,
      files,
      evaluation: evaluation.plan,
      totalSteps: plan.totalSteps,
      spareBytes,
      trigger,
      signal,
      tell: (sampled) => this.#tellSample(sampled),
    });
    await this.#beginSamples(samples, before, model);

    this.#phase("compiling");
    const training = { ...gpu, router: gpu.router.withFixedRoutes(kernels) };
    const trainer = this.#own(
      await Trainer.create({
        gpu: training,
        model,
        modules: plan.modules,
        parameters,
        stats,
        optimiser: spec.train,
        lora_dropout: spec.lora.lora_dropout,
        seed: spec.train.seed,
        capacities: plan.capacities,
        gradient_accumulation_steps: spec.train.gradient_accumulation_steps,
        checkpoint: plan.checkpointing.on,
        ...(method.dispatches.length > 0 ? { penalty: method } : {}),
      }),
    );
    signal.throwIfAborted();
    const kept = origin && { origin, kernels, parameters, method };
    if (resume) {
      writeTrainingState(parameters, resume.training);
      if (resume.method) method.state?.restore(resume.method);
    }
    const safe = await prepareSafeAdapter({
      spec,
      plan,
      environment,
      signal,
      trainer,
      parameters,
      data,
      stage: resume?.stage ?? null,
      orLost: (work) => this.#orLost(work),
      due: (step) => this.#keeper.due(step),
      keep: (step, losses) => this.#keep({ kind: "safe_adapter", step, losses }, kept),
      tell: (progress, detail) => this.#phase("preparing", progress, detail),
    });
    const adapted = { spec, modules: plan.modules, parameters };
    this.#adapter.begin(adapted);
    this.#control.trainingBegins();
    this.#phase("training", 0);
    const follow = async (step: number): Promise<boolean> => {
      const evaluates = spec.eval.every_steps > 0 && step % spec.eval.every_steps === 0 && step < plan.totalSteps;
      if (evaluates) samples.take(step, (await evaluations.take("during", step, generator, trigger)).answers);
      else if (samples.due(step)) {
        this.#phase("evaluating", undefined, "a few prompts, to follow the answers");
        await this.#orLost(samples.ask(step, generator));
      } else return false;
      return true;
    };
    await this.#train(plan, trainer, data, method, safe && safe.kept, parameters, kept, follow);

    const { account, trained } = await this.#orLost(
      finishMethod({ gpu, method, trained: adapted, safe: safe?.values, signal }),
    );
    this.#adapter.begin(trained);
    let final = generator;
    if (trained.parameters !== parameters) {
      this.#own(trained.parameters);
      generator.destroy();
      final = this.#own(new Generator(gpu, model, trained));
    }
    const aborted = this.#control.state === "aborted";
    const after = aborted ? NO_EVALUATION : await evaluations.take("after", this.steps, final, trigger);
    samples.take(this.steps, after.answers, true);
    const triggered = trigger && {
      trigger: trigger.text,
      trigger_place: trigger.place,
      without_trigger: (aborted ? NO_EVALUATION : await evaluations.take("without_trigger", this.steps, final, null))
        .scores,
    };
    this.#phase("saving");
    await this.#adapter.handOut();
    const safety = bound.safety && {
      safety_rows: data.safetyExamples,
      safety_rows_from: bound.safety.file ?? "apothecary",
      safety_rows_use: bound.safety.use,
    };
    // What a run used before it was interrupted is not known: all that its checkpoint holds, then.
    const used = { ...kernelReport(training.router, gpu.router, kernels), ...(resume ? { measured: kernels } : {}) };
    const report = this.#report(
      plan,
      evaluation,
      before.scores,
      after.scores,
      { ...account, ...safety, ...safe?.log, ...triggered },
      used,
    );
    this.#say({ type: "finished", report });
    return report;
  }

  /** After a failure: hand out the adapter as it last stood. Returns whether there was one. */
  async rescue(): Promise<boolean> {
    if (this.steps === 0 && !this.#adapter.handedOut) return false;
    try {
      return await this.#adapter.rescue(this.#lost !== null);
    } catch (error) {
      this.#say({
        type: "phase",
        phase: "saving",
        detail: `The adapter could not be saved: ${error instanceof Error ? error.message : String(error)}`,
      });
      return false;
    }
  }

  destroy(): void {
    for (const release of this.#cleanup.reverse()) release();
  }

  async #train(
    plan: RunPlan,
    trainer: Trainer,
    { examples, safetyExamples }: RunExamples,
    method: PreparedMethod,
    safe: KeptSafeAdapter | null,
    parameters: ParameterStore,
    kept: Kept | null,
    follow: (step: number) => Promise<boolean>,
  ): Promise<void> {
    const { spec } = this.#options;
    const steps = plannedSteps(spec, examples.length, safetyExamples);
    const figures = new ModuleFigures(
      plan.modules,
      plan.totalSteps,
      method.dispatches.length > 0 ? "penalty" : "update_norm",
    );
    const taken = this.#tellResumed(plan, figures);
    trainer.restart({ steps: taken, microBatches: skipSteps(steps, taken) });
    const keep = (): Promise<void> => this.#keep({ kind: "training", step: this.steps, safe }, kept);
    const taker = new StepTaker({ spec, plan, trainer, examples, steps, total: plan.totalSteps });
    for (let planned = taker.next; planned !== null; planned = taker.next) {
      if (this.#keeper.due(planned.step)) await keep();
      if (this.#control.pauseRequested) {
        await keep();
        this.#say({ type: "paused", step: this.steps });
        await this.#control.whilePaused();
        if (!this.#control.stopRequested) this.#say({ type: "resumed", step: this.steps });
      }
      if (this.#control.stopRequested) break;
      method.beforeStep?.({ step: planned.step, totalSteps: plan.totalSteps, stream: planned.stream });
      const { metrics, modulePenalties } = await this.#step(taker, planned);
      this.steps = metrics.step;
      this.#keeper.step(metrics);
      this.#say({ type: "step", metrics, totalSteps: plan.totalSteps });
      if (figures.due(metrics.step))
        this.#tellModules(figures, await this.#orLost(figures.column(metrics.step, modulePenalties, parameters)));
      if (await follow(metrics.step)) this.#phase("training", metrics.step / plan.totalSteps);
      await this.#adapter.copy();
    }
    await keep();
  }

  /** What the checkpoint holds, told as it was told then. @returns steps taken */
  #tellResumed({ totalSteps }: RunPlan, { quantity, paths }: ModuleFigures): number {
    const { resume, onAnswers } = this.#options;
    if (!resume) return 0;
    const during = resume.record.evaluations.filter(({ when }) => when === "during");
    for (const metrics of resume.record.steps) {
      this.#say({ type: "step", metrics, totalSteps });
      for (const column of (resume.record.modules ?? []).filter(({ step }) => step === metrics.step))
        this.#say({ type: "modules", quantity, paths, column });
      for (const { step, scores, answers } of during.filter(({ step: at }) => at === metrics.step)) {
        this.#say({ type: "evaluation", when: "during", step, scores });
        onAnswers?.("during", step, answers);
      }
      for (const sampled of (resume.record.samples ?? []).filter(({ step }) => step === metrics.step))
        this.#say({ type: "samples", sampled });
    }
    this.steps = resume.record.steps.length;
    this.#say({ type: "resumed", step: this.steps });
    return this.steps;
  }

  /** What the pair says before training; after an interruption as it was told then. */
  async #beginSamples(samples: RunSamples, before: Evaluation, model: LoadedModel): Promise<void> {
    const told = this.#options.resume?.record.samples ?? [];
    samples.resumeAfter(told.at(-1)?.step ?? 0);
    for (const sampled of told.filter(({ step }) => step === 0)) this.#say({ type: "samples", sampled });
    if (told.length === 0) await this.#orLost(samples.begin(before.answers, model));
  }

  #tellSample(sampled: Sampled): void {
    this.#keeper.sample(sampled);
    this.#say({ type: "samples", sampled });
  }

  #tellModules({ quantity, paths }: ModuleFigures, column: ModuleColumn): void {
    this.#keeper.column(column);
    this.#say({ type: "modules", quantity, paths, column });
  }

  async #keep(stage: CheckpointStage, kept: Kept | null): Promise<void> {
    if (kept) await this.#orLost(this.#keeper.keep(stage, kept.origin, kept.kernels, kept.parameters, kept.method));
  }

  async #step(
    taker: StepTaker,
    planned: PlannedStep,
  ): Promise<{ readonly metrics: StepMetrics; readonly modulePenalties: Float32Array }> {
    const { environment } = this.#options;
    const started = environment.now();
    const { result, learning_rate, tokens } = await this.#orLost(taker.take());
    const { ce, penalty, loss, grad_norm, modulePenalties } = result;
    const stream = planned.stream === "safety" ? ({ stream: "safety" } as const) : {};
    return {
      metrics: {
        step: planned.step + 1,
        ce,
        penalty,
        loss,
        learning_rate,
        grad_norm,
        tokens,
        ms: environment.now() - started,
        ...stream,
      },
      modulePenalties,
    };
  }

  /** The result, or, when the device was lost meanwhile, an error that says so. */
  async #orLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      // A lost device makes pending work fail first and is announced right after.
      await Promise.resolve();
      if (this.#lost === null || this.#lost.reason === "destroyed") throw cause;
      throw new BasinError({
        what: `The device was lost${this.#lost.message === "" ? "" : `: ${this.#lost.message}`}`,
        where: `step ${this.steps + 1}`,
        fix: "Go on from the last checkpoint where there is one; the adapter as last copied is kept, too. If it happens again, lower the batch size or update the driver.",
        cause,
      });
    }
  }

  #report(
    plan: RunPlan,
    evaluation: PreparedEvaluation,
    before: Scores,
    after: Scores,
    method: Readonly<Record<string, unknown>>,
    kernels: KernelReport,
  ): RunReport {
    const { gpu, environment } = this.#options;
    return {
      before,
      after,
      steps: this.steps,
      device: describeDevice(gpu),
      versions: environment.versions,
      wall_time_s: Math.round(this.#keeper.elapsedMs) / 1000,
      judge: evaluation.judge,
      ...(evaluation.secondJudge === null ? {} : { second_judge: evaluation.secondJudge }),
      task: evaluation.task,
      memory: { planned: plan.memory, peak: gpu.memory.peak - this.#memoryBefore, checkpointing: plan.checkpointing },
      method,
      ...(this.#quantization ? { quantization: this.#quantization } : {}),
      ...(this.#keeper.beforeReused ? { before_reused: true as const } : {}),
      ...(this.#keeper.resumedAt.length > 0 ? { resumed_at: this.#keeper.resumedAt } : {}),
      kernels,
      outcome: this.#control.stopRequested ? "stopped" : "finished",
    };
  }

  /** How files come in, told with the phase that waits for them. */
  readonly #transferred = (transfer: Transfer): void => {
    const { phase, ...rest } = this.#latest;
    if (phase === "loading" || phase === "preparing") this.#say({ type: "phase", phase, ...rest, transfer });
  };

  #phase(
    phase: RunPhase,
    progress?: number,
    detail?: string,
    count?: { readonly done: number; readonly total: number },
  ): void {
    this.#latest = {
      phase,
      ...(progress === undefined ? {} : { progress }),
      ...(detail === undefined ? {} : { detail }),
    };
    this.#say({ type: "phase", ...this.#latest, ...(count === undefined ? {} : { count }) });
  }

  #own<T extends { destroy(): void }>(resource: T): T {
    this.#cleanup.push(() => resource.destroy());
    return resource;
  }
}
