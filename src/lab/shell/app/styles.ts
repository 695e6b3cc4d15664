/**
 * @file Mantine's variables and the methods' colours as a constructed style sheet. Mantine itself would add `<style>`
 * elements to the page, which the Content-Security-Policy (style-src 'self') forbids; constructed style sheets are
 * allowed. Mantine's responsive classes (hiddenFrom, visibleFrom) are left out: the lab does not use them.
 */
import { convertCssVariables, defaultCssVariablesResolver, mergeMantineTheme, DEFAULT_THEME } from "@mantine/core";
import type { Mark } from "../../../methods/description.ts";
import { methods } from "../../../methods/registry.ts";
import { theme, variables } from "./theme.ts";

/** The variables of the lab's theme as CSS, in Mantine's order. */
export function themeCss(): string {
  const merged = mergeMantineTheme(DEFAULT_THEME, theme);
  const [theirs, ours] = [defaultCssVariablesResolver(merged), variables(merged)];
  return convertCssVariables({
    variables: { ...theirs.variables, ...ours.variables },
    light: { ...theirs.light, ...ours.light, ...markVariables("light"), "--mantine-color-scheme": "light" },
    dark: { ...theirs.dark, ...ours.dark, ...markVariables("dark"), "--mantine-color-scheme": "dark" },
  });
}

/** The colour of every method's mark, as `--id`. */
function markVariables(ground: keyof Pick<Mark, "light" | "dark">): Readonly<Record<string, string>> {
  return Object.fromEntries(methods.flatMap(({ marks }) => marks.map((mark) => [`--${mark.id}`, mark[ground]])));
}

export function adoptThemeStyles(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(themeCss());
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
