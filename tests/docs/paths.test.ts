/** @file Paths that the documentation names exist, and docs/architecture.md names every folder of src/. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const pages = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);
const read = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** Files and folders in code spans, but for `yours`, which a contributor adds. */
function paths(page: string): string[] {
  const spans = [...read(page).matchAll(/`((?:src|shaders|tests|e2e|scripts|bench|python|docs|examples)\/[\w./-]*)`/g)];
  return spans.map(([, path = ""]) => path).filter((path) => !/yours/.test(path));
}

describe("documentation", () => {
  it.each(pages)("%s: paths in code spans exist", (page) => {
    expect(paths(page).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("docs/architecture.md names every folder of src/", () => {
    const tree = /## Folders\n([^]*?)\n## /.exec(read("docs/architecture.md"))?.[1] ?? "";
    const folders = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(folders.filter((name) => !new RegExp(`(^|[\\s/])${name}/`, "m").test(tree))).toEqual([]);
  });
});
