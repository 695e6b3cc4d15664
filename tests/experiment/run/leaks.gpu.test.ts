/** @file A run that has ended leaves nothing behind: no object in the heap, no buffer on the device. */
import { expect, it } from "vitest";
import { RunControl } from "../../../src/experiment/run/runControl.ts";
import { Generator } from "../../../src/generate/generator.ts";
import { MOST_GRAPHS } from "../../../src/generate/generatorSizes.ts";
import { loadDemo } from "../../support/demo.ts";
import { collectGarbage } from "../../support/garbage.ts";
import { testGpu } from "../../support/gpu.ts";
import { recordRun } from "../../support/recordRun.ts";

it("runs on one device are freed, and so is their memory", async () => {
  const gpu = await testGpu();
  const live: number[] = [];
  const run = async (seed: number): Promise<WeakRef<RunControl>> => {
    const control = new RunControl();
    const { result } = await recordRun(
      {
        data: { train: { source: "apothecary", n: 8 } },
        method: { name: "sft" },
        lora: { r: 2 },
        train: { max_steps: 1, per_device_train_batch_size: 2, seed },
        eval: { harmful: { n: 1 }, task: null, benign: null, max_new_tokens: 2 },
      },
      { gpu, control },
    );
    expect(result.outcome).toBe("finished");
    live.push(gpu.memory.live);
    return new WeakRef(control);
  };
  const controls: WeakRef<RunControl>[] = [];
  for (let seed = 0; seed < 4; seed += 1) controls.push(await run(seed));
  await collectGarbage();
  expect(controls.map((control) => control.deref())).toEqual([undefined, undefined, undefined, undefined]);
  expect(new Set(live).size).toBe(1);
});

it("a generator that scores sequences of ever other lengths does not grow", async () => {
  const gpu = await testGpu();
  const model = await loadDemo(gpu);
  const generator = new Generator(gpu, model);
  const before = gpu.memory.live;
  // The largest first: what all sizes share has its size then.
  const lengths = Array.from({ length: MOST_GRAPHS + 8 }, (_, i) => MOST_GRAPHS + 10 - i);
  const live: number[] = [];
  for (const length of lengths) {
    await generator.score([Array.from({ length }, (_, i) => i + 3)]);
    live.push(gpu.memory.live);
  }
  expect(new Set(live.slice(MOST_GRAPHS - 1)).size).toBe(1);
  generator.destroy();
  expect(gpu.memory.live).toBe(before);
  model.destroy();
});
