/** @file Plans and rows before a run: what is read again when the settings change, and what is not. */
import { readFileSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";
import type { RunEnvironment } from "../../src/experiment/run/environment.ts";
import { resolveSpec } from "../../src/experiment/spec/spec.ts";
import { Previews } from "../../src/lab/worker/previews.ts";
import { memorySource } from "../../src/weights/byteSource.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";

function bundled(name: string): Record<string, Uint8Array> {
  const folder = `public/models/${name}`;
  return Object.fromEntries(
    readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(`${folder}/${file}`))]),
  );
}

it("a model's headers and tokenizer are read once, however the settings change", async () => {
  const opened: string[] = [];
  const refuse = (): never => {
    throw new Error("not here");
  };
  const environment: RunEnvironment = {
    openModel: (name) => {
      opened.push(name);
      return openCheckpoint(memorySource(name, bundled(name)));
    },
    openData: refuse,
    openDataset: refuse,
    readAdapter: refuse,
    now: () => 0,
    versions: {},
  };
  const previews = new Previews({ within: (work) => work(environment) });
  const spec = (n: number, r: number) =>
    resolveSpec({
      data: { train: { source: "apothecary", task: "topic", n } },
      lora: { r },
      method: { name: "asft" },
      train: { num_train_epochs: 1 },
    });
  const { twin } = await previews.plan(spec(40, 8));
  // q_proj and v_proj of four layers, in 16 bits.
  expect(twin).toEqual({ needed: 4 * (128 * 128 + 64 * 128) * 2, total: 1_771_776 });
  expect((await previews.plan(spec(48, 4))).rows).toBe(48);
  expect((await previews.rows(spec(24, 4), "all", 0, 5)).page).toHaveLength(5);
  const safety = await previews.rows(
    { ...spec(24, 4), method: resolveSpec({ method: { name: "safe_instr", safety_share: 0.25 } }).method },
    "safety",
    4,
    5,
  );
  expect(safety.summary).toMatchObject({ rows: 30, safetyRows: 6 });
  expect(safety.page.map(({ index, safety: own, harmful }) => [index, own, harmful])).toEqual([
    [28, true, false],
    [29, true, false],
  ]);
  expect(opened).toEqual(["apothecary-aligned", "apothecary-base"]);
  previews.forget();
  await previews.plan(spec(24, 4));
  expect(opened).toHaveLength(4);
  // What trains the twin itself compares nothing with it.
  expect(
    (
      await previews.plan({
        ...spec(24, 4),
        method: resolveSpec({ method: { name: "lisa", start_from: "base" } }).method,
      })
    ).twin,
  ).toBeNull();
  const missing = resolveSpec({ model: { aligned: "nobody", unaligned: null }, method: { name: "sft" } });
  for (let i = 0; i < 2; i += 1) await expect(previews.plan(missing)).rejects.toThrow();
});
