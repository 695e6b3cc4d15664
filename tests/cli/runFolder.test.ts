/** @file What a folder must hold before `basin run` asks for --force or --resume. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holdsRun } from "../../src/cli/runFolder.ts";
import { folder } from "./support.ts";

describe("a folder holds a run", () => {
  const folderWith = (file: string, text: string): string => {
    const path = folder();
    mkdirSync(join(path, "checkpoint"));
    writeFileSync(join(path, file), text);
    return path;
  };

  it("not where a run failed before its first step, nor where there is nothing", () => {
    expect(holdsRun(folder())).toBe(false);
    expect(holdsRun(join(folder(), "missing"))).toBe(false);
    expect(holdsRun(folderWith("metrics.jsonl", ""))).toBe(false);
    expect(holdsRun(folderWith("spec.json", "{}"))).toBe(false);
  });

  it("where there are steps, a checkpoint or an adapter", () => {
    expect(holdsRun(folderWith("metrics.jsonl", '{"step": 1}\n'))).toBe(true);
    expect(holdsRun(folderWith("checkpoint/run.safetensors", "x"))).toBe(true);
    expect(holdsRun(folderWith("adapter", ""))).toBe(true);
  });
});
