/**
 * @file What the built page consists of: each JavaScript file with its size, and whether it comes with the page, as a
 * worker, or on demand and for what. Read from the built files themselves (index.html, and the imports in each file),
 * so it is what hosts serve.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { parseAst } from "vite";

/** Compressed bytes that the page's own script may have. */
export const INITIAL_LIMIT = 380_000;

/** page: index.html's scripts and what they import. worker: a worker and what it imports. on demand: the rest. */
export type Part = "page" | "worker" | "on demand";

export interface Sizes {
  readonly raw: number;
  /** At the highest level, as hosts that compress once do. */
  readonly gzip: number;
  /** 0 unless it was asked for. */
  readonly brotli: number;
}

export interface BundleFile extends Sizes {
  /** Below assets/. */
  readonly file: string;
  /** Without its hash. */
  readonly name: string;
  readonly part: Part;
  /** Workers, and files on demand: whose import() or Worker asks for it, or with which of these it comes. */
  readonly by: string;
}

export interface BundleReport {
  /** Of each part, largest first. */
  readonly files: readonly BundleFile[];
  readonly totals: Readonly<Record<Part, Sizes>>;
  /** Style sheets of index.html. */
  readonly styles: Sizes;
}

interface Links {
  /** Files that come with this one. */
  readonly imports: readonly string[];
  /** import() and new URL(…) of scripts. */
  readonly asks: readonly { readonly file: string; readonly worker: boolean }[];
}

/** @throws Error when nothing has been built in `folder` */
export function bundleReport(folder: string, { brotli = false }: { readonly brotli?: boolean } = {}): BundleReport {
  const page = join(folder, "index.html");
  const assets = join(folder, "assets");
  if (!existsSync(page) || !existsSync(assets))
    throw new Error(`There is no built page in ${folder}: run npm run build first.`);
  const known = new Set(readdirSync(assets).filter((file) => file.endsWith(".js")));
  const links = new Map([...known].map((file) => [file, linksOf(readFileSync(join(assets, file), "utf8"), known)]));
  const html = readFileSync(page, "utf8");
  const named = (ending: string): string[] =>
    [...html.matchAll(/(?:src|href)="\.\/assets\/([^"]+)"/g)]
      .map((match) => match[1] ?? "")
      .filter((file) => file.endsWith(ending));

  const initial = closure(named(".js"), links);
  const parts = new Map<string, Part>([...initial].map((file) => [file, "page"]));
  const reasons = new Map<string, Set<string>>();
  const because = (file: string, why: string): void =>
    void reasons.set(file, (reasons.get(file) ?? new Set()).add(why));
  const asked = [...links]
    .flatMap(([from, { asks }]) => asks.map((ask) => ({ from, ...ask })))
    .filter(({ file, from }) => !initial.has(file) && file !== from);
  // Workers first: what one needs is fetched when it starts, also where something else asks for it later.
  for (const { file, worker, from } of [...asked.filter((ask) => ask.worker), ...asked.filter((ask) => !ask.worker)]) {
    because(file, nameOf(from));
    for (const needed of closure([file], links)) {
      if (initial.has(needed)) continue;
      if (!parts.has(needed)) parts.set(needed, worker ? "worker" : "on demand");
      if (needed !== file) because(needed, `with ${nameOf(file)}`);
    }
  }
  const files = [...known].map(
    (file): BundleFile => ({
      file,
      name: nameOf(file),
      part: parts.get(file) ?? "on demand",
      by: reason([...(reasons.get(file) ?? [])]),
      ...sizesOf(join(assets, file), brotli),
    }),
  );
  const order: readonly Part[] = ["page", "worker", "on demand"];
  files.sort((a, b) => order.indexOf(a.part) - order.indexOf(b.part) || b.gzip - a.gzip);
  const total = (part: Part): Sizes => together(files.filter((file) => file.part === part));
  return {
    files,
    totals: { page: total("page"), worker: total("worker"), "on demand": total("on demand") },
    styles: together(named(".css").map((file) => sizesOf(join(assets, file), brotli))),
  };
}

