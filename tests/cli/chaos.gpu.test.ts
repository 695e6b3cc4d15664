/** @file Five kills at random moments, of a run and of a table; tests/long/chaos.long.test.ts makes a hundred. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chaos, CHAOS_SPEC, CHAOS_TABLE, runFiles, tableFiles } from "./chaos.ts";
import { folder } from "./support.ts";

describe("killed at random moments and resumed", () => {
  it("a run ends as one that was never interrupted, bit for bit", async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "spec.json"), JSON.stringify(CHAOS_SPEC));
    const { kills } = await chaos(
      { args: ["run", "spec.json", "--resume"], cwd, files: runFiles },
      { kills: 3, killsOfOne: 3, seed: "run" },
    );
    expect(kills).toBe(3);
  });

  it("a table ends with the same cells and figures", async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "table.json"), JSON.stringify(CHAOS_TABLE));
    const { kills } = await chaos(
      { args: ["table", "table.json"], cwd, files: tableFiles },
      { kills: 2, killsOfOne: 2, seed: "table" },
    );
    expect(kills).toBe(2);
  });
});
