/** @file A cell of an analysis as people read it. */
import type { ResultCell, ResultColumn } from "../../analysis/analysis.ts";

/** A cell as it is shown; an en dash for what is not defined. */
export function cellText(value: ResultCell | undefined, format: ResultColumn["format"]): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  switch (format) {
    case "integer":
    case "text":
      return String(value);
    case "cosine":
      return value.toFixed(3);
    case "number":
      return Number(value.toPrecision(4)).toString();
  }
}
