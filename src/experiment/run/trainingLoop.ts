/**
 * @file The optimiser steps of a run, and what happens between two of them, always in this order:
 *
 *     snapshot if due ▸ pause ▸ stop ▸ the method's turn ▸ step
 *     ▸ record ▸ figures per module ▸ evaluation or samples ▸ copy of the adapter
 *
 * After the last step there is one more pause, before whatever comes after training.
 */
import type { PreparedMethod } from "../../methods/stages.ts";
import { StepRunner } from "../../train/stepRunner.ts";
import type { Trainer } from "../../train/trainer.ts";
import { plannedSteps, skipSteps, type PlannedStep } from "../plan/runPlan.ts";
import type { TrainedSafeAdapter } from "../snapshot/runSnapshot.ts";
import type { StepMetrics } from "./events.ts";
import { ModuleFigures } from "./moduleFigures.ts";
import type { EvaluatedRun } from "./phases/evaluateBefore.ts";
import { reportRecorded } from "./reportRecorded.ts";
import type { RunContext } from "./runContext.ts";

interface Taken {
  readonly metrics: StepMetrics;
  /** The penalty of each module, in module order. */
  readonly modulePenalties: Float32Array;
}

export class TrainingLoop {
  readonly #run: RunContext;
  readonly #state: EvaluatedRun;
  readonly #steps: StepRunner<PlannedStep>;
  readonly #figures: ModuleFigures;
  readonly #safe: TrainedSafeAdapter | null;

  /** @param safe the second adapter, where this run has trained one: later snapshots hold it */
  constructor(run: RunContext, state: EvaluatedRun, trainer: Trainer, safe: TrainedSafeAdapter | null) {
    const { spec } = run;
    const {
      plan,
      method,
      data: { examples, safetyExamples },
    } = state;
    this.#run = run;
    this.#state = state;
    this.#safe = safe;
    this.#figures = new ModuleFigures(plan.modules, plan.totalSteps, quantityOf(method));
    const steps = plannedSteps(spec, examples.length, safetyExamples);
    run.steps = reportRecorded(run, plan.totalSteps, this.#figures);
    trainer.restart({ steps: run.steps, microBatches: skipSteps(steps, run.steps) });
    this.#steps = new StepRunner({
      trainer,
      examples,
      steps,
      totalSteps: plan.totalSteps,
      schedule: spec.train,
      packing: spec.data.packing,
      capacities: plan.capacities,
    });
  }

  /** Takes the steps that are left, until the last one or a stop. */
  async run(): Promise<void> {
    for (let step = this.#steps.next; step !== null; step = this.#steps.next) {
      await this.#beforeStep(step);
      if (this.#run.control.stopRequested) break;
      await this.#afterStep(await this.#take(step));
    }
    // Requested during the last step: the evaluation after training waits.
    await this.#pauseIfRequested();
    await this.#save();
  }

  async #beforeStep({ step }: PlannedStep): Promise<void> {
    if (this.#run.snapshots.due(step)) await this.#save();
    await this.#pauseIfRequested();
  }

  async #pauseIfRequested(): Promise<void> {
    const { control } = this.#run;
    if (!control.pauseRequested) return;
    await this.#save();
    this.#run.emit({ type: "paused", step: this.#run.steps });
    await control.untilResumed();
    if (!control.stopRequested) this.#run.emit({ type: "resumed", step: this.#run.steps });
  }

  async #take({ step, stream }: PlannedStep): Promise<Taken> {
    const { method, plan } = this.#state;
    const { environment } = this.#run;
    method.steps?.before({ step, totalSteps: plan.totalSteps, stream });
    const started = environment.now();
    const { result, learning_rate, tokens } = await this.#run.orLost(this.#steps.take());
    const { ce, penalty, loss, grad_norm, modulePenalties } = result;
    const ms = environment.now() - started;
    const metrics = { step: step + 1, ce, penalty, loss, learning_rate, grad_norm, tokens, ms };
    return { metrics: stream === "safety" ? { ...metrics, stream } : metrics, modulePenalties };
  }

  async #afterStep({ metrics, modulePenalties }: Taken): Promise<void> {
    const run = this.#run;
    const { totalSteps } = this.#state.plan;
    const { step } = metrics;
    run.steps = step;
    run.snapshots.addStep(metrics);
    run.emit({ type: "step", metrics, totalSteps });
    if (this.#figures.due(step)) await this.#reportModules(step, modulePenalties);
    if (await this.#observe(step)) run.phase("training", step / totalSteps);
    await run.adapter.copyIfDue();
  }

  async #reportModules(step: number, penalties: Float32Array): Promise<void> {
    const { quantity, paths } = this.#figures;
    const column = await this.#run.orLost(this.#figures.column(step, penalties, this.#state.parameters));
    this.#run.snapshots.addColumn(column);
    this.#run.emit({ type: "modules", quantity, paths, column });
  }

  /** Evaluates the model or samples a few answers, where that is due. @returns whether it was */
  async #observe(step: number): Promise<boolean> {
    const { spec } = this.#run;
    const { plan, generator, trigger, evaluations, samples } = this.#state;
    const { every_steps } = spec.eval;
    if (every_steps > 0 && step % every_steps === 0 && step < plan.totalSteps) {
      const { answers } = await evaluations.take("during", step, generator, trigger);
      samples.take(step, answers);
      return true;
    }
    if (!samples.due(step)) return false;
    this.#run.phase("evaluating", undefined, "answers to the sample prompts");
    await this.#run.unlessAborted(this.#run.orLost(samples.ask(step, generator)), undefined);
    return true;
  }

  async #save(): Promise<void> {
    const { snapshots, steps } = this.#run;
    await this.#run.orLost(snapshots.save({ kind: "training", step: steps, safe: this.#safe }));
  }
}

function quantityOf({ penalty }: PreparedMethod): ModuleFigures["quantity"] {
  return penalty === null ? "update_norm" : "penalty";
}
