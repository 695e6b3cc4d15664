/** @file Texts of the analyses of a finished run. */
export const ANALYSES_COPY = {
  title: "Analyses",
  compute: "Compute",
  failed: "The analysis failed",
  again: "Compute again",
  about: "About this analysis",
  csv: "CSV",
  json: "JSON",
  region: (title: string): string => `${title}, table`,
};
