/** @file Texts of shared components: failures, details to copy, charts and scales. */

export const FAILURE = {
  copyDetails: "Copy details",
  copied: "Copied",
  cannotShow: (part: string): string => `${part} cannot be shown; the rest of the lab still works`,
  retry: "Try again",
  reload: "Reload",
};

export const DIALOG = {
  close: "Close",
};

export const CHART = {
  step: "step",
  none: "–",
  average: (value: string): string => `avg ${value}`,
  noValues: (series: string): string => `${series}: no values yet`,
  range: (series: string, first: string, last: string): string => `${series}: from ${first} to ${last}`,
  label: (title: string, unit: string, points: number, series: readonly string[]): string =>
    `${title}${unit === "" ? "" : ` (${unit})`}, ${points} points. ${series.join("; ")}`,
};

export const SCALE = {
  none: "–",
  notMeasured: (why: string | null): string => (why === null ? "not measured" : `not measured: ${why}`),
  before: "before",
  range: (low: string, high: string): string => `${low} to ${high}`,
  counts: (hits: number, count: number, when: string): string => `${hits} of ${count} ${when}`,
  countsBefore: (hits: number): string => `, ${hits} before`,
  tokens: (tokens: string, rows: string): string => `${tokens} tokens of ${rows} rows`,
  perplexityBefore: (value: string): string => `, ${value} before`,
  onlyBefore: ", before",
  /** For screen readers. */
  spoken: {
    scale: (name: string, readings: string): string => `${name}: ${readings}`,
    rate: (hits: number, count: number, percent: number): string => `${hits} of ${count}, ${percent} percent`,
    perplexity: (value: string, tokens: number): string => `${value} from ${tokens} tokens`,
    interval: (low: string, high: string): string => `, 95 percent interval ${low} to ${high}`,
  },
};
