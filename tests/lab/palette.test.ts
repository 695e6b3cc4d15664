/**
 * @file The lab's colours for every eye: data colours that meet in one chart stay apart in simulated colour vision
 * deficiencies (Machado, Oliveira and Fernandes 2009, full severity, by culori), and everything has contrast with what
 * lies behind it (WCAG 2.2).
 */
import { readFileSync } from "node:fs";
import {
  differenceCiede2000,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  filterDeficiencyTrit,
  parse,
  wcagContrast,
  type Color,
} from "culori";
import { describe, expect, it } from "vitest";
import { reportStyle } from "../../src/experiment/report/style.ts";
import { themeCss } from "../../src/lab/shell/app/styles.ts";
import { methods } from "../../src/methods/registry.ts";

/** CIEDE2000; differences of 2 to 3 are seen side by side, of 10 at a glance. */
const APART = 10;

const VISIONS: Readonly<Record<string, (color: Color) => Color>> = {
  "full colour vision": (color) => color,
  protanopia: (color) => filterDeficiencyProt(1)(color),
  deuteranopia: (color) => filterDeficiencyDeuter(1)(color),
  tritanopia: (color) => filterDeficiencyTrit(1)(color),
};

/** Colours that meet in one chart. Methods also differ by shape (plot of runs) and by dash (curves). */
const TOGETHER: Readonly<Record<string, readonly string[]>> = {
  scores: ["unaligned", "aligned", "tuned"],
  methods: methods.flatMap(({ marks }) => marks.map(({ id }) => id)),
};

const css = readFileSync(new URL("../../src/lab/shell/app/tokens.css", import.meta.url), "utf8");
const LIGHT = new Map([...tokens(":root {"), ...marks("light")]);
const DARK = tokens(':root[data-mantine-color-scheme="dark"] {');
const SCHEMES = { light: LIGHT, dark: new Map([...LIGHT, ...DARK, ...marks("dark")]) };

function marks(ground: "light" | "dark"): (readonly [string, string])[] {
  return methods.flatMap((method) => method.marks.map((mark) => [mark.id, mark[ground]] as const));
}

/** The colours of the first block that begins so. */
function tokens(selector: string): Map<string, string> {
  const from = css.indexOf(selector);
  const block = css.slice(from, css.indexOf("}", from));
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", value = ""]) => [name, value]));
}

function color(scheme: ReadonlyMap<string, string>, name: string): Color {
  const found = parse(scheme.get(name) ?? "");
  if (found === undefined) throw new Error(`tokens.css has no colour --${name}`);
  return found;
}

const difference = differenceCiede2000();

describe.each(Object.entries(SCHEMES))("the colours, %s", (_, scheme) => {
  it.each(Object.entries(VISIONS))("of one chart stay apart: %s", (__, seen) => {
    const close = Object.values(TOGETHER).flatMap((names) =>
      names.flatMap((a, i) =>
        names
          .slice(i + 1)
          .map((b) => ({ pair: `${a}, ${b}`, apart: difference(seen(color(scheme, a)), seen(color(scheme, b))) }))
          .filter(({ apart }) => apart < APART),
      ),
    );
    expect(close).toEqual([]);
  });

  it("of data: 3 : 1 against page and panel", () => {
    const faint = Object.values(TOGETHER)
      .flat()
      .flatMap((name) =>
        ["paper", "panel"].map((ground) => ({
          name,
          ground,
          contrast: wcagContrast(color(scheme, name), color(scheme, ground)),
        })),
      )
      .filter(({ contrast }) => contrast < 3);
    expect(faint).toEqual([]);
  });

  it("of text: 4.5 : 1 against whatever it stands on", () => {
    const grounds = ["paper", "panel", "sunk"];
    const texts: Readonly<Record<string, readonly string[]>> = {
      ink: [...grounds, "accent-soft", "bad-soft", "warn-soft", "loss-bg"],
      "ink-2": [...grounds, "accent-soft", "bad-soft", "warn-soft"],
      "ink-3": grounds,
      accent: [...grounds, "accent-soft"],
      bad: [...grounds, "bad-soft"],
      warn: [...grounds, "warn-soft"],
    };
    const faint = Object.entries(texts)
      .flatMap(([name, behind]) =>
        behind.map((ground) => ({ name, ground, contrast: wcagContrast(color(scheme, name), color(scheme, ground)) })),
      )
      .filter(({ contrast }) => contrast < 4.5);
    expect(faint).toEqual([]);
  });
});

describe("the test itself", () => {
  it("sees what a person with a deficiency cannot", () => {
    const [red, green] = [parse("#d62728"), parse("#6b7a00")];
    if (red === undefined || green === undefined) throw new Error("no colours");
    expect(difference(red, green)).toBeGreaterThan(40);
    expect(difference(filterDeficiencyDeuter(1)(red), filterDeficiencyDeuter(1)(green))).toBeLessThan(15);
  });
});

describe("the colours of methods", () => {
  it.each(["light", "dark"] as const)("are variables of the page, %s", (ground) => {
    const css = themeCss();
    const from = css.indexOf(`:root[data-mantine-color-scheme="${ground}"]`);
    const block = css.slice(from, css.indexOf("}", from));
    for (const [id, value] of marks(ground)) expect(block).toMatch(new RegExp(`--${id}: ?${value}`));
  });

  it("are those of a report, on light ground, on dark and on paper", async () => {
    const { css } = await reportStyle();
    const block = (begin: string): string => css.slice(css.lastIndexOf(begin)).split("\n")[0] ?? "";
    for (const [begin, ground] of [
      [":root { --sft", "light"],
      ["@media (prefers-color-scheme: dark)", "dark"],
      ["@media print", "light"],
    ] as const)
      for (const [id, value] of marks(ground)) expect(block(begin), begin).toContain(`--${id}: ${value}`);
  });

  it("have a name and a shape each, so that no two methods look alike", () => {
    const all = methods.flatMap((method) => method.marks);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ shape }) => shape)).size).toBe(all.length);
  });
});
