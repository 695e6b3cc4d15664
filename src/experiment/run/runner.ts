/**
 * @file One experiment from its spec to its report, phase by phase (phases/). What a phase returns is what the next one
 * takes.
 *
 * The runner knows neither Node nor the page: what it reads comes through `RunEnvironment`, what it reports goes out as
 * `RunEvent`s, and the adapter as values. Whatever happens after the first step, the adapter as it last stood is
 * delivered: a loss that is not a number leaves the adapter of the step before it, a lost device the last copy that the
 * host took. With `onSnapshot` the run can also be resumed (snapshot/runSnapshot.ts), and then gives the numbers of a
 * run that was never interrupted.
 */
import { DivergedError } from "../../base/error.ts";
import type { RunReport } from "./events.ts";
import { evaluateAfter } from "./phases/evaluateAfter.ts";
import { evaluateBefore } from "./phases/evaluateBefore.ts";
import { finish } from "./phases/finish.ts";
import { load } from "./phases/load.ts";
import { plan } from "./phases/plan.ts";
import { prepare } from "./phases/prepare.ts";
import { report } from "./phases/report.ts";
import { train } from "./phases/train.ts";
import { RunContext } from "./runContext.ts";
import { explained, toFailure } from "./runFailure.ts";
import type { RunOptions, RunResult } from "./runOptions.ts";

/** Runs an experiment. Never throws: a failure is a result (and an event). */
export async function runExperiment(options: RunOptions): Promise<RunResult> {
  const run = new RunContext(options);
  try {
    const written = await execute(run);
    return { outcome: written.outcome, report: written };
  } catch (cause) {
    const error = explained(cause, run.memory);
    const adapterKept = await run.rescueAdapter();
    run.emit({
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

async function execute(run: RunContext): Promise<RunReport> {
  const loaded = await load(run);
  const planned = plan(run, loaded);
  const prepared = await prepare(run, planned);
  const evaluated = await evaluateBefore(run, prepared);
  const trained = await train(run, evaluated);
  const finished = await finish(run, trained);
  const scored = await evaluateAfter(run, finished);
  return report(run, scored);
}
