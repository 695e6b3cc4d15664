/**
 * @file The report's style sheet: system fonts, light and dark by the reader's setting, white on paper. The colours of
 * methods are those of their marks.
 *
 * The page's Content-Security-Policy allows this sheet by its hash and nothing else.
 */

import { methods } from "../../methods/registry.ts";

const PAGE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfb;
  --panel: #f4f4ef;
  --line: #d6d6cc;
  --ink: #14181b;
  --ink-2: #41494f;
  --ink-3: #5d656b;
  --accent: #00629b;
  --unaligned: #c25400;
  --aligned: #0072b2;
  --tuned: #007d5b;
}
@media (prefers-color-scheme:dark) {
  :root {
    --paper: #0f1214;
    --panel: #161a1d;
    --line: #2f363b;
    --ink: #e9eae7;
    --ink-2: #b9c0c5;
    --ink-3: #949da4;
    --accent: #6bbcec;
    --unaligned: #ee7d2b;
    --aligned: #56b4e9;
    --tuned: #29c79b;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto;
  padding: 28px 24px 60px;
  max-width: 1080px;
  background: var(--paper);
  color: var(--ink);
  font: 15px/1.5 "Inter","Segoe UI","Helvetica Neue",Arial,system-ui,sans-serif;
  font-variant-numeric: tabular-nums;
}
h1 { font-size: 25px; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 4px }
h2 {
  font-size: 20px;
  line-height: 1.25;
  margin: 44px 0 2px;
  padding-top: 18px;
  border-top: 2px solid var(--ink);
}
h3 { font-size: 15px; margin: 26px 0 8px }
p { margin: 6px 0; max-width: 80ch }
a,code { overflow-wrap: anywhere }
a { color: var(--accent) }
.dim,.basis { color: var(--ink-3) }
.basis,.dim { font-size: 13px; font-weight: 400 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; margin: 8px 0; font-size: 14px }
th,td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; font-size: 13px; color: var(--ink-2) }
td.num,th.num { text-align: right; white-space: nowrap }
.figure { font-weight: 620 }
.charts { display: grid; grid-template-columns: repeat(auto-fit,minmax(min(100%,440px),1fr)); gap: 18px 24px }
figure { margin: 0; break-inside: avoid }
figcaption { font-size: 13px; margin-bottom: 2px }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; color: var(--ink-2) }
.legend span { display: inline-flex; align-items: center; gap: 6px }
svg { display: block; max-width: 100%; height: auto }
.legend svg { flex: none }
.grid { stroke: var(--line); stroke-width: 1 }
.tick { font-size: 11px; fill: var(--ink-3) }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke: var(--ink) }
.dot { stroke: var(--paper); stroke-width: 1; fill: var(--ink) }
.dot.hollow { fill: var(--paper); stroke-width: 2; stroke: var(--ink) }
.map { margin-top: 18px; max-width: 760px }
.heat { fill: var(--aligned) }
.c-unaligned { stroke: var(--unaligned) }
.c-aligned { stroke: var(--aligned) }
.c-tuned { stroke: var(--tuned) }
.dot.c-unaligned { fill: var(--unaligned) }
.dot.c-aligned { fill: var(--aligned) }
.dot.c-tuned { fill: var(--tuned) }
.dot.hollow.c-unaligned,.dot.hollow.c-aligned,.dot.hollow.c-tuned { fill: var(--paper) }
dl { display: grid; grid-template-columns: repeat(auto-fill,minmax(220px,1fr)); gap: 8px 24px; margin: 8px 0 }
dt { font-size: 12.5px; color: var(--ink-3) }
dd { margin: 0; overflow-wrap: anywhere }
math { width: max-content; margin: 0; text-align: left }
mtable mtd { math-style: normal; text-align: left; padding: 5px 0 }
blockquote {
  margin: 3px 0;
  padding: 4px 0 4px 12px;
  border-left: 3px solid var(--line);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  font-size: 14px;
}
.sample { margin: 12px 0 18px; break-inside: avoid }
.prompt { font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere }
pre {
  background: var(--panel);
  border: 1px solid var(--line);
  padding: 12px;
  overflow-x: auto;
  font: 12.5px/1.45 "SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
summary { cursor: pointer; font-weight: 600; margin: 14px 0 6px }
@media (max-width:640px) {
  body { padding: 20px 16px 40px }
  .plot { display: none }
  th,td { padding-right: 10px }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff;
    --panel: #fff;
    --line: #ccc;
    --ink: #000;
    --ink-2: #333;
    --ink-3: #555;
    --accent: #00507f;
    --unaligned: #c25400;
    --aligned: #0072b2;
    --tuned: #007d5b;
  }
  body { max-width: none; padding: 0; font-size: 10.5pt }
  h2 { break-before: page }
  details::details-content { content-visibility: visible; height: auto }
  .screen { display: none }
}
`;

/** A variable and a class for every mark, on light ground, on dark, and on paper. */
function markStyle(): string {
  const marks = methods.flatMap((method) => method.marks);
  const root = (ground: "light" | "dark"): string =>
    `:root { ${marks.map((mark) => `--${mark.id}: ${mark[ground]}`).join("; ")} }`;
  return [
    root("light"),
    `@media (prefers-color-scheme: dark) { ${root("dark")} }`,
    `@media print { ${root("light")} }`,
    ...marks.map(({ id }) => `.c-${id} { stroke: var(--${id}) }`),
  ].join("\n");
}

export interface ReportStyle {
  readonly css: string;
  /** As the policy names the sheet: "sha256-…". */
  readonly hash: string;
}

export async function reportStyle(): Promise<ReportStyle> {
  const css = `${PAGE}${markStyle()}\n`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(css));
  return { css, hash: `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}` };
}
