/** @file Tables: short and full forms of axes, cells and their keys, errors that name the cell. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BasinError } from "../../../src/base/error.ts";
import { describeLabels, expandTable, runKey } from "../../../src/experiment/table/expand.ts";
import { parseTableJson, resolveTable, type TableInput } from "../../../src/experiment/table/tableSpec.ts";
import { resolveSpec } from "../../../src/experiment/spec/spec.ts";

const expand = (input: TableInput): ReturnType<typeof expandTable> => expandTable(resolveTable(input));

describe("axes", () => {
  it("have short forms, forms with labels, and a full form", async () => {
    const cells = await expand({
      axes: {
        method: { Plain: "sft", "AsFT flat": { name: "asft", projector: "flat" } },
        size: [{ label: "small", set: { "lora.r": 4, "lora.lora_alpha": 16 } }],
        "train.learning_rate": [1e-3],
        seed: [0, 1],
      },
    });
    expect(cells.map(({ labels }) => describeLabels(labels))).toEqual([
      "Plain, size small, learning_rate 0.001, seed 0",
      "AsFT flat, size small, learning_rate 0.001, seed 0",
      "Plain, size small, learning_rate 0.001, seed 1",
      "AsFT flat, size small, learning_rate 0.001, seed 1",
    ]);
    expect(cells[3]?.spec).toMatchObject({
      method: { name: "asft", projector: "flat", lambda: 1 },
      lora: { r: 4, lora_alpha: 16 },
      train: { learning_rate: 1e-3, seed: 1 },
    });
  });

  it("set fields inside what another axis sets, in whatever order they stand", async () => {
    const cells = await expand({
      axes: { lambda: [0.1, 10], method: { AsFT: "asft", L2: { name: "asft", projector: "none" } } },
    });
    expect(cells.map(({ spec: { method } }) => method)).toMatchObject([
      { lambda: 0.1, projector: "safe_lora" },
      { lambda: 0.1, projector: "none" },
      { lambda: 10, projector: "safe_lora" },
      { lambda: 10, projector: "none" },
    ]);
  });

  it("vary the world's task and share, and the examined task with them", async () => {
    const cells = await expand({ axes: { task: ["topic", "sums"], harmful_ratio: [0, 0.2] } });
    expect(cells.map(({ spec }) => [spec.data.train, spec.eval.task])).toMatchObject([
      [{ task: "topic", harmful_ratio: 0 }, { task: "topic" }],
      [{ task: "topic", harmful_ratio: 0.2 }, { task: "topic" }],
      [{ task: "sums", harmful_ratio: 0 }, { task: "sums" }],
      [{ task: "sums", harmful_ratio: 0.2 }, { task: "sums" }],
    ]);
  });

  it("may be missing: then the base is the only cell", async () => {
    expect(await expand({ base: { train: { seed: 7 } } })).toHaveLength(1);
  });
});

describe("keys", () => {
  it("follow from what is computed, not from names, order of fields or defaults written out", async () => {
    const key = await runKey({ train: { seed: 1 }, method: { name: "sft" } });
    expect(key).toMatch(/^[0-9a-f]{12}$/);
    expect(await runKey({ name: "another", method: { name: "sft" }, train: { seed: 1, lr_gamma: 0.85 } })).toBe(key);
    expect(await runKey(resolveSpec({ method: { name: "sft" }, train: { seed: 1 } }))).toBe(key);
    expect(await runKey({ method: { name: "sft" }, train: { seed: 2 } })).not.toBe(key);
  });

  it("stay when a table gets more values", async () => {
    const few = await expand({ axes: { method: ["sft", "asft"], seed: [0] } });
    const more = await expand({ name: "larger", axes: { seed: [1, 0], method: ["lisa", "asft", "sft"] } });
    const keys = new Set(more.map(({ key }) => key));
    expect(few.every(({ key }) => keys.has(key))).toBe(true);
    expect(keys.size).toBe(6);
  });

  it("are equal for cells that are the same run", async () => {
    const cells = await expand({ axes: { method: { SFT: "sft", "SFT again": "sft" } } });
    expect(cells[0]?.key).toBe(cells[1]?.key);
  });
});

describe("errors", () => {
  const fault = async (input: unknown): Promise<BasinError> => {
    try {
      await expandTable(resolveTable(input, "t.json"), "t.json");
    } catch (error) {
      if (error instanceof BasinError) return error;
    }
    throw new Error("nothing was thrown");
  };

  it("name the cell and the field", async () => {
    const error = await fault({ axes: { method: ["sft"], lambda: [1] } });
    expect(error.where).toBe("t.json: cell sft, lambda 1: method.lambda");
    expect(error.what).toContain('no field "lambda"');
  });

  it("say what an axis must look like", async () => {
    expect((await fault({ axes: { flavour: ["sweet"] } })).fix).toContain('"set"');
    expect((await fault({ axes: { seed: [1, 1] } })).what).toContain('"1" occurs twice');
    expect((await fault({ axes: { seed: [] } })).where).toContain("axes.seed");
    expect((await fault({ axes: { method: ["sft"] }, baseline: "SFT" })).fix).toContain("sft");
    expect((await fault({ rows: [] })).where).toContain("t.json");
    expect((await fault({ axes: { seed: Array.from({ length: 6000 }, (_, i) => i) } })).what).toContain("6000 cells");
  });

  it("give the place of malformed JSON", () => {
    expect(() => parseTableJson('{"axes": {"seed": [0,]}}', "t.json")).toThrow(
      expect.objectContaining({ where: expect.stringContaining("t.json line 1") as string }),
    );
  });
});

describe("the committed tables", () => {
  it.each([
    ["apothecaryTable.json", 36],
    ["lambdaDial.json", 21],
    ["pruningSweep.json", 30],
  ])("%s has valid cells, each another run", async (name, count) => {
    const table = parseTableJson(readFileSync(new URL(`../../../examples/${name}`, import.meta.url), "utf8"), name);
    const cells = await expandTable(table);
    expect(new Set(cells.map(({ key }) => key)).size).toBe(count);
    expect(cells.every(({ spec }) => spec.data.train.source === "apothecary" && spec.data.train.task === "sums")).toBe(
      true,
    );
  });
});
