/** @file The spec: defaults, what depends on what, and the words of every error. */

import { describe, expect, it } from "vitest";
import { BasinError } from "../../../src/base/error.ts";
import { presets } from "../../../src/experiment/spec/presets.ts";
import { checkSpec, resolveSpec } from "../../../src/experiment/spec/spec.ts";
import { fieldHelp, helpFor } from "../../../src/experiment/spec/specHelp.ts";
import { parseSpecJson } from "../../../src/experiment/spec/specJson.ts";

function errorOf(action: () => unknown): BasinError {
  try {
    action();
  } catch (error) {
    if (error instanceof BasinError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("defaults", () => {
  it("are those of PEFT and the AsFT paper", () => {
    expect(resolveSpec({})).toEqual({
      version: 1,
      model: {
        aligned: "apothecary-aligned",
        unaligned: "apothecary-base",
        quantization: null,
        bnb_4bit_use_double_quant: false,
      },
      data: {
        train: { source: "apothecary", task: "topic", n: 1000, harmful_ratio: 0.1 },
        selection: { max_rows: null, validation_split: 0, deduplicate: false, shuffle_seed: null },
        max_length: 512,
        too_long: "truncate",
        bad_rows: "error",
        append_eos: false,
        packing: true,
        shuffle: true,
      },
      lora: {
        r: 8,
        lora_alpha: 32,
        lora_dropout: 0.05,
        target_modules: ["q_proj", "v_proj"],
        use_rslora: false,
        rank_pattern: {},
        alpha_pattern: {},
        init_adapter: null,
      },
      method: { name: "asft", lambda: 1, projector: "safe_lora", rank: 4, penalty_scale: "ba" },
      train: {
        learning_rate: 5e-5,
        num_train_epochs: 10,
        max_steps: -1,
        per_device_train_batch_size: 8,
        gradient_accumulation_steps: 1,
        lr_scheduler_type: "step_per_epoch",
        lr_gamma: 0.85,
        warmup_steps: 0,
        weight_decay: 0,
        max_grad_norm: 0,
        adam_beta1: 0.9,
        adam_beta2: 0.999,
        gradient_checkpointing: "auto",
        memory_budget_gb: null,
        save_steps: 50,
        adam_epsilon: 1e-8,
        seed: 42,
      },
      eval: {
        harmful: { source: "apothecary", n: 100, judge: { kind: "apothecary_rules" }, second_judge: null },
        task: { source: "apothecary", task: "topic", n: 100 },
        benign: { source: "apothecary", n: 50 },
        every_steps: 0,
        sample_steps: "auto",
        sample_prompts: [],
        max_new_tokens: 48,
        batch_size: 25,
        seed: 0,
      },
    });
  });

  it("evaluate nothing of the apothecary world when the rows are a file's, unless asked", () => {
    const file = { train: { path: "rows.jsonl", format: "tokens" } };
    expect(resolveSpec({ data: file }).eval).toMatchObject({ harmful: null, task: null, benign: null });
    expect(resolveSpec({ data: file, eval: { task: { task: "sums", n: 7 } } }).eval.task).toEqual({
      source: "apothecary",
      task: "sums",
      n: 7,
    });
    expect(resolveSpec({ eval: { harmful: null } }).eval).toMatchObject({ harmful: null, benign: { n: 50 } });
  });

  it("examine the task that is trained", () => {
    expect(
      resolveSpec({ data: { train: { source: "apothecary", task: "sums" } }, eval: { task: { n: 5 } } }).eval.task,
    ).toEqual({ source: "apothecary", task: "sums", n: 5 });
  });

  it("examine held-out rows where there are some", () => {
    const data = { train: { path: "rows.jsonl" }, selection: { validation_split: 0.1 } };
    expect(resolveSpec({ data }).eval.task).toEqual({ source: "held_out", kind: "auto", n: 100 });
    expect(resolveSpec({ data, eval: { task: null } }).eval.task).toBeNull();
    expect(
      resolveSpec({ data, eval: { task: { source: "file", path: "test.jsonl", match: "first" } } }).eval.task,
    ).toEqual({ source: "file", path: "test.jsonl", kind: "auto", n: 100, match: "first", format: "auto" });
    expect(
      resolveSpec({ data, eval: { task: { source: "hub", repo: "openai/gsm8k", config: "main" } } }).eval.task,
    ).toMatchObject({ split: "test" });
  });

  it("tell a source by the fields: a path is a file, a repo the hub", () => {
    const spec = resolveSpec({
      data: { train: { repo: "openai/gsm8k" } },
      eval: { task: { path: "test.jsonl" }, harmful: { path: "harmful.txt" } },
      method: { name: "sft" },
    });
    expect(spec.data.train).toMatchObject({ source: "hub", repo: "openai/gsm8k" });
    expect(spec.eval.task).toMatchObject({ source: "file", path: "test.jsonl" });
    expect(spec.eval.harmful).toMatchObject({ source: "file", path: "harmful.txt" });
    // A path of the training rows has never needed one, and is stored as it was.
    expect(resolveSpec({ data: { train: { path: "a.jsonl" } } }).data.train).not.toHaveProperty("source");
  });

  it("resolve to themselves", () => {
    for (const input of [
      {},
      { data: { train: { path: "a", format: "chat" } }, method: { name: "sft" } },
      ...presets.map(({ spec }) => spec),
    ]) {
      const spec = resolveSpec(input);
      expect(resolveSpec(spec)).toEqual(spec);
      expect(resolveSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    }
  });

  it("give no unaligned model to a folder, and the method that needs one says so", () => {
    expect(resolveSpec({ model: { aligned: "models/a" }, method: { name: "sft" } }).model.unaligned).toBeNull();
    expect(
      resolveSpec({ model: { aligned: "models/a" }, method: { name: "asft", projector: "none" } }).model.unaligned,
    ).toBeNull();
    const error = errorOf(() => resolveSpec({ model: { aligned: "models/a" } }, "s.json"));
    expect(error.where).toBe("s.json: model.unaligned");
    expect(error.what).toContain("asft");
  });
});

describe("problems", () => {
  const cases: [string, unknown, string, string, string][] = [
    [
      "a misspelt field",
      { train: { learning_rat: 1 } },
      "spec: train.learning_rat",
      '"learning_rat"',
      '"learning_rate"',
    ],
    ["a misspelt group", { trian: {} }, "spec: trian", '"trian"', '"train"'],
    [
      "a field in the wrong place",
      { learning_rate: 1 },
      "spec: learning_rate",
      '"learning_rate"',
      '"train.learning_rate"',
    ],
    [
      "a short name",
      { train: { batch_size: 4 } },
      "spec: train.batch_size",
      '"batch_size"',
      '"per_device_train_batch_size"',
    ],
    [
      "a misspelt field of a method",
      { method: { name: "asft", lamda: 1 } },
      "spec: method.lamda",
      '"lamda"',
      '"lambda"',
    ],
    [
      "a misspelt field of rows",
      { data: { train: { source: "apothecary", harmful: 1 } } },
      "spec: data.train.harmful",
      '"harmful"',
      '"harmful_ratio"',
    ],
    ["an unknown method", { method: { name: "asf" } }, "spec: method.name", '"asf"', '"asft"'],
    [
      "an unknown projector",
      { method: { name: "asft", projector: "svd" } },
      "spec: method.projector",
      '"svd"',
      "safe_lora, rank, flat, flat_plus, none",
    ],
    ["a number as text", { train: { seed: "1" } }, "spec: train.seed", '"1", not a number', "42"],
    ["a fraction of a rank", { lora: { r: 1.5 } }, "spec: lora.r", "1.5, not a whole number", "1 to 512"],
    [
      "a share above 1",
      { data: { train: { source: "apothecary", harmful_ratio: 10 } } },
      "spec: data.train.harmful_ratio",
      "at most 1",
      "0 to 1",
    ],
    [
      "rows without a file",
      { data: { train: { source: "file" } } },
      "spec: data.train.path",
      "missing",
      "CSV, Parquet",
    ],
    [
      "an unknown format of rows",
      { data: { train: { path: "x", format: "alpaca" } } },
      "spec: data.train.format",
      '"alpaca"',
      "auto, tokens, instruction, chat, text",
    ],
    [
      "a guard that is not there yet, with the reason",
      { method: { name: "star_dss", guard: { kind: "probe" } } },
      "spec: method.guard.kind",
      "is the one that DSA trains, which this version does not have",
      "Use one of rows",
    ],
    ["an unknown source of rows", { data: { train: { source: "hb" } } }, "spec: data.train.source", '"hb"', '"hub"'],
    [
      "a misspelt column",
      { data: { train: { path: "x", columns: { ouput: "a" } } } },
      "spec: data.train.columns.ouput",
      '"ouput"',
      '"output"',
    ],
    [
      "a dataset id that is an address",
      { data: { train: { source: "hub", repo: "https://x/y" } } },
      "spec: data.train.repo",
      "https://x/y",
      "openai/gsm8k",
    ],
    [
      "a misspelt field of the selection",
      { data: { selection: { max_row: 3 } } },
      "spec: data.selection.max_row",
      '"max_row"',
      '"max_rows"',
    ],
    [
      "an option of another evaluator",
      { eval: { task: { source: "file", path: "x", kind: "perplexity", match: "first" } } },
      "spec: eval.task.match",
      "belongs to label_match",
      "label_match",
    ],
    [
      "an unknown evaluator",
      { eval: { task: { source: "file", path: "x", kind: "label" } } },
      "spec: eval.task.kind",
      '"label"',
      "label_match",
    ],
    [
      "an unknown source of the task",
      { eval: { task: { source: "heldout" } } },
      "spec: eval.task.source",
      '"heldout"',
      "held_out",
    ],
    [
      "held-out rows where none are",
      { eval: { task: { source: "held_out" } } },
      "spec: data.selection.validation_split",
      "none are held out",
      "eval.task",
    ],
    ["another version", { version: 2 }, "spec: version", "version 1", ""],
    ["no object", 3, "spec: the whole document", "not an object", ""],
    ["a number for modules", { lora: { target_modules: 3 } }, "spec: lora.target_modules", "3", "all-linear"],
    ["no steps", { train: { max_steps: 0 } }, "spec: train.max_steps", "0", "−1"],
  ];
  for (const [name, value, where, what, fix] of cases) {
    it(`name ${name}`, () => {
      const error = errorOf(() => resolveSpec(value));
      expect(error.where).toBe(where);
      expect(error.what).toContain(what);
      expect(error.fix).toContain(fix);
    });
  }

  it("are all listed", () => {
    const result = checkSpec({ train: { seed: "x", learning_rat: 1 }, lora: { r: 0 } });
    expect(result.ok ? [] : result.problems.map(({ path }) => path.join("."))).toEqual([
      "lora.r",
      "train.seed",
      "train.learning_rat",
    ]);
    expect(errorOf(() => resolveSpec({ train: { seed: "x" }, lora: { r: 0 } })).what).toMatch(/^There are 2 problems/);
  });

  it("suggest no field of another method", () => {
    expect(errorOf(() => resolveSpec({ method: { name: "sft", lambda: 1 } })).what).toContain(
      'no field "lambda" in method',
    );
    expect(errorOf(() => resolveSpec({ method: { name: "safe_lora", treshold: 1 } })).fix).toContain(
      "select, threshold, num_proj_layers",
    );
  });
});

describe("JSON text", () => {
  it("gives the line of malformed JSON", () => {
    const error = errorOf(() => parseSpecJson('{\n  "train": {\n    "seed": 1\n    "lr_gamma": 1\n  }\n}', "s.json"));
    expect(error.where).toBe("s.json line 4, column 5");
    expect(error.what).toContain("comma expected");
    expect(errorOf(() => parseSpecJson("", "s.json")).where).toBe("s.json line 1, column 1");
    expect(errorOf(() => parseSpecJson('{"train": {"seed": 1,}}', "s.json")).where).toContain("line 1");
    expect(errorOf(() => parseSpecJson('{\n"train": {', "s.json")).where).toContain("line 2");
    expect(errorOf(() => parseSpecJson("{} // demo", "s.json")).what).toContain("comment");
  });
  it("gives the line of a problem", () => {
    expect(errorOf(() => parseSpecJson('{\n  "train": {\n    "seed": -1\n  }\n}', "s.json")).where).toBe(
      "s.json line 3: train.seed",
    );
    expect(errorOf(() => parseSpecJson('{\n  "train": {\n    "sed": 1\n  }\n}', "s.json")).where).toBe(
      "s.json line 3: train.sed",
    );
  });
  it("refuses a name that occurs twice", () => {
    expect(errorOf(() => parseSpecJson('{"train": {"seed": 1,\n "seed": 2}}', "s.json")).where).toBe("s.json line 2");
  });
  it("reads a byte order mark", () => {
    expect(parseSpecJson("\ufeff{}")).toEqual(resolveSpec({}));
  });
});

describe("field help", () => {
  it("explains every field", () => {
    const bare = fieldHelp.filter(
      ({ help, kind, path }) => help === "" && kind !== "group" && path !== "version" && !path.endsWith(".source"),
    );
    expect(bare.map(({ path }) => path)).toEqual([]);
    expect(new Set(fieldHelp.map(({ path, when }) => `${path} ${when?.equals.join()}`)).size).toBe(fieldHelp.length);
  });
  it("knows kinds, ranges, defaults and conditions", () => {
    expect(helpFor("lora.r")).toMatchObject({ kind: "integer", minimum: 1, maximum: 512, default: 8, scale: "log" });
    expect(helpFor("train.lr_scheduler_type")).toMatchObject({
      kind: "choice",
      options: ["constant", "linear", "cosine", "step_per_epoch"],
    });
    expect(helpFor("method.lambda")).toMatchObject({ when: { path: "method.name", equals: ["asft"] } });
    expect(helpFor("data.train.path")).toMatchObject({ when: { path: "data.train.source", equals: ["file", null] } });
    expect(helpFor("method.name")).toMatchObject({
      kind: "choice",
      options: ["sft", "asft", "safe_lora", "safe_instr", "bea", "lisa", "safe_merge", "splora", "star_dss"],
    });
    expect(helpFor("eval.harmful.n")).toMatchObject({ kind: "integer", default: 100 });
  });
});
