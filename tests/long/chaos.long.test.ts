/**
 * @file A hundred kills at random moments: of `basin run`, of `basin table`, of a tab, and of Chromium's GPU process.
 * Every run that is resumed must equal one that was never interrupted, to the last bit. CHAOS_KILLS says how many
 * instead, CHAOS_SEED which moments; the figures are printed. Needs `node scripts/buildCli.mjs` and `npx vite build`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chaos, CHAOS_SPEC, CHAOS_TABLE, runFiles, tableFiles } from "../cli/chaos.ts";
import { folder } from "../cli/support.ts";
import { chaosInBrowser } from "./chaosInBrowser.ts";

const KILLS = Number(process.env.CHAOS_KILLS ?? 100);
const SEED = process.env.CHAOS_SEED ?? "long";
const HOURS = 4 * 3_600_000;

const share = (part: number): number => Math.max(1, Math.round(KILLS * part));

describe("killed at random moments and resumed, the end is the same to the last bit", () => {
  it("basin run", { timeout: HOURS }, async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "spec.json"), JSON.stringify(CHAOS_SPEC));
    const task = { args: ["run", "spec.json", "--resume"], cwd, files: runFiles };
    const account = await chaos(task, { kills: share(0.6), killsOfOne: 1, seed: `${SEED}/run` });
    console.log("basin run:", account);
    expect(account.runs).toBe(account.kills);
  });

  it("basin table", { timeout: HOURS }, async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "table.json"), JSON.stringify(CHAOS_TABLE));
    const task = { args: ["table", "table.json"], cwd, files: tableFiles };
    const account = await chaos(task, { kills: share(0.2), killsOfOne: 1, seed: `${SEED}/table` });
    console.log("basin table:", account);
    expect(account.runs).toBe(account.kills);
  });

  it.each(["tab", "gpu"] as const)("Chromium: %s", { timeout: HOURS }, async (victim) => {
    const account = await chaosInBrowser(victim, { kills: share(0.1), seed: `${SEED}/${victim}` });
    console.log(`Chromium, ${victim}:`, account);
    expect(account.runs).toBe(account.kills);
  });
});
