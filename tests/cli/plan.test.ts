/** @file `basin plan` without a device: a table for people, a document for programs, and what to lower. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MemoryReport, MemoryVerdict } from "../../src/experiment/run/events.ts";
import { basin, folder } from "./support.ts";

const TIMEOUT = 60_000;
const base = {
  data: { train: { source: "apothecary", n: 40 } },
  eval: { harmful: { n: 5 }, task: null, benign: null },
};

function write(cwd: string, spec: unknown): string {
  writeFileSync(join(cwd, "spec.json"), JSON.stringify(spec));
  return "spec.json";
}

describe("basin plan", () => {
  it(
    "adds up, and says where the budget comes from",
    async () => {
      const cwd = folder();
      const { code, stdout } = await basin(["plan", write(cwd, base), "--no-device", "--json"], { cwd });
      expect(code).toBe(0);
      const plan = JSON.parse(stdout) as {
        memory: MemoryReport;
        totalSteps: number;
        rows: number;
        device: { maxBuffer: number | null };
      } & MemoryVerdict;
      const { total, ...parts } = plan.memory;
      expect(Object.keys(parts).sort()).toEqual([
        "activations",
        "adapter",
        "anchor",
        "generation",
        "inputs",
        "logits",
        "weights",
      ]);
      for (const [part, bytes] of Object.entries(parts)) expect(bytes, part).toBeGreaterThan(0);
      expect(total).toBe(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0));
      expect(plan).toMatchObject({
        fits: true,
        obstacle: null,
        proposals: [],
        budget: { source: "default", bytes: 6 * 2 ** 30 },
        checkpointing: { on: false },
        rows: 40,
        totalSteps: 50,
        device: { maxBuffer: null },
      });
    },
    TIMEOUT,
  );

  it(
    "proposes what to lower",
    async () => {
      const cwd = folder();
      const { code, stdout } = await basin(
        [
          "plan",
          write(cwd, { ...base, train: { memory_budget_gb: 0.0075, gradient_checkpointing: false } }),
          "--no-device",
        ],
        { cwd },
      );
      expect(code).toBe(0);
      expect(stdout).toMatch(/total +\d+ MiB\n/);
      expect(stdout).toContain("activation checkpointing: off (as the spec says)");
      expect(stdout).toContain("memory budget 7.7 MiB (train.memory_budget_gb): does not fit");
      expect(stdout).toMatch(/-> +\d\.\d MiB {2}Turn on activation checkpointing \(about a third more time per step\)/);
    },
    TIMEOUT,
  );

  it(
    "names a spec that is wrong",
    async () => {
      const cwd = folder();
      const { code, stderr } = await basin(
        ["plan", write(cwd, { train: { gradient_checkpointing: "yes" } }), "--no-device"],
        { cwd },
      );
      expect(code).toBe(1);
      expect(stderr).toContain("gradient_checkpointing");
    },
    TIMEOUT,
  );
});
