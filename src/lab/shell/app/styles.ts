/**
 * @file Mantine's variables as a constructed style sheet. Mantine would write `<style>` elements into the page, which
 * the page's Content-Security-Policy (style-src 'self') forbids; a sheet constructed by the page's own script is none of its business.
 * Its classes for hidden and visible (hiddenFrom, visibleFrom) are left out: the lab's own style sheets say what is shown where.
 */
import { convertCssVariables, defaultCssVariablesResolver, mergeMantineTheme, DEFAULT_THEME } from "@mantine/core";
import { theme, variables } from "./theme.ts";

/** The variables of the lab's theme as CSS, in the order in which Mantine itself would write them. */
export function themeCss(): string {
  const merged = mergeMantineTheme(DEFAULT_THEME, theme);
  const [theirs, ours] = [defaultCssVariablesResolver(merged), variables(merged)];
  return convertCssVariables({
    variables: { ...theirs.variables, ...ours.variables },
    light: { ...theirs.light, ...ours.light, "--mantine-color-scheme": "light" },
    dark: { ...theirs.dark, ...ours.dark, "--mantine-color-scheme": "dark" },
  });
}

export function adoptThemeStyles(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(themeCss());
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
