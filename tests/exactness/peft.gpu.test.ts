/**
 * @file The command line against PEFT itself: a run's adapter loads in PEFT and gives the same log-probabilities, and
 * the whole run replayed with PyTorch gives the same losses and the same adapter. Skipped, with the reason in the
 * test's name, where there is no Python with torch, transformers and peft (set BASIN_PYTHON to one; python/README.md).
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type GoldenModel, goldenFolder, readGolden } from "./golden.ts";
import { TOLERANCE } from "./compare.ts";
import { findPython, finish, repository } from "./python.ts";

const search = await findPython();
const python = search.found ? search.python : "";
const when = search.found
  ? ""
  : ` (skipped: no Python with torch, transformers and peft; ${search.why}; set BASIN_PYTHON)`;
if (!search.found) console.warn(`The tests against PEFT are${when.replace(/^ \(|\)$/g, " ").trimEnd()}`);
/** Each starts four processes, and importing torch is slow on a busy machine. */
const TIMEOUT = 600_000;

/** `basin …` in a process of its own, as a user runs it. */
async function basin(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await finish(process.execPath, [join(repository, "bin/basin.mjs"), ...args]);
  expect(code, stderr).toBe(0);
  return stdout;
}

const CASES: readonly {
  readonly model: GoldenModel;
  readonly what: string;
  readonly changes: Record<string, unknown>;
}[] = [
  // A fresh adapter, shuffled rows, packed batches, dropout, accumulation, warm-up, clipping.
  {
    model: "qwen2",
    what: "all-linear",
    changes: {
      data: { shuffle: true, packing: true },
      lora: { r: 4, lora_alpha: 8, lora_dropout: 0.05, target_modules: "all-linear" },
      method: { name: "asft", lambda: 2 },
      train: {
        learning_rate: 5e-3,
        num_train_epochs: 2.5,
        per_device_train_batch_size: 4,
        gradient_accumulation_steps: 2,
        seed: 7,
        max_grad_norm: 1,
        lr_scheduler_type: "linear",
        warmup_steps: 3,
      },
    },
  },
  // Sharded f16, rsLoRA, a rank that is no multiple of 4, dropout on padded rows, an early end by max_steps.
  {
    model: "llama-odd",
    what: "rsLoRA",
    changes: {
      data: { shuffle: true, packing: false },
      lora: {
        r: 5,
        lora_alpha: 6,
        lora_dropout: 0.2,
        target_modules: ["q_proj", "v_proj", "down_proj"],
        use_rslora: true,
      },
      method: { name: "asft", lambda: 0.5, projector: "flat" },
      train: {
        learning_rate: 5e-3,
        max_steps: 9,
        per_device_train_batch_size: 7,
        seed: 3,
        weight_decay: 0.1,
        lr_scheduler_type: "cosine",
      },
    },
  },
  // Fused modules: their order numbers the dropout's streams, and V is that of the fused matrices.
  {
    model: "phi3",
    what: "fused modules",
    changes: {
      data: { shuffle: true, packing: true },
      lora: { r: 4, lora_alpha: 8, lora_dropout: 0.1, target_modules: "all-linear" },
      method: { name: "asft", lambda: 1 },
      train: {
        learning_rate: 5e-3,
        max_steps: 10,
        per_device_train_batch_size: 4,
        seed: 5,
        lr_scheduler_type: "constant",
      },
    },
  },
  {
    model: "phi3",
    what: "Safe LoRA on a fused module",
    changes: {
      data: { shuffle: false, packing: false },
      lora: { r: 4, lora_alpha: 8, lora_dropout: 0, target_modules: ["qkv_proj", "gate_up_proj"] },
      method: { name: "safe_lora", select: "number", num_proj_layers: 2 },
      train: {
        learning_rate: 5e-3,
        max_steps: 6,
        per_device_train_batch_size: 4,
        seed: 2,
        lr_scheduler_type: "constant",
      },
    },
  },
  // Ranks and alphas by module, with regular expressions as PEFT matches them.
  {
    model: "llama-tied",
    what: "ranks by module",
    changes: {
      data: { shuffle: true, packing: true },
      lora: {
        r: 3,
        lora_alpha: 6,
        lora_dropout: 0,
        target_modules: "all-linear",
        use_rslora: true,
        rank_pattern: { "layers\\.0\\..*_proj": 5, down_proj: 2 },
        alpha_pattern: { "^model.layers.1.self_attn.(q|k)_proj": 12 },
      },
      method: { name: "asft", lambda: 1 },
      train: {
        learning_rate: 5e-3,
        max_steps: 8,
        per_device_train_batch_size: 4,
        seed: 5,
        lr_scheduler_type: "constant",
      },
    },
  },
  // Windows, caps, norms after the blocks and two rotary embeddings, packed, with dropout.
  ...(["gemma2", "gemma3"] as const).map((model) => ({
    model,
    what: "windows",
    changes: {
      data: { shuffle: true, packing: true },
      lora: { r: 4, lora_alpha: 8, lora_dropout: 0.1, target_modules: ["q_proj", "v_proj", "up_proj"] },
      method: { name: "asft", lambda: 1 },
      train: {
        learning_rate: 5e-3,
        max_steps: 8,
        per_device_train_batch_size: 4,
        seed: 9,
        lr_scheduler_type: "constant",
      },
    },
  })),
];

