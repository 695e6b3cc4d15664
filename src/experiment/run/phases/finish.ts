/** @file Phase 6: the method's edit of the trained adapter, if it has one, and its account of what it did. */
import { Generator } from "../../../generate/generator.ts";
import type { MethodLog } from "../../../methods/stages.ts";
import { finishMethod } from "../finishMethod.ts";
import type { RunContext } from "../runContext.ts";
import type { TrainedRun } from "./train.ts";

export interface FinishedRun extends TrainedRun {
  /** What the method says about the run, for the report. */
  readonly account: MethodLog;
}

/** @returns the run with the adapter as the method left it, and a generator of that */
export async function finish(run: RunContext, state: TrainedRun): Promise<FinishedRun> {
  const { gpu, model, parameters, generator } = state;
  const { account, trained } = await run.orLost(finishMethod(run, state));
  run.adapter.track(trained);
  if (trained.parameters === parameters) return { ...state, account, trained };
  run.own(trained.parameters);
  generator.destroy();
  return { ...state, account, trained, generator: run.own(new Generator(gpu, model, trained)) };
}
