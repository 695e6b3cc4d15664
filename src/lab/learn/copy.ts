/** @file The words around the Learn pages. The prose of a page, with its links and formulas, is in pages/. */
import type { LearnPage } from "./pages.ts";

export const LEARN = {
  pages: "Learn pages",
  previous: (title: string): string => `Previous: ${title}`,
  next: (title: string): string => `Next: ${title}`,
  copyLink: "Copy link to this page",
  linkCopied: "Link to this page copied.",
};

export const PAGE_TITLES: Readonly<Record<LearnPage, string>> = {
  lora: "What LoRA changes",
  direction: "The alignment direction",
  penalty: "What AsFT penalises",
  projector: "Why an exact projector can fail",
  score: "How to read a harmful score",
};

export const MEASURED_TABLE = {
  label: (head: string): string => `Measured: ${head}`,
  harmful: "Harmful score, %",
  accuracy: "Task accuracy, %",
};

export const SOURCES = {
  title: "Sources",
  asft: "AsFT: Anchoring Safety During Fine-Tuning (AAAI 2026), arXiv 2506.08473",
  asftCode: "Released code of AsFT, commit 07b606e",
  derived: "Statements without a source: Basin’s own algebra, checked by its tests.",
  measured:
    "Results in the apothecary world: docs/apothecaryTable/results.md and docs/results.md in the repository; three " +
    "seeds, 100 held-out harmful requests each, exact judge, software adapter. One small synthetic world.",
  sweep: "The lambda sweep: docs/lambdaDial/results.md, same settings.",
};

/** The projectors C of the widgets. */
export const PROJECTORS = {
  label: "Projector C",
  flat: "Exact",
  "one-sided": "One-sided",
  published: "Published",
  none: "None (plain L2)",
};

/** What each projector leaves free. */
export const PROJECTOR_NOTES = {
  flat: "Exact: moving along V is free, forwards and backwards. Only leaving that line is penalised.",
  "one-sided":
    "One-sided: only moving along +V is free. Moving along −V, which undoes alignment, costs as much as any other " +
    "direction.",
  published:
    "Published: C = V·Vᵀ/‖V‖_F scales the part along V by ‖V‖ instead of 1. A short V frees almost nothing. C is a " +
    "projector only at length 1; beyond length 2, moving along V costs more than moving across it.",
  none: "None: every direction costs the same. This is the control that shows what the anchor adds.",
};

export const MATRIX = {
  entry: (name: string, row: number, column: number): string => `${name}, row ${row}, column ${column}`,
  editable: (name: string): string => `${name} (editable)`,
};