describe.skipIf(!search.found)(`PEFT${when}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "basin-peft-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(CASES)(
    "$model, $what: a run's adapter loads in PEFT, and the run replays in PyTorch",
    async ({ model, what, changes }) => {
      const fixture = goldenFolder(model);
      const { data, ...rest } = changes;
      const spec = {
        ...rest,
        model: { aligned: `${fixture}/aligned`, unaligned: `${fixture}/unaligned` },
        data: { ...(data as object), train: { path: `${fixture}/rows.jsonl`, format: "tokens" } },
      };
      const out = join(folder, `${model} ${what}`);
      await writeFile(`${out}.json`, JSON.stringify(spec));
      await basin("run", `${out}.json`, "--out", out);

      const { scores } = await readGolden(model);
      const tokens = scores.plain.sequences.at(-1)?.tokens ?? [];
      await writeFile(
        `${out}-scores.json`,
        await basin(
          "score",
          "--model",
          `${fixture}/aligned`,
          "--adapter",
          `${out}/adapter`,
          "--tokens",
          tokens.join(","),
        ),
      );
      const check = await finish(python, [
        "python/check_adapter.py",
        "--model",
        `${fixture}/aligned`,
        "--adapter",
        `${out}/adapter`,
        "--scores",
        `${out}-scores.json`,
      ]);
      const checked = z
        .object({ largest_difference: z.number(), scores: z.array(z.unknown()) })
        .parse(JSON.parse(check.stdout));
      expect(checked.scores).toHaveLength(1);
      expect(checked.largest_difference).toBeLessThanOrEqual(TOLERANCE.logProbability);
      expect(check.code, check.stderr).toBe(0);
      expect(check.stderr).not.toContain("B is all zero");

      const replay = await finish(python, ["python/replay.py", out, "--quiet"]);
      const summary = z
        .object({
          steps: z.int(),
          largest_difference: z.record(z.string(), z.number()),
          largest_update_error: z.number(),
          agrees: z.boolean(),
        })
        .parse(JSON.parse(replay.stdout));
      console.log(
        `${model}, ${what}: log-probabilities ` +
          `${checked.largest_difference.toExponential(1)}, replay ` +
          `${replay.stdout.trim()}`,
      );
      expect(replay.code, replay.stderr).toBe(0);
      const metrics = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
      expect(summary.steps).toBe(metrics.length);
      expect(summary.largest_difference["loss"]).toBeLessThanOrEqual(TOLERANCE.loss);
      expect(summary.largest_update_error).toBeLessThanOrEqual(0.02);
    },
    TIMEOUT,
  );

  it.each(["qwen2", "phi3", "gemma2"] as const)(
    "%s merged, in shards, loads in transformers with the same log-probabilities",
    async (model) => {
      const base = `${goldenFolder(model)}/aligned`;
      const adapter = `${goldenFolder(model)}/adapters/all-random`;
      const { scores } = await readGolden(model);
      const tokens = (scores.plain.sequences.at(-1)?.tokens ?? []).join(",");
      const beside = await basin("score", "--model", base, "--adapter", adapter, "--tokens", tokens);
      // float32: nothing is rounded. As stored: each weight is rounded once, so that the merged model has scores of its
      // own.
      for (const dtype of [["--dtype", "float32"], []]) {
        const merged = join(folder, `${model} merged ${dtype.join("")}`);
        await basin(
          "merge",
          "--model",
          base,
          "--adapter",
          adapter,
          "--out",
          merged,
          "--max-shard-size",
          "100KB",
          ...dtype,
        );
        const file = `${merged}.json`;
        await writeFile(file, dtype.length > 0 ? beside : await basin("score", "--model", merged, "--tokens", tokens));
        const check = await finish(python, ["python/check_adapter.py", "--model", merged, "--scores", file]);
        expect(check.code, check.stderr).toBe(0);
        const { largest_difference } = z.object({ largest_difference: z.number() }).parse(JSON.parse(check.stdout));
        console.log(`${model} merged ${dtype.join(" ")}: log-probabilities ${largest_difference.toExponential(1)}`);
      }
    },
    TIMEOUT,
  );

  it(
    "the check fails for scores of another adapter",
    async () => {
      const fixture = goldenFolder("qwen2");
      const { scores } = await readGolden("qwen2");
      const file = join(folder, "other.json");
      // Scores of the bare model against the model with an adapter.
      await writeFile(file, JSON.stringify(scores.plain.sequences));
      const other = await finish(python, [
        "python/check_adapter.py",
        "--model",
        `${fixture}/aligned`,
        "--adapter",
        `${fixture}/adapters/all-random`,
        "--scores",
        file,
      ]);
      expect(other.code, other.stderr).toBe(1);
    },
    TIMEOUT,
  );
});
