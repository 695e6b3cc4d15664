/**
 * @file A profile of a step: every dispatch is in a row, products count their operations, and each row's text is what
 * was compiled.
 */
import { expect, it } from "vitest";
import { canProfile } from "../../../src/engine/profile.ts";
import { entryAt, sourced } from "../../../src/experiment/measure/kernelSources.ts";
import { SOFTWARE_SIZES } from "../../../src/experiment/measure/benchModels.ts";
import { profileStep } from "../../../src/experiment/measure/profileStep.ts";
import { testGpu } from "../../support/gpu.ts";

it("holds every dispatch of the step, by operator, shape and kernel", async ({ skip }) => {
  const gpu = await testGpu({ features: ["timestamp-query"] });
  if (!canProfile(gpu)) skip("this device gives no timestamps");
  const [size] = SOFTWARE_SIZES;
  if (size === undefined) throw new Error("there is no size to profile");
  const { profile, step, tokens } = await profileStep(gpu, size, { method: "asft", repetitions: 2 });
  expect(tokens).toBe(size.rows * size.length);
  expect(step.median).toBeGreaterThan(0);
  const total = (key: "count" | "ms" | "share"): number => profile.rows.reduce((sum, row) => sum + row[key], 0);
  expect(total("count")).toBe(profile.dispatches);
  expect(total("ms")).toBeCloseTo(profile.sum, 6);
  expect(total("share")).toBeCloseTo(1, 6);
  expect(profile.rows.map(({ ms }) => ms)).toEqual(profile.rows.map(({ ms }) => ms).sort((a, b) => b - a));
  // Four blocks: each q_proj gives one product of 256 × 128 × 128, each o_proj another.
  const products = profile.rows.filter(
    ({ operator, shape }) => operator === "linear" && shape.join() === [tokens, 128, 128].join(),
  );
  expect(products.reduce((sum, { count }) => sum + count, 0)).toBe(8);
  for (const { count, flops } of products) expect(flops).toBeGreaterThanOrEqual(count * 2 * tokens * 128 * 128);

  const { rows, sources } = sourced(profile.rows);
  expect(rows).toHaveLength(profile.rows.length);
  expect(Object.keys(sources).length).toBeLessThan(rows.length);
  for (const { source, entry } of rows) {
    const wgsl = sources[source] ?? "";
    expect(wgsl.slice(entryAt(wgsl, entry))).toContain(`fn ${entry}(`);
  }
});