/** What one script imports and asks for, of the files that there are. */
function linksOf(source: string, known: ReadonlySet<string>): Links {
  const imports = new Set<string>();
  const asks = new Map<string, boolean>();
  const fileIn = (node: unknown): string | undefined => {
    const text = textOf(node);
    const file = text === undefined ? undefined : basename(text);
    return file !== undefined && known.has(file) ? file : undefined;
  };
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) {
      node.forEach(walk);
      return;
    }
    if (!isNode(node)) return;
    if (
      node.type === "ImportDeclaration" ||
      node.type === "ExportNamedDeclaration" ||
      node.type === "ExportAllDeclaration"
    ) {
      const file = fileIn(node.source);
      if (file !== undefined) imports.add(file);
    }
    if (node.type === "ImportExpression") {
      const file = fileIn(node.source);
      if (file !== undefined) asks.set(file, asks.get(file) ?? false);
    }
    if (
      node.type === "NewExpression" &&
      isNode(node.callee) &&
      node.callee.name === "URL" &&
      Array.isArray(node.arguments)
    ) {
      const file = fileIn(node.arguments[0]);
      if (file !== undefined) asks.set(file, true);
    }
    Object.values(node).forEach(walk);
  };
  walk(parseAst(source));
  return { imports: [...imports], asks: [...asks].map(([file, worker]) => ({ file, worker })) };
}

type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}

/** The text of a string or of a template without holes. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : undefined;
  if (node.type !== "TemplateLiteral" || !Array.isArray(node.quasis) || node.quasis.length !== 1) return undefined;
  const [only] = node.quasis as readonly unknown[];
  return isNode(only) && isNode(only.value) && typeof only.value.cooked === "string" ? only.value.cooked : undefined;
}

function closure(roots: readonly string[], links: ReadonlyMap<string, Links>): Set<string> {
  const reached = new Set(roots);
  // A set hands out what is added to it meanwhile.
  for (const file of reached) for (const next of links.get(file)?.imports ?? []) reached.add(next);
  return reached;
}

function nameOf(file: string): string {
  return file.replace(/-[\w-]{8}\.js$/, "");
}

/** More than this many reasons are counted. */
const REASONS = 3;

function reason(all: readonly string[]): string {
  const direct = all.filter((one) => !one.startsWith("with "));
  const shown = direct.length > 0 ? direct : all;
  return shown.length > REASONS ? `${shown.length} files` : shown.join(", ").replaceAll(", with ", ", ");
}

function sizesOf(path: string, brotli: boolean): Sizes {
  const bytes = readFileSync(path);
  return {
    raw: bytes.byteLength,
    gzip: gzipSync(bytes, { level: 9 }).byteLength,
    brotli: brotli
      ? brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } })
          .byteLength
      : 0,
  };
}

function together(sizes: readonly Sizes[]): Sizes {
  const sum = (key: keyof Sizes): number => sizes.reduce((total, one) => total + one[key], 0);
  return { raw: sum("raw"), gzip: sum("gzip"), brotli: sum("brotli") };
}

/** Files below this are summed up in the text. */
const SMALL = 2000;

/** As a table of text; kB are 1000 bytes. */
export function bundleText({ files, totals, styles }: BundleReport): string {
  const kb = (n: number): string => (n / 1000).toFixed(1);
  const cells = (name: string, { raw, gzip, brotli }: Sizes, by: string): string[] => [
    name,
    kb(raw),
    kb(gzip),
    brotli === 0 ? "" : kb(brotli),
    by,
  ];
  const titles: Readonly<Record<Part, string>> = {
    page: "with the page",
    worker: "workers (beside the page; a thread each)",
    "on demand": "on demand",
  };
  const rows = (["page", "worker", "on demand"] as const).flatMap((part) => {
    const own = files.filter((file) => file.part === part);
    const small = own.filter(({ gzip }) => gzip < SMALL);
    return [
      [""],
      cells(titles[part], totals[part], part === "page" ? `limit ${kb(INITIAL_LIMIT)} compressed` : ""),
      ...own.filter(({ gzip }) => gzip >= SMALL).map((file) => cells(`  ${file.name}`, file, file.by)),
      ...(small.length > 0 ? [cells(`  ${small.length} smaller ones`, together(small), "")] : []),
    ];
  });
  const all = [
    ["JavaScript, kB", "raw", "gzip", "brotli", "asked for by"],
    ...rows,
    [""],
    cells("style sheets of the page", styles, ""),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : i < 4 ? cell.padStart(widths[i] ?? 0) : cell))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
