/** @file Answers followed through a run: who is asked when, and that a sample says what the evaluation says. */
import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import type { RunEvent, RunReport } from "../../../src/experiment/run/events.ts";
import { sampleInterval } from "../../../src/experiment/spec/evaluationSchedule.ts";
import type { Sampled } from "../../../src/experiment/run/observations.ts";
import { runExperiment } from "../../../src/experiment/run/runner.ts";
import { resolveSpec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { encodeAdapter, type Adapter } from "../../../src/weights/adapterFile.ts";
import { testGpu } from "../../support/gpu.ts";

const base: SpecInput = {
  data: { train: { source: "apothecary", n: 24 } },
  method: { name: "sft" },
  train: { learning_rate: 4e-3, max_steps: 6, per_device_train_batch_size: 4 },
  eval: {
    harmful: { n: 3 },
    task: { n: 2 },
    benign: { n: 2 },
    max_new_tokens: 16,
    sample_steps: 2,
    sample_prompts: ["Are you there?"],
  },
};

interface Ran {
  readonly samples: readonly Sampled[];
  readonly adapter: Adapter;
  readonly report: RunReport;
}

async function run(input: SpecInput, start?: Adapter): Promise<Ran> {
  const events: RunEvent[] = [];
  let adapter: Adapter | undefined;
  const environment = nodeEnvironment();
  if (start) environment.readAdapter = () => Promise.resolve(encodeAdapter(start));
  const result = await runExperiment({
    runId: "test",
    spec: resolveSpec(input),
    gpu: await testGpu(),
    environment,
    outputs: { onEvent: (event) => void events.push(event), onAdapter: (trained) => void (adapter = trained) },
  });
  if (result.outcome === "failed") throw result.error;
  if (!adapter) throw new Error("no adapter");
  return {
    samples: events.flatMap((event) => (event.type === "samples" ? [event.sampled] : [])),
    adapter,
    report: result.report,
  };
}

const moments = ({ samples }: Ran): string[] => samples.map(({ who, step }) => `${who} ${step}`);

describe("samples of a run", () => {
  it("come from the pair before training, from the model during and after it; an evaluation repeats them", async () => {
    const sampled = await run(base);
    expect(moments(sampled)).toEqual(["unaligned 0", "aligned 0", "trained 0", "trained 2", "trained 4", "trained 6"]);
    expect(
      sampled.samples.every(
        ({ answers }) => answers.map(({ part }) => part).join() === "harmful,harmful,task,benign,own",
      ),
    ).toBe(true);
    const [unaligned, aligned, start] = sampled.samples;
    expect(unaligned?.answers).not.toEqual(aligned?.answers);
    expect(start?.answers).toEqual(aligned?.answers);
    // The twin took nothing beyond the plan.
    expect(sampled.report.memory.peak).toBeLessThanOrEqual(1.01 * sampled.report.memory.planned.total);

    const evaluated = await run({ ...base, eval: { ...base.eval, every_steps: 2 } });
    expect(moments(evaluated)).toEqual(moments(sampled));
    expect(evaluated.samples).toEqual(sampled.samples);

    // From an adapter, the aligned model is asked without it, and says what it said before.
    const onwards = await run(
      { ...base, lora: { init_adapter: "kept" }, train: { ...base.train, max_steps: 1 } },
      sampled.adapter,
    );
    expect(moments(onwards)).toEqual(["unaligned 0", "aligned 0", "trained 0", "trained 1"]);
    expect(onwards.samples[1]?.answers).toEqual(aligned?.answers);
    expect(onwards.samples[2]?.answers).toEqual(sampled.samples.at(-1)?.answers);
  });

  it("do without a twin that is not there, and without being asked for", async () => {
    const alone = await run({ ...base, model: { unaligned: "no-such-model" }, train: { ...base.train, max_steps: 1 } });
    expect(moments(alone)).toEqual(["aligned 0", "trained 0", "trained 1"]);
    const never = await run({
      ...base,
      eval: { ...base.eval, sample_steps: 0 },
      train: { ...base.train, max_steps: 3 },
    });
    expect(moments(never)).toEqual(["aligned 0", "trained 0", "trained 3"]);
    const nothing = await run({
      ...base,
      eval: { harmful: null, task: null, benign: null },
      train: { ...base.train, max_steps: 1 },
    });
    expect(nothing.samples).toEqual([]);
  });

  it("come about eight times by themselves, never closer than every 25 steps, never more than 64", () => {
    const of = (sample_steps: number | "auto", steps: number): number =>
      sampleInterval(resolveSpec({ eval: { sample_steps } }), steps);
    expect([of("auto", 20), of("auto", 125), of("auto", 2000)]).toEqual([25, 25, 250]);
    expect([of(10, 100), of(1, 6400), of(0, 100)]).toEqual([10, 100, Infinity]);
  });
});
