/**
 * @file Adapters that PEFT made (python/fixtures/adapters.py): ranks and alphas by module, rsLoRA, half precision, one
 * layer only, a bare state dict. Applied beside the weights and merged into them, they give PEFT's log-probabilities.
 * With a Python at hand (BASIN_PYTHON) transformers loads the merged folder as well.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Gpu } from "../../src/engine/device.ts";
import { uploadAdapter } from "../../src/experiment/run/textModel.ts";
import { Generator } from "../../src/generate/generator.ts";
import type { AdapterOnDevice } from "../../src/model/lora.ts";
import { parseConfig } from "../../src/model/families.ts";
import { type LoadedModel, loadModel } from "../../src/model/loadModel.ts";
import { type Adapter, decodeAdapter } from "../../src/weights/adapterFile.ts";
import { type Checkpoint, openCheckpoint } from "../../src/weights/checkpoint.ts";
import { nodeFolderSink } from "../../src/weights/folderSink.node.ts";
import { mergeModel } from "../../src/weights/mergeModel.ts";
import { nodeFolderSource } from "../../src/weights/nodeFolder.node.ts";
import { testGpu } from "../support/gpu.ts";
import { TOLERANCE, Tally, largestDifference } from "./compare.ts";
import { openGolden } from "./golden.ts";
import { findPython, finish } from "./python.ts";

const NAMES = ["ranks", "layers", "state"] as const;

const folder = new URL("../fixtures/adapters/imports/", import.meta.url);
const lists = z.array(z.array(z.number()));
const schema = z.object({
  sequences: lists,
  cases: z.record(z.string(), z.object({ adapted: lists, merged: lists, bf16: lists })),
});

async function imported(name: string): Promise<Adapter> {
  const file = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await readFile(new URL(`${name}/${path}`, folder)));
  return decodeAdapter(
    {
      "adapter_config.json": await file("adapter_config.json"),
      "adapter_model.safetensors": await file("adapter_model.safetensors"),
    },
    name,
  );
}

let gpu: Gpu;
let base: Checkpoint;
let model: LoadedModel;
let out: string;
let expected: z.output<typeof schema>;
const tally = new Tally("adapters of PEFT: largest difference of a log-probability");
const search = await findPython();

beforeAll(async () => {
  gpu = await testGpu();
  base = await openGolden("qwen2", "aligned");
  model = await loadModel(gpu, parseConfig(base.config), base, { name: "qwen2" });
  out = await mkdtemp(join(tmpdir(), "basin-merged-"));
  expected = schema.parse(JSON.parse(await readFile(new URL("expected.json", folder), "utf8")));
});
afterAll(async () => {
  model.destroy();
  await rm(out, { recursive: true });
});

async function score(loaded: LoadedModel, adapter?: AdapterOnDevice): Promise<number[][]> {
  const generator = new Generator(gpu, loaded, adapter);
  const scores = await generator.score(expected.sequences);
  generator.destroy();
  return scores;
}

describe.each(NAMES)("%s", (name) => {
  it("gives PEFT's log-probabilities beside the weights, and merged into them", async () => {
    const golden = expected.cases[name];
    if (!golden) throw new Error("fixture");
    const adapter = await imported(name);
    const onDevice = await uploadAdapter(gpu, model.config, adapter, name);
    const adapted = await score(model, onDevice);
    onDevice.parameters.destroy();
    expect(tally.add(name, "adapted", largestDifference(adapted.flat(), golden.adapted.flat()))).toBeLessThanOrEqual(
      TOLERANCE.logProbability,
    );

    for (const [dtype, numbers] of [
      ["F32", golden.merged],
      ["BF16", golden.bf16],
    ] as const) {
      const target = join(out, `${name}-${dtype}`);
      await mergeModel({ checkpoint: base, adapter, sink: nodeFolderSink(target), dtype, maxShardBytes: 40_000 });
      const merged = await openCheckpoint(nodeFolderSource(target));
      const loaded = await loadModel(gpu, parseConfig(merged.config), merged);
      const scores = await score(loaded);
      loaded.destroy();
      expect(tally.add(name, `merged ${dtype}`, largestDifference(scores.flat(), numbers.flat()))).toBeLessThanOrEqual(
        TOLERANCE.logProbability,
      );
      if (dtype === "F32")
        expect(largestDifference(scores.flat(), adapted.flat())).toBeLessThanOrEqual(TOLERANCE.logProbability);
    }
  });

  const skipped = search.found ? "" : ` (skipped: ${search.why}; set BASIN_PYTHON)`;
  it(`loads in transformers with the same log-probabilities${skipped}`, async (context) => {
    if (!search.found) return context.skip(search.why);
    for (const dtype of ["F32", "BF16"]) {
      for (const [index, tokens] of expected.sequences.entries()) {
        const { code, stdout, stderr } = await finish(search.python, [
          "python/check_adapter.py",
          "--model",
          join(out, `${name}-${dtype}`),
          "--tokens",
          tokens.join(","),
        ]);
        expect(code, stderr).toBe(0);
        const theirs =
          z.object({ scores: z.array(z.object({ token_logprobs: z.array(z.number()) })) }).parse(JSON.parse(stdout))
            .scores[0]?.token_logprobs ?? [];
        const want = dtype === "F32" ? expected.cases[name]?.adapted : expected.cases[name]?.bf16;
        expect(
          tally.add(name, `transformers ${dtype}`, largestDifference(theirs, want?.[index] ?? [])),
        ).toBeLessThanOrEqual(TOLERANCE.logProbability);
        if (index === 0 && dtype === "BF16") break;
      }
    }
  }, 600_000);
});
