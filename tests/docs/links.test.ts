/** @file Links of the documentation: every relative link of a Markdown file, and every anchor, leads somewhere. */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const files = [
  "README.md",
  "CHANGELOG.md",
  "bench/README.md",
  "bench/NOTES.md",
  "python/README.md",
  "python/export/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Text outside of code blocks and code spans, where a bracket is no link. */
function prose(markdown: string): string {
  return markdown
    .replace(/^```[^]*?^```/gm, "")
    .replace(/^ {4,}.*$/gm, "")
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, " "));
}

/** Targets of links and pictures: `[text](target)`. */
function targets(markdown: string): string[] {
  return [...prose(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchors(markdown: string): Set<string> {
  const headings = [...prose(markdown).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

/** What is wrong with a link of a page, or undefined. */
function problem(file: string, target: string): string | undefined {
  const [path = "", anchor] = target.split("#");
  const page = path === "" ? join(ROOT, file) : join(ROOT, dirname(file), path);
  if (relative(ROOT, page).startsWith("..")) return `${target} leaves the repository`;
  if (!existsSync(page)) return `${target} does not exist`;
  if (anchor === undefined) return undefined;
  if (statSync(page).isDirectory()) return `${target} is an anchor in a folder`;
  return anchors(readFileSync(page, "utf8")).has(anchor) ? undefined : `${target} is no heading of that page`;
}

describe("documentation", () => {
  it.each(files)("%s: relative links and anchors resolve", (file) => {
    const links = targets(readFileSync(join(ROOT, file), "utf8")).filter((target) => !/^[a-z]+:/.test(target));
    expect(links.map((target) => problem(file, target)).filter((text) => text !== undefined)).toEqual([]);
  });

  it("the README stays under 6 kB and leads to every page of docs/", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    expect(Buffer.byteLength(readme)).toBeLessThan(6000);
    const linked = new Set(targets(readme).map((target) => target.replace(/#.*/, "")));
    expect(files.filter((file) => file.startsWith("docs/") && !linked.has(file))).toEqual([]);
  });
});
