/** @file A run in Node on the tests' device, with all that it said. */
import { nodeEnvironment } from "../../src/cli/environment.ts";
import type { RunEvent } from "../../src/experiment/run/events.ts";
import type { RunOptions, RunOutputs, RunResult } from "../../src/experiment/run/runOptions.ts";
import { runExperiment } from "../../src/experiment/run/runner.ts";
import { type SpecInput, resolveSpec } from "../../src/experiment/spec/spec.ts";
import type { Adapter } from "../../src/weights/adapterFile.ts";
import { testGpu } from "./gpu.ts";

export interface RecordedRun {
  readonly events: readonly RunEvent[];
  readonly adapters: readonly Adapter[];
  readonly result: RunResult;
}

export interface RecordOptions extends Omit<Partial<RunOptions>, "outputs"> {
  readonly outputs?: Omit<RunOutputs, "onEvent">;
}

/** @param onEvent called as each event comes, so that a test can act on the run */
export async function recordRun(
  input: SpecInput,
  options: RecordOptions = {},
  onEvent?: (event: RunEvent) => void,
): Promise<RecordedRun> {
  const events: RunEvent[] = [];
  const adapters: Adapter[] = [];
  const result = await runExperiment({
    runId: "test",
    spec: resolveSpec(input),
    gpu: options.gpu ?? (await testGpu()),
    environment: nodeEnvironment(),
    ...options,
    outputs: {
      onAdapter: (adapter) => void adapters.push(adapter),
      ...options.outputs,
      onEvent: (event) => {
        events.push(event);
        onEvent?.(event);
      },
    },
  });
  return { events, adapters, result };
}
