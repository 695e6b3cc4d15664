/** @file Mantine's theme: the lab's fonts, sizes and colours for Mantine components. */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

/** Shades around Okabe and Ito's blue; white text is readable on 6 and 7. */
const sea: MantineColorsTuple = [
  "#eaf4fa",
  "#d2e6f3",
  "#a4cde8",
  "#6bbcec",
  "#3f9fd6",
  "#1f88c4",
  "#0072b2",
  "#00629b",
  "#00517f",
  "#003f63",
];

export const theme = createTheme({
  colors: { sea },
  primaryColor: "sea",
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  luminanceThreshold: 0.42,
  defaultRadius: 3,
  fontFamily: "var(--sans)",
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  cursorType: "pointer",
  focusRing: "auto",
  headings: { fontFamily: "var(--sans)", fontWeight: "600" },
  components: {
    Tooltip: { defaultProps: { withArrow: false, openDelay: 250, multiline: true, maw: 320 } },
    TextInput: { defaultProps: { size: "sm" } },
    NumberInput: { defaultProps: { size: "sm", hideControls: true } },
    Select: { defaultProps: { size: "sm", checkIconPosition: "right", allowDeselect: false } },
    SegmentedControl: {
      styles: {
        root: { backgroundColor: "var(--sunk)" },
        label: { fontWeight: 500 },
        indicator: { backgroundColor: "var(--panel)" },
      },
    },
    Button: { defaultProps: { size: "sm" } },
  },
});

/** Mantine's variables, set to the lab's tokens. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    "--mantine-color-body": "var(--paper)",
    "--mantine-color-text": "var(--ink)",
    "--mantine-color-dimmed": "var(--ink-3)",
    "--mantine-color-placeholder": "var(--ink-3)",
    "--mantine-color-default": "var(--panel)",
    "--mantine-color-default-border": "var(--line)",
    "--mantine-color-default-hover": "var(--sunk)",
    "--mantine-color-default-color": "var(--ink)",
    "--mantine-color-error": "var(--bad)",
    "--mantine-color-anchor": "var(--accent)",
  };
  return { variables: {}, light: shared, dark: shared };
};
