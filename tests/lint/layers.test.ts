/** @file The layer rule bites: a forbidden import is an error, an allowed one is not. */

import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";

const eslint = new ESLint({
  // The text is not a file of the project, so rules that need types are left out.
  ruleFilter: ({ ruleId }) => ["basin/layers", "no-restricted-imports", "no-restricted-globals"].includes(ruleId),
  overrideConfig: { files: ["**/*.ts"], languageOptions: { parserOptions: { projectService: false } } },
});

async function complaints(filePath: string, code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

describe("layers", () => {
  it("let no folder import from above or from the side", async () => {
    const cases: [string, string][] = [
      ["src/engine/bad.ts", "../experiment/events.ts"],
      ["src/engine/bad.ts", "../weights/dtypes.ts"],
      ["src/weights/bad.ts", "../text/example.ts"],
      ["src/text/bad.ts", "../weights/dtypes.ts"],
      ["src/eval/bad.ts", "../cli/nodeGpu.ts"],
      ["src/experiment/bad.ts", "../cli/nodeGpu.ts"],
      ["src/lab/bad.ts", "../cli/nodeGpu.ts"],
    ];
    for (const [file, target] of cases) {
      expect(await complaints(file, `export * from "${target}";`), `${file} imports ${target}`).toEqual([
        "basin/layers",
      ]);
      expect(
        await complaints(file, `export type X = typeof import("${target}");`),
        `${file} imports a type of ${target}`,
      ).toEqual(["basin/layers"]);
    }
  });

  it("let a folder import from itself and from below", async () => {
    expect(
      await complaints(
        "src/model/good.ts",
        'export * from "../engine/error.ts"; export * from "../weights/dtypes.ts";',
      ),
    ).toEqual([]);
    expect(
      await complaints(
        "src/experiment/good.ts",
        'export * from "./events.ts"; export * from "../eval/apothecaryJudge.ts";',
      ),
    ).toEqual([]);
    expect(
      await complaints("src/cli/good.ts", 'export * from "./nodeGpu.ts"; export * from "../experiment/events.ts";'),
    ).toEqual([]);
  });

  it("keep Node, React and the DOM out of the core", async () => {
    expect(await complaints("src/train/bad.ts", 'export * from "node:fs";')).toEqual(["no-restricted-imports"]);
    expect(await complaints("src/experiment/bad.ts", 'export * from "react";')).toEqual(["no-restricted-imports"]);
    expect(await complaints("src/eval/bad.ts", "export const title = document.title;")).toEqual([
      "no-restricted-globals",
    ]);
    expect(await complaints("src/weights/good.node.ts", 'export * from "node:fs";')).toEqual([]);
    expect(await complaints("src/cli/good.ts", 'export * from "node:fs";')).toEqual([]);
  });
});
