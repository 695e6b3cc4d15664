/**
 * @file The shaders of every pipeline that a device without optional fast paths can be asked for compile with naga, the
 * compiler of Firefox and Deno, and none of them names an extension that naga lacks.
 */

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { kernelText } from "../../src/engine/kernel.ts";
import type { CompileReport, ShaderToCompile } from "../support/deno/compileShaders.ts";
import { denoProgram, runDeno } from "../support/deno/deno.ts";
import { kernelVariants, nameOf } from "../support/kernelVariants.ts";

const SCRIPT = fileURLToPath(new URL("../support/deno/compileShaders.ts", import.meta.url));

/** Each text once: variants differ in their entry points, too. */
const shaders: readonly ShaderToCompile[] = [
  ...new Map(
    kernelVariants({ fastPaths: false }).map((variant): [string, ShaderToCompile] => {
      const text = kernelText(variant);
      return [text, { name: nameOf(variant), text }];
    }),
  ).values(),
];

describe("shaders of a device without fast paths", () => {
  it("enable no extension but f16", () => {
    const enabled = shaders.flatMap(({ text }) =>
      [...text.matchAll(/^\s*enable\s+([^;]+);/gm)].map(([, name]) => name),
    );
    expect(new Set(enabled)).toEqual(new Set(["f16"]));
  });

  it("compile with naga", { timeout: 120_000 }, async (context) => {
    const broken = { name: "broken", text: "@compute @workgroup_size(1) fn main() { undeclared(); }" };
    const { code, stdout, stderr } = await runDeno(
      denoProgram(context),
      [SCRIPT],
      JSON.stringify([...shaders, broken]),
    );
    expect(code, stderr).toBe(0);
    const { problem, failures } = JSON.parse(stdout) as CompileReport;
    if (problem !== undefined) context.skip(problem);
    expect(failures.map(({ name }) => name)).toEqual(["broken"]);
  });
});
