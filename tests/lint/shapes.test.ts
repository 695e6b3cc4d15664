/** @file The limits of files that ESLint does not read: shaders and style sheets. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "shaders", "src"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => /\.(wgsl|css)$/.test(path));

const linesOf = (path: string): string[] => readFileSync(new URL(path, root), "utf8").trimEnd().split("\n");

describe("shaders and style sheets", () => {
  it("have at most 400 lines", () => {
    expect(files.length).toBeGreaterThan(80);
    expect(files.filter((path) => linesOf(path).length > 400)).toEqual([]);
  });

  it("have at most 120 columns", () => {
    const long = files.flatMap((path) =>
      linesOf(path).flatMap((line, i) => ([...line].length > 120 ? [`${path}:${i + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });
});
