/** @file The analyses, one line each, in the order in which they are listed. */
import type { Analysis } from "./analysis.ts";
import { directions } from "./directions.ts";
import { updateGeometry } from "./updateGeometry.ts";

export const ANALYSES: readonly Analysis[] = [
  updateGeometry, //
  directions,
];
