/** @file The exported folder: its files, and that rows and order are those that the runner trains on. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nodeEnvironment } from "../../../src/cli/environment.ts";
import { modelSource } from "../../../src/cli/paths.ts";
import { exportPython, type PythonExport } from "../../../src/experiment/replay/pythonExport.ts";
import { plannedSteps } from "../../../src/experiment/plan/runPlan.ts";
import { resolveSpec, type Spec, type SpecInput } from "../../../src/experiment/spec/spec.ts";
import { trainRows } from "../../../src/text/apothecary/index.ts";
import { tokenizeRow } from "../../../src/text/tokenize.ts";
import { demoFolder, demoTokenizer } from "../../support/demo.ts";

const PYTHON = fileURLToPath(new URL("../../../python", import.meta.url));
const SMALL: SpecInput = {
  data: { train: { source: "apothecary", task: "sums", n: 12, harmful_ratio: 0.25 } },
  train: { num_train_epochs: 1.5, per_device_train_batch_size: 4 },
};

interface OrderLine {
  readonly step: number;
  readonly epoch: number;
  readonly stream: string;
  readonly micro_batches: readonly (readonly number[])[];
}

function exported(spec: Spec): Promise<PythonExport> {
  return exportPython({
    spec,
    environment: nodeEnvironment(),
    placeOf: (name) => ({ kind: "copied", source: modelSource(name) }),
  });
}

function text({ files }: PythonExport, path: string): string {
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`${path} is not there`);
  return new TextDecoder().decode(bytes);
}

function lines<T>(made: PythonExport, path: string): T[] {
  return text(made, path)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

describe("exportPython", () => {
  it("writes every file of python/export, as it stands there", async () => {
    const made = await exported(resolveSpec(SMALL));
    const templates = readdirSync(join(PYTHON, "export"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".pyc"))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(PYTHON, "export").length + 1));
    expect(templates.length).toBeGreaterThan(9);
    for (const path of templates)
      expect(text(made, path), path).toBe(readFileSync(join(PYTHON, "export", path), "utf8"));
    expect(text(made, "basin_random.py")).toBe(readFileSync(join(PYTHON, "basin_random.py"), "utf8"));
    // Every module that the scripts import comes along.
    for (const path of templates.filter((name) => name.endsWith(".py"))) {
      for (const [, name = ""] of text(made, path).matchAll(/^(?:from|import) (\w+)/gm)) {
        if (existsSync(join(PYTHON, "export", `${name}.py`)) || existsSync(join(PYTHON, `${name}.py`)))
          expect([...made.files.keys()]).toContain(`${name}.py`);
      }
    }
    expect(made.files.has("quantisation.py")).toBe(false);
    expect(
      (await exported(resolveSpec({ ...SMALL, model: { quantization: "nf4" } }))).files.has("quantisation.py"),
    ).toBe(true);
  });

  it("has the spec with every default, and rows and order as the runner takes them", async () => {
    const spec = resolveSpec(SMALL);
    const made = await exported(spec);
    expect(resolveSpec(JSON.parse(text(made, "spec.json")))).toEqual(spec);
    const tokenizer = await demoTokenizer();
    const rows = trainRows({ task: "sums", n: 12, harmful_ratio: 0.25, seed: spec.train.seed }).map((row) =>
      tokenizeRow(row, tokenizer),
    );
    expect(lines(made, "rows.jsonl")).toEqual(
      rows.map(({ input_ids, labels }) => ({ input_ids: [...input_ids], labels: [...labels] })),
    );
    const order = lines<OrderLine>(made, "order.jsonl");
    expect(order).toHaveLength(5);
    expect(order.every(({ stream }) => stream === "user")).toBe(true);
    expect(order.map(({ step, epoch }) => [step, epoch])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 1],
      [5, 1],
    ]);
    expect(order.map(({ micro_batches }) => micro_batches)).toEqual(
      [...plannedSteps(spec, 12)].map(({ microBatches }) => microBatches),
    );
    expect([made.rows, made.steps]).toEqual([12, 5]);
  });

  it("brings the bundled pair along, and names the modules with ranks and scales", async () => {
    const made = await exported(resolveSpec(SMALL));
    const facts = JSON.parse(text(made, "export.json")) as { models: unknown; modules: unknown[] };
    expect(facts.models).toEqual({ aligned: "models/apothecary-aligned", unaligned: "models/apothecary-base" });
    expect(facts.modules).toHaveLength(8);
    expect(facts.modules[0]).toMatchObject({ path: "model.layers.0.self_attn.q_proj", r: 8, scale: 4 });
    for (const model of ["apothecary-aligned", "apothecary-base"] as const) {
      const bytes = made.files.get(`models/${model}/model.safetensors`) ?? new Uint8Array();
      expect(readFileSync(join(demoFolder(model), "model.safetensors")).equals(bytes)).toBe(true);
    }
  });

  it("has the safety rows of methods that add rows", async () => {
    for (const method of [
      { name: "safe_instr", amount: "count", safety_count: 3 },
      { name: "bea", safety_count: 3 },
    ] as const) {
      const made = await exported(resolveSpec({ ...SMALL, method }));
      expect(lines(made, "rows.jsonl"), method.name).toHaveLength(15);
      const used = new Set(
        lines<OrderLine>(made, "order.jsonl")
          .filter(({ epoch }) => epoch === 0)
          .flatMap(({ micro_batches }) => micro_batches.flat()),
      );
      expect(used.size).toBe(15);
    }
  });

  it("has the steps of Lisa's two states, and the model that it starts from", async () => {
    const made = await exported(
      resolveSpec({
        ...SMALL,
        method: { name: "lisa", alignment_steps: 1, user_steps: 2, safety_count: 6, start_from: "base" },
      }),
    );
    const order = lines<OrderLine>(made, "order.jsonl");
    expect(order.map(({ stream }) => stream)).toEqual(["safety", "user", "user", "safety", "user"]);
    for (const { stream, micro_batches } of order)
      expect(micro_batches.flat().every((row) => row >= 12 === (stream === "safety"))).toBe(true);
    expect(JSON.parse(text(made, "export.json"))).toMatchObject({ trained: "unaligned" });
    // Plain fine-tuning needs no twin, so none comes along.
    const plain = await exported(resolveSpec({ ...SMALL, method: { name: "sft" } }));
    expect(JSON.parse(text(plain, "export.json"))).toMatchObject({
      trained: "aligned",
      models: { aligned: "models/apothecary-aligned", unaligned: "apothecary-base" },
    });
    expect(plain.files.has("models/apothecary-base/config.json")).toBe(false);
  });

  it("has the steps of the safe adapter that SafeMERGE trains first", async () => {
    const made = await exported(
      resolveSpec({ ...SMALL, method: { name: "safe_merge", safety_count: 6, safe_epochs: 2 } }),
    );
    const order = lines<OrderLine>(made, "safe_order.jsonl");
    expect(order.flatMap(({ micro_batches }) => micro_batches.flat()).sort((a, b) => a - b)).toEqual([
      12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17,
    ]);
    expect(lines(made, "rows.jsonl")).toHaveLength(18);
    expect((JSON.parse(text(made, "export.json")) as { modules: unknown[] }).modules[0]).toMatchObject({
      scale: 4,
      safe_scale: 4,
    });
  });

  it("says that exact dropout has to be asked for", async () => {
    expect((await exported(resolveSpec({ ...SMALL, lora: { lora_dropout: 0.1 } }))).notes.join(" ")).toContain(
      "--dropout basin",
    );
    expect((await exported(resolveSpec({ ...SMALL, lora: { lora_dropout: 0 } }))).notes.join(" ")).not.toContain(
      "--dropout basin",
    );
  });
});
